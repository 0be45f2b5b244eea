package google_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/google/googletest"
)

// TestAssertion: the JWT is the one of Google's description, and goes to the token_uri
// alone.
func TestAssertion(t *testing.T) {
	fake, c, _ := start(t)
	next := c.Transport
	var form string
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/token" {
			form = read(r)
		}
		return next.RoundTrip(r)
	})
	if r := ingest(t, c, sale(t, "x"))[0]; r.Fate != google.Taken {
		t.Fatalf("%+v", r)
	}
	_, assertion, _ := strings.Cut(form, "assertion=")
	assertion, _, _ = strings.Cut(assertion, "&")
	parts := strings.Split(assertion, ".")
	const header = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1NjcifQ"
	if len(parts) != 3 || parts[0] != header {
		t.Fatalf("%s", form)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil || len(claims) != 5 || claims["iss"] != googletest.ServiceAccount ||
		claims["scope"] != google.Scope || claims["aud"] != fake.URL()+"/token" {
		t.Errorf("%s, %v", raw, err)
	}
}

// TestUser: a user's refresh token is exchanged, and the project that the file names for
// quota is told.
func TestUser(t *testing.T) {
	fake := googletest.New(t, func(s *googletest.Server) {
		s.Now, s.Users = new(clock).now, map[string]googletest.User{"id1": {Secret: "s1", RefreshToken: "r1"}}
	})
	file := `{"type":"authorized_user","client_id":"id1","client_secret":"s1","refresh_token":%q,"token_uri":"` + fake.URL() +
		`/token","quota_project_id":"p1"}`
	c := client(t, fake, fmt.Appendf(nil, file, "r1"), settings())
	next := c.Transport
	project := ""
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		project = r.Header.Get("X-Goog-User-Project")
		return next.RoundTrip(r)
	})
	if r := ingest(t, c, sale(t, "x"))[0]; r.Fate != google.Taken || project != "p1" {
		t.Errorf("%+v, project %q", r, project)
	}
	c = client(t, fake, fmt.Appendf(nil, file, "revoked"), settings())
	r := ingest(t, c, sale(t, "x"))[0]
	if r.Fate != google.Park || r.Reason != "token" || !strings.Contains(r.Text, "invalid_grant") {
		t.Errorf("revoked: %+v", r)
	}
	key, err := google.ParseKey(fmt.Appendf(nil, file, "r1"))
	if err != nil {
		t.Fatal(err)
	}
	if c.SetKey(key); ingest(t, c, sale(t, "y"))[0].Fate != google.Taken {
		t.Error("a new key does not count")
	}
}

// TestRefusedToken: a 401 brings a new token once; a second one parks.
func TestRefusedToken(t *testing.T) {
	fake, c, _ := start(t)
	if ingest(t, c, sale(t, "a"))[0].Fate != google.Taken {
		t.Fatal("not taken")
	}
	fake.ExpireTokens()
	if r := ingest(t, c, sale(t, "b"))[0]; r.Fate != google.Taken {
		t.Errorf("after the first token: %+v", r)
	}
	fake.Script(2, googletest.Answer{Status: 401, Body: `{"error":{"code":401,"status":"UNAUTHENTICATED"}}`})
	if r := ingest(t, c, sale(t, "c"))[0]; r.Fate != google.Park || r.Reason != "token" {
		t.Errorf("twice refused: %+v", r)
	}
	if r := ingest(t, c, sale(t, "c"))[0]; r.Fate != google.Taken {
		t.Errorf("once it is mended: %+v", r)
	}
	if _, _, _, tokens := fake.Counts(); tokens != 4 {
		t.Errorf("%d tokens", tokens)
	}
}

// TestTokenEndpointAway: what is no refusal is tried again; a redirect is not followed.
func TestTokenEndpointAway(t *testing.T) {
	for status, want := range map[int]google.Fate{500: google.Retry, 503: google.Retry, 429: google.Retry, 400: google.Park, 302: google.Park,
		200: google.Retry} {
		_, c, _ := start(t)
		next := c.Transport
		asked := 0
		c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/token" {
				return next.RoundTrip(r)
			}
			asked++
			resp := answer(status, `{"error":"x"}`)
			resp.Header.Set("Location", "/token")
			resp.Request = r
			return resp, nil
		})
		if r := ingest(t, c, sale(t, "x"))[0]; r.Fate != want || asked != 1 || r.Text == "" || (status == 429) != r.Throttled {
			t.Errorf("%d: %+v after %d requests", status, r, asked)
		}
	}
}

