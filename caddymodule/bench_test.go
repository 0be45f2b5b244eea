package caddymodule

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/freeport"
)

// benchHandler loads a Caddyfile, with the queue on a tmpfs where there is one,
// and returns its leadgate handler: what is measured is our part of a request,
// without Caddy's and the connection's.
func benchHandler(b *testing.B, caddyfile string) *Handler {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "leadgate-bench-")
	if err != nil {
		dir = b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	text := strings.NewReplacer("%PORT%", fmt.Sprint(freeport.New(b)), "%DIR%", dir).Replace(caddyfile)
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		b.Fatal(err)
	}
	if err := caddy.Load(cfg, true); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			b.Error(err)
		}
	})
	return loadedHandler(b)
}

// loadedHandler is the leadgate handler of the configuration that runs.
func loadedHandler(tb testing.TB) *Handler {
	tb.Helper()
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		tb.Fatal(err)
	}
	for _, server := range app.(*caddyhttp.App).Servers {
		if h := handlerIn(server.Routes); h != nil {
			return h
		}
	}
	tb.Fatal("the configuration has no leadgate handler")
	return nil
}

func handlerIn(routes caddyhttp.RouteList) *Handler {
	for _, route := range routes {
		for _, mid := range route.Handlers {
			switch h := mid.(type) {
			case *Handler:
				return h
			case *caddyhttp.Subroute:
				if found := handlerIn(h.Routes); found != nil {
					return found
				}
			}
		}
	}
	return nil
}

// nowhere is an answer that nobody reads.
type nowhere struct {
	header http.Header
	status int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(status int)      { w.status = status }

// signed is a webhook with its signature made before anything is measured.
type signed struct {
	body      []byte
	signature []string
}

func sign(body []byte) signed { return signed{body, []string{signature(testSecret, body)}} }

// webhooksOf makes n distinct webhooks of a kind.
func webhooksOf(n int, kind string) []signed {
	out := make([]signed, n)
	for i := range out {
		id, from := fmt.Sprintf("wamid.%020d", i), fmt.Sprintf("1555%07d", i%20_000)
		switch kind {
		case "click":
			out[i] = sign(click(id, from, "Aff-"+id))
		case "message":
			out[i] = sign(message(id, from, "Hello, what are your opening hours?"))
		default:
			out[i] = sign(envelope("106540352242922", fmt.Sprintf(
				`"statuses":[{"id":%q,"status":"delivered","timestamp":"%d","recipient_id":%q,"pricing":{"billable":true,"pricing_model":"PMP",`+
					`"category":"service"}}]`,
				id, 1736535600+i/1000, from)))
		}
	}
	return out
}

// benchServe has 64 goroutines on each core give webhooks to the handler; the
// next handler answers 200.
func benchServe(b *testing.B, h *Handler, webhook func(i int) *signed) {
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		return nil
	})
	var count atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/webhooks/meta", http.NoBody)
		w := &nowhere{header: http.Header{}}
		body := new(bytes.Reader)
		for pb.Next() {
			s := webhook(int(count.Add(1)) - 1)
			body.Reset(s.body)
			r.Body, r.ContentLength = readCloser{body}, int64(len(s.body))
			r.Header["X-Hub-Signature-256"] = s.signature
			w.status = 0
			if err := h.ServeHTTP(w, r, next); err != nil || w.status != http.StatusOK {
				b.Errorf("status %d, error %v", w.status, err)
				return
			}
		}
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// BenchmarkServeInline is verify, normalize, encode and the way to the next handler.
func BenchmarkServeInline(b *testing.B) {
	for _, kind := range []string{"click", "message", "status"} {
		b.Run(kind, func(b *testing.B) {
			h := benchHandler(b, siteWith("", ""))
			s := webhooksOf(1000, kind)
			benchServe(b, h, func(i int) *signed { return &s[i%len(s)] })
		})
	}
}

// BenchmarkServeQueued is a webhook to its 200, the append to the embedded
// queue included; what is queued is taken by a sink that fails, so that little
// is delivered meanwhile.
func BenchmarkServeQueued(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	b.Cleanup(sink.Close)
	for _, kind := range []string{"click", "message", "status"} {
		b.Run(kind, func(b *testing.B) {
			h := benchHandler(b, siteWith("queue embedded %DIR%/queue\n\t\tmax_backlog 100000000",
				"forward "+sink.URL+" {\n\t\t\tname crm\n\t\t\tconcurrency 1\n\t\t}"))
			s := webhooksOf(b.N, kind)
			benchServe(b, h, func(i int) *signed { return &s[i] })
		})
	}
}

// BenchmarkVerify is the check of a signature, or of a token.
func BenchmarkVerify(b *testing.B) {
	for _, bm := range []struct{ provider, options, secret string }{
		{"meta", "app_secret " + testSecret + "\n verify_token x", testSecret},
		{"gupshup", `token header Authorization "Bearer ` + testToken + `"`, testToken},
		{"whapi", "token query token " + testToken, testToken},
		{"360dialog", `token header Authorization "Bearer ` + testToken + `"`, testToken},
		{"twilio", "auth_token " + testSecret, testSecret},
	} {
		b.Run(bm.provider, func(b *testing.B) {
			h := benchHandler(b, "{\n admin off\n}\nhttp://127.0.0.1:%PORT% {\n leadgate {\n provider "+bm.provider+" {\n "+bm.options+
				"\n }\n }\n}\n")
			body := click("wamid.1", "15551234567", "Aff-1")
			if bm.provider == "twilio" {
				body = []byte("From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15550783881&MessageSid=SM00000000000000000000000000000001&" +
					"Body=Hello&NumMedia=0&ProfileName=Maria")
			}
			r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "http://bots.example.com/webhooks", bytes.NewReader(body))
			h.provider.(interface {
				SignRequest(*http.Request, []byte, string)
			}).SignRequest(r, body, bm.secret)
			b.ReportAllocs()
			for b.Loop() {
				if err := h.provider.Verify(r, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
