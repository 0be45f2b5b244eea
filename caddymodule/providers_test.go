package caddymodule

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/samples"
	"github.com/leadgate/leadgate/normalize"
)

// otherSite is a Caddyfile with one block of another provider than Meta.
func otherSite(provider, block string) string {
	return `{
	admin off
	leadgate {
		queue embedded %DIR%/queue
	}
}
http://127.0.0.1:%PORT% {
	leadgate /webhooks* {
		provider ` + provider + `
` + block + `
	}
	respond "next" 418
}
`
}

// TestSamples sends every built-in sample as `caddy leadgate send` does, and
// looks for it downstream.
func TestSamples(t *testing.T) {
	const secret = "a secret"
	s := newSink(t)
	blocks := map[string]string{
		"meta":      "meta {\n app_secret \"" + secret + "\"\n verify_token x\n}",
		"gupshup":   "gupshup {\n token header Authorization \"Bearer " + secret + "\"\n}",
		"whapi":     "whapi {\n token query token \"" + secret + "\"\n}",
		"360dialog": "360dialog {\n token query token \"" + secret + "\"\n}",
		"twilio":    "twilio {\n auth_token \"" + secret + "\"\n}",
	}
	for _, want := range []string{"text", "click", "image", "status", "lead", "purchase", "messenger-ad", "instagram-ad", "gupshup-text",
		"gupshup-click", "whapi-click", "twilio-click"} {
		t.Run(want, func(t *testing.T) {
			provider := samples.Provider(want)
			e := startEdge(t, otherSite(blocks[provider], "forward "+s.URL))
			for range 2 { // each is a new event
				body, err := samples.Render(want, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				if err := sendAs(t, e.url("/webhooks/x"), provider, secret, body); err != nil {
					t.Fatal(err)
				}
				d := s.next(t)
				if d.event["provider"] != provider {
					t.Errorf("event: %s", d.body)
				}
				referral, _ := d.event["referral"].(map[string]any)
				isAd := referral != nil && (referral["ctwaClid"] != nil || referral["adId"] != nil)
				if wantAd := want == "click" || strings.HasSuffix(want, "-click") || strings.HasSuffix(want, "-ad"); isAd != wantAd {
					t.Errorf("ad: %v, want %v: %s", isAd, wantAd, d.body)
				}
				if err := sendAs(t, e.url("/webhooks/x"), provider, "wrong", body); err == nil || !strings.Contains(err.Error(), "401") {
					t.Errorf("with a wrong secret: %v", err)
				}
			}
		})
	}
}

// TestRawHeaders: a raw destination of any provider gets each header of a webhook as often
// as it came.
func TestRawHeaders(t *testing.T) {
	s := newSink(t)
	for _, c := range []struct{ provider, block, signature string }{
		{"meta", "meta {\n app_secret x\n verify_token x\n}", "X-Hub-Signature-256"},
		{"gupshup", "gupshup {\n token query token x\n}", ""},
		{"whapi", "whapi {\n token query token x\n}", ""},
		{"twilio", "twilio {\n auth_token x\n}", "X-Twilio-Signature"},
	} {
		t.Run(c.provider, func(t *testing.T) {
			e := startEdge(t, otherSite(c.block, "forward "+s.URL+" {\n raw\n}"))
			sample := map[string]string{"meta": "click"}[c.provider]
			if sample == "" {
				sample = c.provider + "-click"
			}
			body, err := samples.Render(sample, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if err := sendAs(t, e.url("/webhooks/x"), c.provider, "x", body); err != nil {
				t.Fatal(err)
			}
			d := s.next(t)
			if !bytes.Equal(d.body, body) || len(d.header["Content-Type"]) != 1 {
				t.Errorf("%v\n%s", d.header, d.body)
			}
			if c.signature != "" && len(d.header[c.signature]) != 1 {
				t.Errorf("%s: %q", c.signature, d.header[c.signature])
			}
			for name, values := range d.header {
				if len(values) != 1 {
					t.Errorf("%s: %q", name, values)
				}
			}
		})
	}
}

// TestSignatureHeadersOnce: names of a provider's own that others sign with, too, or that
// it writes in another way, are one.
func TestSignatureHeadersOnce(t *testing.T) {
	for _, m := range builtIn {
		names := signatureHeaders(m.CaddyModule().New().(Provider))
		sorted := slices.Sorted(slices.Values(names))
		if len(names) < 3 || len(slices.Compact(sorted)) != len(names) {
			t.Errorf("%s: %v", m.CaddyModule().ID, names)
		}
	}
	if all, own := signatureHeaders(new(Whapi)), signatureHeaders(oddSigner{}); len(own) != len(all)+1 || !slices.Contains(own, "X-Own") {
		t.Errorf("%v", own)
	}
}

// oddSigner is a guest that names headers in lower case, twice, and Meta's besides.
type oddSigner struct{ Provider }

func (oddSigner) SignatureHeaders() []string {
	return []string{"x-own", "X-Own", "x-hub-signature-256"}
}

const gupshupText = `{"app":"shop","timestamp":%d,"version":2,"type":"message","payload":{"id":"wamid.%s","source":"15551234567",` +
	`"type":"text","payload":{"text":"Hi"},"sender":{"phone":"15551234567","name":"Maria"}}}`

// TestTokens checks every place and value of a token.
func TestTokens(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, otherSite("gupshup {\n token header Authorization \"Bearer one\" \"Bearer two\"\n token query token three\n}",
		"forward "+s.URL))
	for i, c := range []struct {
		header, query string
		status        int
	}{
		{"Bearer one", "", 200}, {"Bearer two", "", 200}, {"", "token=three", 200}, {"wrong", "token=three", 200},
		{"", "", 401}, {"Bearer", "", 401}, {"one", "", 401}, {"Bearer three", "", 401}, {"", "token=one", 401}, {"", "token=", 401},
		{"", "Token=three", 401},
	} {
		resp, _ := e.post("/webhooks/gupshup?"+c.query, fmt.Appendf(nil, gupshupText, time.Now().UnixMilli(), fmt.Sprint(i)),
			func(r *http.Request) {
				r.Header.Del("X-Hub-Signature-256")
				if c.header != "" {
					r.Header.Set("Authorization", c.header)
				}
			})
		if resp.StatusCode != c.status {
			t.Errorf("%+v: %d", c, resp.StatusCode)
		}
		if c.status == 200 {
			s.next(t)
		}
	}
	s.expectNone(t)
}

// TestProbes answers a provider's probes with an empty 200, and makes no event.
func TestProbes(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, otherSite("gupshup {\n token query token x\n}", "forward "+s.URL+" {\n only all\n}"))
	for _, body := range []string{
		`{"app":"shop","timestamp":1736535600000,"version":2,"type":"user-event","payload":{"phone":"callbackSetPhone","type":"sandbox-start"}}`,
		`{"gs_app_id":"1","object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages",` +
			`"value":{"statuses":[{"type":"set-callback"}]}}]}]}`,
		`{"gs_app_id":"1","object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages",` +
			`"value":{"statuses":[{"type":"connectivity-check"}]}}]}]}`,
	} {
		if resp, answer := e.post("/webhooks?token=x", []byte(body)); resp.StatusCode != 200 || answer != "" {
			t.Errorf("%s: %d %q", body, resp.StatusCode, answer)
		}
	}
	s.expectNone(t)
}

