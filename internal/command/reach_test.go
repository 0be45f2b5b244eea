package command

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/normalize"
)

// tokenProvider is one whose token stands in the query, too.
type tokenProvider struct{}

func (tokenProvider) Normalize(*http.Request, []byte, int64, *normalize.Batch) error { return nil }

func (tokenProvider) SignRequest(r *http.Request, _ []byte, secret string) {
	r.URL.RawQuery = url.Values{"token": {secret}}.Encode()
}

// TestUnreached: where no block answers what is posted, the error says what to write instead, and
// never the token, which may stand in the URL.
func TestUnreached(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://bots.example.com"+r.URL.Path+"?"+r.URL.RawQuery)
		w.WriteHeader(http.StatusPermanentRedirect)
	}))
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	defer secure.Close()
	for to, says := range map[string]string{
		"https" + strings.TrimPrefix(plain.URL, "http"):  "speaks http there, without TLS: write " + plain.URL + "/hook",
		"http" + strings.TrimPrefix(secure.URL, "https"): "TLS is spoken there: write " + secure.URL + "/hook",
		plain.URL: "it leads to https://bots.example.com/hook, and providers follow nowhere: write that as --to",
		"http://127.0.0.1:" + strconv.Itoa(freeport.New(t)): "is the edge running",
		"http://nobody.invalid":                             "nobody.invalid",
	} {
		w := webhook{to: to + "/hook", provider: "whapi", secret: "hidden-token", body: []byte("{}")}
		var out bytes.Buffer
		err := w.send(t.Context(), &out, tokenProvider{}, "test")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", to, err, says)
		}
		if err != nil && strings.Contains(err.Error()+out.String(), "hidden-token") {
			t.Errorf("%s: the token is shown: %v\n%s", to, err, &out)
		}
	}
}

// TestListenAt says what to write where it cannot listen.
func TestListenAt(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, says := range map[string]string{
		taken.Addr().String(): "something listens at " + taken.Addr().String() + " already: stop it, or write another address with --listen",
		"8082":                "--listen 8082 is no address: write a host and a port, such as 127.0.0.1:8082",
		"127.0.0.1:":          "is no address",
		"127.0.0.1:99999":     "listening at --listen 127.0.0.1:99999",
	} {
		if l, err := listenAt(t.Context(), address); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, %v", address, l, err)
		}
	}
}
