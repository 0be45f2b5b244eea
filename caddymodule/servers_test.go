package caddymodule

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/freeport"
)

// TestTokensStayHere: in inline mode the next handler gets no token, and all else
// as it came.
func TestTokensStayHere(t *testing.T) {
	for _, c := range []struct{ provider, body string }{
		{"gupshup", gupshupText},
		{"whapi", `{"messages":[{"id":"%d%s","type":"text","text":{"body":"x"},"from":"15551234567"}]}`},
		{"360dialog", `{"messages":[{"from":"1%d","id":"%s","type":"text","text":{"body":"x"}}]}`},
		{"twilio", "MessageSid=SM1&From=whatsapp%%3A%%2B15551234567&To=whatsapp%%3A%%2B15550783881&Body=x%d%s"},
	} {
		t.Run(c.provider, func(t *testing.T) {
			s := newSink(t)
			var uri string
			s.Config.Handler = inspect(s.Config.Handler, func(r *http.Request) { uri = r.RequestURI })
			e := startEdge(t, strings.Replace(otherSite(c.provider+` {
				token header X-Custom-Key secret-1
				token header Authorization "Bearer secret-2"
				token query token secret-3 secret-4
				token query k%y secret-5
			}`, "tenant bot"), `respond "next" 418`, "reverse_proxy "+s.URL, 1))
			resp, _ := e.post("/webhooks/%C3%A9?a=%7e&token=secret-3&tok%65n=x&b=&k%25y=1&k%zy=2&&token&c=1+2;d",
				[]byte(strings.NewReplacer("%d", "1", "%s", "1", "%%", "%").Replace(c.body)),
				func(r *http.Request) {
					r.Header.Set("X-Custom-Key", "secret-1")
					r.Header.Set("Authorization", "Bearer secret-2")
					r.Header.Set("X-Other", "stays")
				})
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("%d", resp.StatusCode)
			}
			d := s.next(t)
			if want := "/webhooks/%C3%A9?a=%7e&b=&k%zy=2&&c=1+2;d"; uri != want {
				t.Errorf("the next handler got %s, want %s", uri, want)
			}
			if d.header.Get("X-Custom-Key") != "" || d.header.Get("Authorization") != "" || d.header.Get("X-Other") != "stays" {
				t.Errorf("the next handler got %v", d.header)
			}
		})
	}
}

func inspect(next http.Handler, look func(*http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		look(r)
		next.ServeHTTP(w, r)
	})
}

// TestServerWarnings: what the server lacks is said once, with what to write.
func TestServerWarnings(t *testing.T) {
	config := `{
	admin off
	log {
		output file %DIR%/log
	}
	TIMEOUTS
}
http://127.0.0.1:%PORT% {
	ACCESS
	leadgate /webhooks/whapi* {
		provider whapi {
			token header X-Custom secret
			token header Authorization secret
			token query key secret
		}
	}
	leadgate /webhooks/gupshup {
		provider gupshup {
			token header Authorization secret
		}
	}
	respond 404
}
`
	const timeouts, header, query = "`servers { timeouts { read_body 10s read_header 5s } }`", "`request>headers>X-Custom " +
		"delete`", "`request>uri query { replace key REDACTED }`"
	for _, c := range []struct {
		name, timeouts, access string
		want                   map[string]int
	}{
		{"nothing set", "", "", map[string]int{timeouts: 1, header: 0, query: 0}},
		{"access log", "", "log", map[string]int{timeouts: 1, header: 1, query: 1}},
		{"timeouts", "servers {\n timeouts {\n read_body 10s\n read_header 5s\n }\n }", "log", map[string]int{timeouts: 0, header: 1, query: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := startEdge(t, strings.NewReplacer("TIMEOUTS", c.timeouts, "ACCESS", c.access).Replace(config))
			log, err := os.ReadFile(e.dir + "/log")
			if err != nil {
				t.Fatal(err)
			}
			for line, want := range c.want {
				if n := strings.Count(string(log), line); n != want {
					t.Errorf("%s stands in the log %d times, want %d:\n%s", line, n, want, log)
				}
			}
			if strings.Contains(string(log), "secret") {
				t.Errorf("a token stands in the log: %s", log)
			}
		})
	}
}

// TestRequestLimitsInJSON: what cannot be is an error that names the option.
func TestRequestLimitsInJSON(t *testing.T) {
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	for _, c := range []struct{ global, block, says string }{
		{"max_inflight_body 0", "", "max_inflight_body '0' is no size: write one such as 256MiB"},
		{"max_inflight_body many", "", "max_inflight_body 'many' is no size"},
		{"max_inflight_body 1MiB\n max_inflight_body 1MiB", "", "already specified"},
		{"", "max_events 0", "max_events '0' is no whole number from 1 up"},
		{"", "max_events 1\n max_events 2", "max_events is already specified"},
	} {
		if _, err := e.adapt(siteWith(c.global, c.block)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q, %q: %v", c.global, c.block, err)
		}
	}
}
