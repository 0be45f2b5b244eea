package scaffold

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// everything are answers with all that there is.
func everything() *Answers {
	a := &Answers{
		Site: "bots.example.com", Tenant: "acme", Providers: Names(), WabaID: "1", PageID: "2", InstagramID: "3",
		Forward: "https://n8n.example.com/webhook/leads", Dataset: "4", Conversions: true, LeadAds: true, LinkPhone: "+15550783881",
		Redis: "redis://:hunter2@127.0.0.1:6379", EnvFile: "leadgate.env", Secrets: make(map[string]string),
	}
	for _, name := range AllSecrets() {
		if given(name) && name != RedisURL {
			a.Secrets[name] = "secret-of-" + name
		}
	}
	a.MakeUp()
	return a
}

// TestSecrets: none stands in the Caddyfile, those that somebody else gave stand in the file
// with the secrets alone, and each that is made up is another one.
func TestSecrets(t *testing.T) {
	a := everything()
	if err := a.Check(); err != nil {
		t.Fatal(err)
	}
	caddyfile, words, file := a.Caddyfile(), a.Words("caddy", "Caddyfile"), a.EnvFileText()
	seen := map[string]bool{}
	for _, name := range AllSecrets() {
		value := a.Secrets[name]
		if len(value) < 16 || seen[value] || strings.Contains(caddyfile, value) || !strings.Contains(file, "\n"+name+"="+value+"\n") ||
			!strings.Contains(caddyfile, "{env."+name+"}") {
			t.Errorf("%s: %q", name, value)
		}
		if seen[value] = true; strings.Contains(words, value) == given(name) {
			t.Errorf("%s is said: %v", name, !given(name))
		}
	}
}

// TestWordsFit: what is said is no wider than a terminal, but where an address is.
func TestWordsFit(t *testing.T) {
	for line := range strings.Lines(everything().Words("caddy", "Caddyfile")) {
		if n := utf8.RuneCountInString(line); n > 81 && !strings.Contains(line, "://") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// TestMatches: a tenant is found by ids of its own channels, by the number rather than by the
// account that it is one of, and by none if none is known.
func TestMatches(t *testing.T) {
	for _, c := range []struct {
		a    Answers
		want string
	}{
		{Answers{Providers: []string{"whatsapp"}}, ""},
		{Answers{Providers: []string{"whatsapp"}, WabaID: "1"}, "match waba_id 1"},
		{Answers{Providers: []string{"whatsapp"}, WabaID: "1", PhoneNumberID: "2"}, "match phone_number_id 2"},
		{Answers{Providers: []string{"gupshup"}, WabaID: "1"}, ""},
		{Answers{Providers: []string{"whatsapp"}, WabaID: "1", PageID: "3"}, "match waba_id 1"},
		{Answers{Providers: []string{"whatsapp"}, WabaID: "1", PageID: "3", LeadAds: true}, "match waba_id 1 match page_id 3"},
		{Answers{Providers: []string{"messenger", "instagram"}, PageID: "3", InstagramID: "4"}, "match page_id 3 match instagram_id 4"},
	} {
		if got := strings.Join(c.a.matches(), " "); got != c.want {
			t.Errorf("%+v: %s", c.a, got)
		}
	}
}

func TestSite(t *testing.T) {
	for text, want := range map[string]string{
		"bots.example.com": "bots.example.com", " https://bots.example.com/ ": "bots.example.com",
		"http://bots.example.com": "http://bots.example.com",
		"bots.example.com:8443":   "bots.example.com:8443", "localhost:8080": "http://localhost:8080",
		"http://127.0.0.1:8080": "http://127.0.0.1:8080",
		"":                      "", "https://bots.example.com/webhooks": "", "ftp://bots.example.com": "",
		"bots.example.com, other.example.com": "", "a {": "",
	} {
		if got, err := Site(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// TestMissing names the flag of the first answer that is missing.
func TestMissing(t *testing.T) {
	for flag, without := range map[string]func(*Answers){
		"site": func(a *Answers) { a.Site = "" }, "provider": func(a *Answers) { a.Providers = nil },
		"tenant": func(a *Answers) { a.Tenant = "" }, "waba-id": func(a *Answers) { a.WabaID = "" },
		"app-secret": func(a *Answers) { delete(a.Secrets, AppSecret) }, "capi-token": func(a *Answers) { delete(a.Secrets, CAPIToken) },
		"page-token": func(a *Answers) { delete(a.Secrets, PageToken) }, "dataset": func(a *Answers) { a.Dataset = "" },
		"twilio-auth-token": func(a *Answers) { delete(a.Secrets, TwilioAuthToken) }, "page-id": func(a *Answers) { a.PageID = "" },
		"forward":      func(a *Answers) { a.Forward, a.Dataset, a.LeadAds = "", "", false },
		"instagram-id": func(a *Answers) { a.InstagramID = "" },
	} {
		a := everything()
		without(a)
		var missing *Missing
		if err := a.Check(); !errors.As(err, &missing) || missing.Flag != flag {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
