package leadfake

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// fake is a Page with a form and a lead, and a clock.
type fake struct {
	Server
	t     *testing.T
	clock time.Time
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, clock: time.Unix(1764000000, 0)}
	f.Now = func() time.Time { return f.clock }
	f.AddForm(&Form{ID: "771234567890123", Page: "1029384756", Name: "Summer", Status: "ACTIVE"})
	f.Add(Sample("238512345678900000", f.clock.Add(-time.Minute)))
	return f
}

type reply struct {
	status int
	header http.Header
	code   int // of an error
	body   string
}

func (f *fake) ask(method, what, token string) (r reply) {
	f.t.Helper()
	req := httptest.NewRequest(method, "/v27.0/"+what, nil)
	req.Header.Set("User-Agent", "test")
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, req)
	var failed struct{ Error struct{ Code int } }
	if err := json.Unmarshal(w.Body.Bytes(), &failed); err != nil {
		f.t.Fatalf("%s: %s", what, w.Body)
	}
	return reply{w.Code, w.Header(), failed.Error.Code, w.Body.String()}
}

const (
	forms = "1029384756/leadgen_forms?fields=id,status"
	list  = "771234567890123/leads?fields=id,created_time"
	one   = "238512345678900000?fields=id,field_data"
)

// TestRate: so many calls of any kind are taken, each with the use in percent; beyond it they are
// refused with how long to wait, anew for who does not.
func TestRate(t *testing.T) {
	f := newFake(t)
	f.Rate = Rate{Calls: 4, Per: 90 * time.Second}
	for i, what := range []string{forms, list, one, list} {
		r := f.ask(http.MethodGet, what, "any")
		use, wait := []string{"25", "50", "75", "100"}[i], []string{"0", "0", "0", "2"}[i]
		says := r.header.Get("X-Business-Use-Case-Usage")
		if r.code != 0 || !strings.Contains(says, `"call_count":`+use+`,`) || !strings.Contains(says, `regain_access":`+wait+`}`) {
			t.Errorf("call %d: %d %s", i, r.code, says)
		}
	}
	for range 2 {
		r := f.ask(http.MethodGet, one, "any")
		if says := r.header.Get("X-Business-Use-Case-Usage"); r.status != 400 || r.code != 80005 || r.header.Get("Retry-After") != "90" ||
			!strings.Contains(says, `"call_count":100,`) || !strings.Contains(says, `regain_access":2}`) {
			t.Errorf("%d %d %v", r.status, r.code, r.header)
		}
		f.clock = f.clock.Add(89 * time.Second)
	}
	f.clock = f.clock.Add(time.Second)
	if r := f.ask(http.MethodGet, list, "any"); r.code != 0 || f.Early() != 2 {
		t.Errorf("after the wait: error %d; %d came early", r.code, f.Early())
	}
}

// TestPageToken: a token is changed for a Page's own, which is asked for nothing else; where that
// alone may list, no other does.
func TestPageToken(t *testing.T) {
	f := newFake(t)
	f.PageToken = func(page string) string {
		if page == "1029384756" {
			return "own"
		}
		return ""
	}
	f.OwnAlone = true
	f.SetToken("system")
	for _, c := range []struct {
		what, token string
		code        int
		says        string
	}{
		{"1029384756?fields=access_token", "system", 0, `{"access_token":"own","id":"1029384756"}`},
		{"1029384756?fields=access_token", "another", 190, ""},
		{"1029384756?fields=access_token,email", "system", 2500, ""},
		{"1029384799?fields=access_token", "system", 2500, ""},
		{forms, "system", 210, ""},
		{list, "system", 210, ""},
		{forms, "own", 0, `"771234567890123"`},
		{list, "own", 0, `"238512345678900000"`},
		{forms, "another", 190, ""},
		{one, "system", 0, "Ana Souza"},
	} {
		if r := f.ask(http.MethodGet, c.what, c.token); r.code != c.code || !strings.Contains(r.body, c.says) {
			t.Errorf("%s by %s: %d %s", c.what, c.token, r.code, r.body)
		}
	}
	if r := f.ask(http.MethodPost, "1029384756?fields=access_token", "system"); r.code == 0 {
		t.Error("POST gives a token")
	}
}
