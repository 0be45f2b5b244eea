package command

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestFakeMetaLeads: the command has a Page with forms, changes a token for the Page's own, and
// refuses calls beyond --lead-rate; a rate that is none is refused.
func TestFakeMetaLeads(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log, logWriter := io.Pipe()
	cmd := fakeMeta()
	cmd.SetArgs([]string{"--listen", "127.0.0.1:0", "--lead-rate", "3/1h"})
	cmd.SetOut(io.Discard)
	cmd.SetErr(logWriter)
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(log).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, endpoint, _ := strings.Cut(line, "`endpoint ")
	endpoint, _, _ = strings.Cut(endpoint, "`")
	for _, c := range []struct{ what, says string }{
		{"1029384756?fields=access_token", `"access_token":"demo-token-of-the-page"`},
		{"1029384756/leadgen_forms?fields=id,status", `{"id":"771234567890124","status":"ARCHIVED"}`},
		{"771234567890123/leads?fields=id", `{"data":[]}`},
		{"238512345678900000?fields=id,field_data", `"code":80005`},
		{"1029384756?fields=access_token", `"code":80005`},
	} {
		req, err := http.NewRequest(http.MethodGet, endpoint+"/v27.0/"+c.what, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer any")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !strings.Contains(string(body), c.says) {
			t.Errorf("%s: %s, %v, want %s", c.what, body, err, c.says)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"20", "0/1m", "-1/1m", "20/0s", "20/", "x/1m", "20/1m/1m"} {
		if rate, err := leadRate(bad); err == nil || !strings.Contains(err.Error(), "such as 20/1m") {
			t.Errorf("%s: %v, %v", bad, rate, err)
		}
	}
}
