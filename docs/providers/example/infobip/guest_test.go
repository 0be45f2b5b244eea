package infobip

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/caddymodule"
	"github.com/leadgate/leadgate/normalize"
)

func init() { caddy.RegisterModule(guest{}) }

// guest is a provider that can do all that a provider can, from outside of
// Leadgate. Its signature leaves out the digits, so that it has something to seal.
type guest struct {
	caddymodule.Tokens

	Secret string `json:"secret"`
}

var (
	_ caddymodule.Provider            = (*guest)(nil)
	_ caddymodule.Adviser             = (*guest)(nil)
	_ caddymodule.Answerer            = (*guest)(nil)
	_ caddymodule.ContentTyper        = (*guest)(nil)
	_ caddymodule.HeaderSigner        = (*guest)(nil)
	_ caddymodule.MethodLister        = (*guest)(nil)
	_ caddymodule.PartSigner          = (*guest)(nil)
	_ caddymodule.PathExtender        = (*guest)(nil)
	_ caddymodule.RequestSigner       = (*guest)(nil)
	_ caddymodule.Sealer              = (*guest)(nil)
	_ caddymodule.SecretHolder        = (*guest)(nil)
	_ caddymodule.SingleAccount       = (*guest)(nil)
	_ caddymodule.TokenCarrier        = (*guest)(nil)
	_ caddymodule.VerificationSkipper = (*guest)(nil)
	_ caddymodule.WABAOmitter         = (*guest)(nil)
)

const guestSignature = "X-Guest-Signature"

func (guest) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "leadgate.providers.guest", New: func() caddy.Module { return new(guest) }}
}

func (g *guest) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.Args(&g.Secret) {
		return d.ArgErr()
	}
	return nil
}

func (g *guest) Provision(caddy.Context) error {
	if g.Secret == "" {
		return errors.New("provider guest needs a secret")
	}
	return nil
}

func (g *guest) sign(body []byte) string {
	mac := hmac.New(sha256.New, []byte(g.Secret))
	_, _ = io.WriteString(mac, strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, string(body)))
	return hex.EncodeToString(mac.Sum(nil))
}

func (g *guest) Handshake(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, "hello")
	}
	return r.Method == http.MethodGet
}

func (g *guest) Verify(r *http.Request, body []byte) error {
	if !hmac.Equal([]byte(r.Header.Get(guestSignature)), []byte(g.sign(body))) {
		return errors.New("the signature is wrong")
	}
	return nil
}

func (*guest) Normalize(_ *http.Request, body []byte, now int64, into *normalize.Batch) error {
	if err := into.CheckJSON(body); err != nil {
		return err
	}
	var events []json.RawMessage
	if err := json.Unmarshal(body, &events); err != nil {
		return err
	}
	for _, raw := range events {
		var in struct{ App, ID, From, Was, Text string }
		_ = json.Unmarshal(raw, &in)
		e := add(into, now, raw, "")
		e.Provider, e.Kind = "guest", normalize.KindMessage
		e.WaID, e.Account.RoutingIDs().AppID = text(in.From), text(in.App)
		if in.Was != "" {
			e.OtherNames().Former = []normalize.Text{text(in.Was)}
		}
		e.Message = &normalize.Message{ID: text(in.ID), Type: "text", Text: text(in.Text)}
		into.SetReferral(e, normalize.Referral{})
		e.SetKey(in.ID)
	}
	return nil
}

func (*guest) Answer(w http.ResponseWriter) { _, _ = io.WriteString(w, "thanks") }
func (*guest) ContentType() string          { return "application/json" }
func (*guest) Methods() []string            { return []string{http.MethodGet, http.MethodPut} }
func (*guest) OmitsWABA() string            { return "a guest's webhooks" }
func (*guest) PostsBelow() string           { return "/below" }
func (*guest) SecretOptions() []string      { return []string{"secret"} }
func (*guest) OneAccount() bool             { return false }
func (*guest) SignatureHeaders() []string   { return []string{guestSignature} }
func (g *guest) CanSign() bool              { return true }
func (*guest) Seal(r *http.Request) string  { return r.Header.Get(guestSignature) }
func (*guest) Advise() []caddymodule.Advice {
	return []caddymodule.Advice{{Problem: "the secret is short", Fix: "write a longer one"}}
}

