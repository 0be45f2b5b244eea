package setupfake

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestStrict: the fake takes no more than Meta does.
func TestStrict(t *testing.T) {
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("hub.verify_token") == "word" {
			_, _ = io.WriteString(w, r.URL.Query().Get("hub.challenge"))
		}
	}))
	defer edge.Close()
	s := &Server{App: App{"7", "Demo", "secret"}, Tokens: map[string]*Token{
		"all":   {Type: "SYSTEM_USER", Scopes: everyScope},
		"none":  {Type: "USER"},
		"ended": {Type: "USER", Scopes: everyScope, ExpiresAt: time.Now().Add(-time.Hour)},
		"one":   {Type: "SYSTEM_USER", Scopes: everyScope, Targets: map[string][]string{"whatsapp_business_management": {"2"}}},
	}}
	s.AddWABA(&WABA{ID: "1", Numbers: []string{"11"}, Apps: map[string]string{"7": edge.URL}})
	s.AddPage(&Page{ID: "3", Token: "page", Fields: map[string][]string{"7": {"feed", "messages"}}})
	meta := httptest.NewServer(s)
	defer meta.Close()
	subscribe := "object=page&verify_token=word&callback_url=" + url.QueryEscape(edge.URL) + "&fields="
	for _, c := range []struct{ method, path, token, form, says string }{
		{"GET", "/v27.0/debug_token?input_token=all", "7|secret", "", `"is_valid":true`},
		{"GET", "/v27.0/debug_token?input_token=ended", "7|secret", "", `"subcode":463`},
		{"GET", "/v27.0/debug_token?input_token=ended", "ended", "", `"error_subcode":463`},
		{"GET", "/v27.0/debug_token?input_token=nobody", "all", "", `"is_valid":false`},
		{"GET", "/v27.0/debug_token", "all", "", `input_token is required`},
		{"GET", "/v27.0/debug_token?input_token=all", "7|wrong", "", `"code":190`},
		{"GET", "/v27.0/1/phone_numbers", "all", "", `"id":"11"`},
		{"GET", "/v27.0/1/phone_numbers", "none", "", `"code":200`},
		{"GET", "/v27.0/1/phone_numbers", "one", "", `"error_subcode":33`},
		{"GET", "/v27.0/1/phone_numbers?access_token=all", "all", "", `no token in a URL`},
		{"GET", "/v27.0/7/subscriptions", "all", "", `"code":15`},
		{"GET", "/v27.0/8/subscriptions", "7|secret", "", `"error_subcode":33`},
		{"POST", "/v27.0/7/subscriptions", "7|secret", subscribe + "feed,nope", `"code":100`},
		{"POST", "/v27.0/7/subscriptions", "7|secret", strings.Replace(subscribe, "word", "other", 1) + "feed", `"code":2200`},
		{"POST", "/v27.0/7/subscriptions", "7|secret", subscribe + "feed", `"success":true`},
		{"POST", "/v27.0/7/subscriptions", "7|secret", subscribe + "leadgen", `"success":true`},
		{"GET", "/v27.0/3/subscribed_apps", "all", "", `"code":210`},
		{"POST", "/v27.0/3/subscribed_apps", "page", "subscribed_fields=leadgen", `"success":"true"`},
		{"POST", "/v27.0/3/subscribed_apps", "page", "fields=leadgen", `"code":100`},
		{"POST", "/v27.0/1/subscribed_apps", "all", "override_callback_uri=" + url.QueryEscape(edge.URL) + "&verify_token=other", `"code":2200`},
		{"POST", "/v27.0/1/subscribed_apps", "all", "", `"success":true`},
		{"GET", "/v27.0/1/dataset", "all", "", `"data":[]`},
		{"POST", "/v27.0/1/dataset", "all", "", `"id":"91"`},
		{"POST", "/v27.0/1/dataset", "all", "", `"id":"91"`},
		{"GET", "/v27.0/x/dataset", "all", "", `"code":803`},
		{"GET", "/v27.0/me/accounts?fields=id,nope", "all", "", `nonexisting field (nope)`},
		{"GET", "/1/dataset", "all", "", `"code":2500`},
	} {
		r, err := http.NewRequest(c.method, meta.URL+c.path, strings.NewReader(c.form))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+c.token)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(body), c.says) {
			t.Errorf("%s %s by %s: %s, want %s", c.method, c.path, c.token, body, c.says)
		}
	}
	// What was there is replaced, and an override is cleared.
	if f := strings.Join(s.Subscribed("page").Fields, " "); f != "leadgen" {
		t.Errorf("the app gets %s", f)
	}
	if f := strings.Join(s.PageFields("3", "7"), " "); f != "leadgen" {
		t.Errorf("the Page's are %s", f)
	}
	if to, ok := s.Override("1", "7"); !ok || to != "" {
		t.Errorf("the override is %q", to)
	}
}