// TestWhapiModes takes other methods and paths below the matcher.
func TestWhapiModes(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, otherSite("whapi {\n token header X-Token x\n}", "forward "+s.URL+" {\n only all\n}"))
	for i, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		body := fmt.Appendf(nil, `{"messages":[{"id":"m%d","from_me":false,"type":"text","chat_id":"15551234567@s.whatsapp.net",`+
			`"timestamp":1736535600,"text":{"body":"x"},"from":"15551234567"}],"channel_id":"C-1"}`, i)
		resp, _ := e.post("/webhooks/whapi/messages", body, func(r *http.Request) { r.Method = method; r.Header.Set("X-Token", "x") })
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
		s.next(t)
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		resp, _ := e.post("/webhooks/whapi", nil, func(r *http.Request) { r.Method = method; r.Header.Set("X-Token", "x") })
		if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST, PUT, PATCH, DELETE" {
			t.Errorf("%s: %d %q", method, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
}

func TestTwilioTakesFormsOnly(t *testing.T) {
	e := startEdge(t, otherSite("twilio {\n insecure_skip_verify\n}", "forward http://127.0.0.1:9/"))
	for _, body := range []string{"{}", "a=%zz", ""} {
		if resp, _ := e.post("/webhooks", []byte(body)); resp.StatusCode != 400 {
			t.Errorf("%q: %d", body, resp.StatusCode)
		}
	}
}

// TestCorpus posts every real payload through a real edge: each is taken.
func TestCorpus(t *testing.T) {
	corpus := os.Getenv("LEADGATE_CORPUS")
	if corpus == "" {
		t.Skip("LEADGATE_CORPUS is not set: real payloads are not tried")
	}
	providers := map[string]string{"whatsapp": "meta", "messenger": "meta", "instagram": "meta", "whapi": "whapi", "evolution": "meta",
		"uazapi": "whapi"}
	s := newSink(t)
	for folder, provider := range providers {
		e := startEdge(t, otherSite(provider+" {\n insecure_skip_verify\n}", "forward "+s.URL+" {\n only all\n}"))
		files, err := filepath.Glob(filepath.Join(corpus, folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := newProvider(provider)
			if err != nil {
				t.Fatal(err)
			}
			var batch normalize.Batch
			r, _ := http.NewRequest(http.MethodPost, "http://localhost/", nil)
			if err := p.Normalize(r, body, time.Now().UnixMilli(), &batch); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			if resp, _ := e.post("/webhooks/x", body); resp.StatusCode != 200 {
				t.Errorf("%s: %d", file, resp.StatusCode)
			}
		}
	}
}
