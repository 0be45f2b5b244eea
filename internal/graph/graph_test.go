package graph

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/apicall"
)

func client(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	transport := apicall.New()
	t.Cleanup(transport.CloseIdleConnections)
	return &Client{Transport: transport, Endpoint: s.URL + "/", Version: "v27.0", UserAgent: "Leadgate/test"}
}

func TestGet(t *testing.T) {
	var got *http.Request
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("Retry-After", "7")
		_, _ = w.Write([]byte(`{"id":"17","name":"shop"}`))
	})
	a, err := c.Get(t.Context(), "17?fields=id,name", Credentials{"EAAtoken", "app_secret_123"})
	if err != nil || a.Code != 200 || a.Status != "200 OK" || a.Error != nil || a.Root.Get("name").String() != "shop" {
		t.Fatalf("%+v, %v", a, err)
	}
	if got.RequestURI != "/v27.0/17?fields=id,name&appsecret_proof=e2f4025c78aeb0a2ca0cdbe1b761e2343d7a8230003895dad6dc39c35c7a0161" {
		t.Errorf("asked for %s", got.RequestURI)
	}
	for name, want := range map[string]string{"Authorization": "Bearer EAAtoken", "User-Agent": "Leadgate/test",
		"Accept": "application/json"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q", name, got.Header.Get(name))
		}
	}
	if wait, _ := Wait(a.Header, time.Time{}); wait != 7*time.Second {
		t.Errorf("wait %v", wait)
	}
	if _, err := c.Get(t.Context(), "17", Credentials{Token: "x"}); err != nil || got.RequestURI != "/v27.0/17" {
		t.Errorf("without a secret: %s, %v", got.RequestURI, err)
	}
}

// TestAnswers: an error object is read whatever the status, a redirect is an answer
// like any other, and too much is none.
func TestAnswers(t *testing.T) {
	for body, check := range map[string]func(a *Answer) bool{
		`{"error":{"code":190,"error_subcode":463,"message":"m","type":"OAuthException","is_transient":true,"error_user_title":"t",` +
			`"fbtrace_id":"T"}}`: func(a *Answer) bool {
			return *a.Error == Error{Message: "m", Type: "OAuthException", Code: 190, Subcode: 463, Transient: true, Title: "t", TraceID: "T"}
		},
		`{"error":"no"}`: func(a *Answer) bool { return a.Error == nil && a.Root.Exists() },
		`<html>`:         func(a *Answer) bool { return a.Error == nil && !a.Root.Exists() },
		``:               func(a *Answer) bool { return !a.Root.Exists() },
		`{"id":"` + strings.Repeat("1", maxObject) + `"}`: func(a *Answer) bool { return !a.Root.Exists() },
	} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
			_, _ = w.Write([]byte(body))
		})
		a, err := c.Get(t.Context(), "17", Credentials{Token: "x"})
		if err != nil || a.Code != http.StatusFound || !check(a) {
			t.Errorf("%.40s: %+v, %v", body, a, err)
		}
	}
}

// TestErrorsKeepSecrets: what goes wrong is said without the token and the proof.
func TestErrorsKeepSecrets(t *testing.T) {
	secret := Credentials{"EAAtoken", "app_secret_123"}
	gone := client(t, nil)
	gone.Endpoint = "http://127.0.0.1:1"
	odd := &Client{Transport: gone.Transport, Endpoint: "http://a b", Version: "v27.0"}
	for _, c := range []*Client{gone, odd} {
		_, err := c.Get(t.Context(), "17", secret)
		if err == nil || strings.Contains(err.Error(), secret.Token) || strings.Contains(err.Error(), secret.Proof()) {
			t.Errorf("%v", err)
		}
	}
}