// TestSecretsStay: neither token nor key stands in what is said, whatever goes wrong.
func TestSecretsStay(t *testing.T) {
	fake := googletest.New(t)
	file := fake.KeyFile(t)
	key, err := google.ParseKey(file)
	if err != nil {
		t.Fatal(err)
	}
	user := `{"type":"authorized_user","client_id":"id1","client_secret":"GOCSPX-s1","refresh_token":"1//r1",` +
		`"token_uri":"http://127.0.0.1:1/"}`
	userKey, err := google.ParseKey([]byte(user))
	if err != nil {
		t.Fatal(err)
	}
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_ = r.Write(w)
	}))
	defer echo.Close()
	var said strings.Builder
	for _, k := range []*google.Key{key, userKey} {
		asJSON, err := json.Marshal(struct{ Key any }{k})
		fmt.Fprintf(&said, "%s %v %+v %#v %s %v\n", k, k, k, k, asJSON, err)
		for _, endpoint := range []string{"http://127.0.0.1:1", echo.URL} {
			s := settings()
			s.Endpoint = endpoint
			c := google.NewClient(s, k)
			defer c.Close()
			fmt.Fprintf(&said, "%+v\n", ingest(t, c, sale(t, "x")))
		}
	}
	for _, bad := range []string{string(file[:200]), strings.Replace(user, "refresh_token", "refresh", 1), `{"type":"1//r1GOCSPX"`} {
		_, err := google.ParseKey([]byte(bad))
		fmt.Fprintf(&said, "%v\n", err)
	}
	for _, secret := range []string{"PRIVATE KEY", "MII", "GOCSPX", "1//r1", "ya29", "assertion="} {
		if strings.Contains(said.String(), secret) {
			t.Errorf("%s is in %s", secret, said.String())
		}
	}
}

// TestParseKey: what is no credential is refused by a sentence.
func TestParseKey(t *testing.T) {
	fake := googletest.New(t)
	good := string(fake.KeyFile(t))
	for _, file := range []string{
		"", "null", "[]", "{}", `{"type":"external_account"}`, `{"type":"authorized_user","client_id":"x"}`, `{"type":"service_account"}`,
		strings.Replace(good, "BEGIN PRIVATE", "BEGIN", 1), strings.Replace(good, "MII", "XII", 1),
		strings.Replace(good, fake.URL()+"/token", "ftp://x/", 1), strings.Replace(good, fake.URL()+"/token", "http://169.254.169.254/", 1),
	} {
		if k, err := google.ParseKey([]byte(file)); err == nil {
			t.Errorf("%s is taken: %v", file, k)
		}
	}
	key, err := google.ParseKey([]byte(good))
	if err != nil || key.Account() != googletest.ServiceAccount {
		t.Fatal(key, err)
	}
	s := settings()
	if s.Check(key) == nil {
		t.Error("a key of Google's would go to another address")
	}
	if s.Endpoint = fake.URL(); s.Check(key) != nil {
		t.Error("a fake's key is refused with its endpoint")
	}
}

// TestValidateSettings: each mistake names its option.
func TestValidateSettings(t *testing.T) {
	for option, s := range map[string]google.Settings{
		"account":       {Account: "123-456-7890"},
		"login_account": {Account: "1234567890", LoginAccount: "1"},
		"endpoint":      {Account: "1234567890", Endpoint: "https://datamanager.googleapis.com/v1"},
		"event_source":  {Account: "1234567890", EventSource: "CHAT"},
	} {
		if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), option+" ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", option, err)
		}
	}
	for _, endpoint := range []string{"x", "http://datamanager.googleapis.com", "https://u:p@x/", "http://0x7f.1/", "http://169.254.169.254"} {
		s := google.Settings{Account: "1234567890", Endpoint: endpoint}
		if s.Validate() == nil {
			t.Errorf("%s is taken", endpoint)
		}
	}
	for text, want := range map[string]string{"123-456-7890": "1234567890", "1234567890": "1234567890", "12-3456-7890": "", "123": "",
		"123456789x": ""} {
		if id, ok := google.AccountID(text); ok != (want != "") || ok && id != want {
			t.Errorf("%s: %s, %v", text, id, ok)
		}
	}
}
