package intake

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// planned shows the groups of a webhook: for each the tenant, how many events, and
// its jobs as destination:format:kind.
func planned(w *Webhook) (out []string) {
	formats := map[queue.Format]string{queue.FormatEvent: "event", queue.FormatRaw: "raw", queue.FormatConversion: "capi"}
	for _, g := range w.groups {
		text := fmt.Sprintf("%s %d", g.Tenant, len(g.Events))
		for _, j := range g.Jobs {
			text += fmt.Sprintf(" %s:%s:%s", j.Dest.Name, formats[j.Header.Format], normalize.Kind(j.Header.Kind))
		}
		out = append(out, text)
	}
	return out
}

// TestPlan says for whom a webhook is kept, and as what.
func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name string
		body string
		want []string
	}{
		{"a message", whatsapp(message("111", "wamid.1")), []string{"acme 1 crm:event:message raw:raw:message"}},
		{"a status that only one wants", whatsapp(status("111", "wamid.1")), []string{"acme 1 raw:raw:status"}},
		{
			"two kinds of one tenant", whatsapp(message("111", "wamid.1"), status("111", "wamid.1")),
			[]string{"acme 2 crm:event:message raw:raw:"},
		},
		{
			"two tenants", whatsapp(message("111", "wamid.1"), message("222", "wamid.2")),
			[]string{"acme 1 crm:event:message raw:raw:message", "globex 1 bi:event:message"},
		},
		{"nobody's", whatsapp(message("333", "wamid.1")), []string{" 1 unmatched:event:message"}},
		{"one that nobody wants", whatsapp(status("222", "wamid.1")), nil},
		{"a click that nobody wants", whatsapp(click("444", "wamid.1")), []string{"initech 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := testBlock("meta")
			b.addTenant(t, "acme", "phone_number_id 111",
				events("crm", normalize.KindMessage), raw("raw", normalize.KindMessage, normalize.KindStatus))
			b.addTenant(t, "globex", "phone_number_id 222", events("bi", normalize.KindMessage))
			b.addTenant(t, "initech", "phone_number_id 444")
			w, r := b.read(t, c.body)
			b.plan(w, r)
			if got := planned(w); !slices.Equal(got, c.want) {
				t.Errorf("planned %q, want %q", got, c.want)
			}
			w.Release()
		})
	}
}

// TestStore says what became of a webhook, and of its redelivery.
func TestStore(t *testing.T) {
	b := testBlock("meta")
	b.addTenant(t, "acme", "phone_number_id 111", events("crm", normalize.KindMessage))
	var told []string
	b.OnEvent = func(ev *normalize.Event) { told = append(told, ev.TenantID+" "+ev.Kind.String()) }
	q := testStore(b)
	for _, c := range []struct {
		body string
		want Outcome
	}{
		{whatsapp(message("111", "wamid.1")), Queued},
		{whatsapp(message("111", "wamid.1")), Duplicate},
		{whatsapp(status("111", "wamid.1")), Empty},
		{whatsapp(message("333", "wamid.2")), Unmatched},
		{whatsapp(message("111", "wamid.3"), message("333", "wamid.4")), Queued},
	} {
		w, r := b.read(t, c.body)
		got, err := b.Store(t.Context(), q, w, r)
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.body, got, err, c.want)
		}
		w.Release()
	}
	if want := []string{"acme message", " message", "acme message", " message"}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	w, r := b.read(t, whatsapp(message("111", "wamid.5")))
	if _, err := b.Store(t.Context(), q, w, r); err == nil {
		t.Error("a store that takes nothing is no error")
	}
}

// TestRawHeaders has the signature of a whole webhook go along, and that of a part
// be made anew.
func TestRawHeaders(t *testing.T) {
	b := testBlock("meta")
	b.SignatureHeaders = []string{"X-Hub-Signature-256"}
	b.SignPart = func(*http.Request, []byte, []byte) http.Header {
		return http.Header{"X-Hub-Signature-256": {"of the part"}}
	}
	b.addTenant(t, "acme", "phone_number_id 111", raw("raw", normalize.KindMessage))
	for text, want := range map[string]string{
		whatsapp(message("111", "wamid.1")):                            "of the whole",
		whatsapp(message("111", "wamid.1"), message("222", "wamid.2")): "of the part",
	} {
		w, r := b.read(t, text)
		r.Header.Set("X-Hub-Signature-256", "of the whole")
		b.plan(w, r)
		job := w.groups[0].Jobs[0]
		headers := []queue.HTTPHeader{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Hub-Signature-256", Value: want}}
		if !slices.Equal(job.Header.HTTP, headers) {
			t.Errorf("%s: %v", text, job.Header.HTTP)
		}
		if got := string(w.groups[0].Payloads[job.Payload]); strings.Contains(got, "wamid.2") || !strings.Contains(got, "wamid.1") {
			t.Errorf("acme gets %s", got)
		}
	}
}

// TestMalformed leaves it to the provider what is no webhook.
func TestMalformed(t *testing.T) {
	b := testBlock("meta")
	refused := errors.New("refused")
	b.Normalize = func(*http.Request, []byte, int64, *normalize.Batch) error { return refused }
	w := NewWebhook(newTestBody("{"))
	if err := b.Read(w, nil, b.Now()); !errors.Is(err, refused) {
		t.Error(err)
	}
	w.Release()
}
