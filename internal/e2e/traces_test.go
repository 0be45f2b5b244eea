package e2e

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
)

// otlp is a collector of spans, which takes nothing else.
type otlp struct {
	*httptest.Server

	mu  sync.Mutex
	got []*spans.Span
}

func newOTLP(t *testing.T) *otlp {
	t.Helper()
	o := new(otlp)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var req collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &req)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, resource := range req.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				o.got = append(o.got, scope.Spans...)
			}
		}
	}))
	t.Cleanup(o.Close)
	return o
}

// find returns the spans of a name whose attributes have this text.
func (o *otlp) find(name, text string) (found []*spans.Span) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.got {
		if s.Name == name && strings.Contains(prototext.Format(s), text) {
			found = append(found, s)
		}
	}
	return found
}

// TestTraces: where Caddy's tracing is on, the trace of a webhook goes on in each of its
// deliveries: also after kill -9 and in another process, with a span for each attempt. No
// span has a contact or a token, and Meta gets no traceparent.
func TestTraces(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			o := newOTLP(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", o.URL)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
			var mu sync.Mutex
			var parents []string
			var up atomic.Bool
			crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				parents = append(parents, r.Header.Get("Traceparent"))
				if !up.Load() {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}))
			t.Cleanup(crm.Close)
			meta := capitest.New(t)
			graph := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Traceparent") != "" {
					t.Error("Meta gets a traceparent")
				}
				meta.ServeHTTP(w, r)
			}))
			t.Cleanup(graph.Close)
			e := &edge{edgetest.New(t)}
			e.Configure(e.Caddyfile(global, "", "tracing\n"+edgetest.MetaBlock("forward "+crm.URL+" {\n name crm\n}\n"+
				"capi {\n name meta\n dataset 1\n access_token secret-token\n linger 10ms\n endpoint "+graph.URL+"\n}")))
			e.Start()

			body := click("wamid.traced", "15551234567", "Aff-1")
			const trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
			resp, err := e.PostTo(http.DefaultClient, "/webhooks/meta", http.Header{
				"Content-Type": {"application/json"}, "X-Hub-Signature-256": {edgetest.Sign(body)},
				"Traceparent": {"00-" + trace + "-" + caller + "-01"},
			}, body)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("posting: %v %v", resp, err)
			}
			edgetest.Until(t, "it is tried, and that is told", func() bool {
				return len(o.find("leadgate.deliver", `"crm"`)) > 0 && len(o.find("leadgate.deliver", `"meta"`)) > 0
			})
			e.Kill()
			mu.Lock()
			before := len(parents)
			mu.Unlock()
			up.Store(true)
			e.Start()
			edgetest.Until(t, "it is delivered by the next process", func() bool { return e.Destinations()["crm"].Delivered == 1 })
			e.End() // what is left is exported

			mu.Lock()
			defer mu.Unlock()
			var webhook string
			for _, span := range []string{"leadgate.verify", "leadgate.append"} {
				found := o.find(span, `"meta"`)
				if len(found) != 1 || hex.EncodeToString(found[0].TraceId) != trace {
					t.Fatalf("%s: %v", span, found)
				}
				webhook = hex.EncodeToString(found[0].ParentSpanId)
			}
			if webhook == caller {
				t.Error("the spans are not below Caddy's own")
			}
			attempts := o.find("leadgate.deliver", `"crm"`)
			if len(parents) != before+1 || len(parents) < 2 {
				t.Fatalf("attempts with %q", parents)
			}
			for _, parent := range parents {
				own, ok := strings.CutPrefix(parent, "00-"+trace+"-")
				at := slices.IndexFunc(attempts, func(s *spans.Span) bool { return hex.EncodeToString(s.SpanId)+"-01" == own })
				if !ok || at < 0 {
					t.Errorf("traceparent %q is of no attempt's span", parent)
					continue
				}
				s := attempts[at]
				if hex.EncodeToString(s.ParentSpanId) != webhook || len(s.Links) != 1 || hex.EncodeToString(s.Links[0].SpanId) != webhook ||
					hex.EncodeToString(s.Links[0].TraceId) != trace {
					t.Errorf("attempt %v is not below the webhook's span %s, or not linked to it", s, webhook)
				}
			}
			reports := o.find("leadgate.deliver", `"meta"`)
			if len(reports) != 1 || len(reports[0].Links) != 1 || hex.EncodeToString(reports[0].Links[0].SpanId) != webhook {
				t.Errorf("report to Meta: %v", reports)
			}
			for _, secret := range []string{"15551234567", "Maria", "secret-token", "Aff-1"} {
				for _, span := range []string{"leadgate.verify", "leadgate.append", "leadgate.deliver"} {
					if found := o.find(span, secret); len(found) > 0 {
						t.Errorf("a span has %s: %v", secret, found)
					}
				}
			}
		})
	}
}
