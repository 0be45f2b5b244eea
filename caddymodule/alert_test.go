package caddymodule

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestAlertMistakes: what is wrong with leadgate_webhook fails with a sentence, which
// shows nothing of a URL that a placeholder stands for.
func TestAlertMistakes(t *testing.T) {
	t.Setenv("LEADGATE_TEST_CHAT", "chat.example.com/hooks/secret-path")
	for line, want := range map[string]string{
		"leadgate_webhook":                                                  "leadgate_webhook needs a value",
		"leadgate_webhook chat.example.com":                                 "leadgate_webhook 'chat.example.com' is no URL",
		"leadgate_webhook http://a http://b":                                "takes one value",
		"leadgate_webhook {env.LEADGATE_TEST_NOTHING}":                      "{env.LEADGATE_TEST_NOTHING} is empty",
		"leadgate_webhook {env.LEADGATE_TEST_CHAT}":                         "leadgate_webhook: url: it is no URL",
		"leadgate_webhook http://a {\n timout 5s\n}":                        "timeout",
		"leadgate_webhook http://a {\n timeout 0s\n}":                       "timeout '0s' is no duration",
		"leadgate_webhook http://a {\n sign {env.LEADGATE_TEST_NOTHING}\n}": "sign: evaluated placeholder {env.LEADGATE_TEST_NOTHING} is empty",
		"leadgate_webhook http://a {\n sign whsec_%%\n}":                    "not base64",
	} {
		e := &edge{t: t, port: 1, dir: t.TempDir()}
		cfg, err := e.adapt("{\n admin off\n events {\n on leadgate.parked " + line + "\n }\n}\n")
		if err == nil {
			var c caddy.Config
			if err = json.Unmarshal(cfg, &c); err == nil {
				err = caddy.Validate(&c)
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret-path") {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

// TestAlertOfCaddysOwn: the handler takes any event, also where nothing of Leadgate's is
// configured, and what waits when the config ends is posted.
func TestAlertOfCaddysOwn(t *testing.T) {
	got := make(chan string, 8)
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
	}))
	defer chat.Close()
	e := &edge{t: t, port: 1, dir: t.TempDir()}
	cfg, err := e.adapt("{\n admin off\n persist_config off\n events {\n on started leadgate_webhook " + chat.URL + "\n }\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(cfg, true); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if body := <-got; !strings.Contains(body, `"event":"started","destination":"","tenant":"","reason":"","at":"`) ||
		!strings.HasSuffix(body, `"text":"started","content":"started"}`) {
		t.Errorf("posted %s", body)
	}
}