func (*guest) TokenPlaces() []caddymodule.TokenPlace {
	return []caddymodule.TokenPlace{{Name: "X-Token"}, {Query: true, Name: "token"}}
}

func (g *guest) SignPart(_ *http.Request, _, part []byte) http.Header {
	return http.Header{guestSignature: {g.sign(part)}}
}

func (g *guest) SignRequest(r *http.Request, body []byte, secret string) {
	r.Header.Set(guestSignature, (&guest{Secret: secret}).sign(body))
}

// delivery is what a destination got.
type delivery struct{ body, signature string }

// TestGuest runs a real Caddy with a provider that does all that one can.
func TestGuest(t *testing.T) {
	got := make(chan delivery, 10)
	crm := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- delivery{string(body), r.Header.Get(guestSignature)}
	}))
	defer crm.Close()
	next := func() delivery {
		t.Helper()
		select {
		case d := <-got:
			return d
		case <-time.After(20 * time.Second): // only ends a test that has failed
			t.Fatal("nothing was delivered")
			return delivery{}
		}
	}
	address := startGuest(t, crm.URL)
	g := &guest{Secret: "secret"}
	send := func(method, path, body string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		g.SignRequest(req, []byte(body), "secret")
		req.Header.Set("X-Token", "hidden")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(answer)
	}
	put := func(body string) {
		t.Helper()
		if resp, answer := send(http.MethodPut, "/hook", body); resp.StatusCode != http.StatusOK || answer != "thanks" {
			t.Fatalf("%s: %d %q", body, resp.StatusCode, answer)
		}
	}

	if resp, answer := send(http.MethodGet, "/hook", ""); resp.StatusCode != http.StatusOK || answer != "hello" {
		t.Errorf("handshake: %d %q", resp.StatusCode, answer)
	}
	if resp, _ := send(http.MethodPost, "/hook", "[]"); resp.StatusCode != http.StatusMethodNotAllowed ||
		resp.Header.Get("Allow") != "GET, PUT" {
		t.Errorf("POST: %d, allowed %s", resp.StatusCode, resp.Header.Get("Allow"))
	}

	// Each tenant gets its own part, signed again.
	acme, globex := `{"app":"a","id":"1","from":"15551234567","text":"for acme"}`,
		`{"app":"b","id":"2","from":"15551234568","text":"for globex"}`
	put("[" + acme + "," + globex + "]")
	for range 2 {
		d := next()
		if d.body != "["+acme+"]" && d.body != "["+globex+"]" || d.signature != g.sign([]byte(d.body)) {
			t.Errorf("%s, signed %s", d.body, d.signature)
		}
	}
	// A whole webhook keeps its signature. Its digits changed, it is the seal's.
	whole := `[{"app":"a","id":"3","from":"15551234567","was":"15551234560","text":"whole"}]`
	put(whole)
	if d := next(); d.body != whole || d.signature != g.sign([]byte(whole)) {
		t.Errorf("%s, signed %s", d.body, d.signature)
	}
	put(strings.Replace(whole, `"3"`, `"4"`, 1))
	last := strings.Replace(whole, "whole", "last", 1)
	last = strings.Replace(last, `"3"`, `"5"`, 1)
	put(last)
	if d := next(); d.body != last {
		t.Errorf("after a forged one came %s", d.body)
	}

	// The next handler sees neither token nor signature.
	if _, answer := send(http.MethodPut, "/inline?token=hidden&x=1", whole); answer != "seen: x=1,,." {
		t.Errorf("inline: %q", answer)
	}
}

// startGuest runs a Caddy and returns its address.
func startGuest(t *testing.T, crm string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(fmt.Appendf(nil, `{
	admin off
	leadgate {
		queue embedded %s
	}
}
http://%s {
	leadgate /hook* {
		provider guest secret
		tenant acme {
			match app a
			forward %s {
				raw
				name acme
			}
		}
		tenant globex {
			match app b
			forward %s {
				raw
				name globex
			}
		}
	}
	leadgate /inline* {
		provider guest secret
	}
	respond /inline "seen: {http.request.uri.query},{http.request.header.X-Token},{http.request.header.X-Guest-Signature}."
}
`, t.TempDir(), address, crm, crm), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(cfg, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return address
}
