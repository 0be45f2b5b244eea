package intake

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/body"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
	"github.com/leadgate/leadgate/normalize"
)

// testBlock is a block of a provider without tenants, at a time of its own.
func testBlock(provider string) *Block {
	return &Block{
		Provider: provider, Place: func() Place { return NewPlace(provider, ":443", nil) },
		MaxBody: 3 << 20, Limit: 1000, Remember: 28 * 24 * time.Hour,
		Normalize: normalizers[provider],
		Now:       func() time.Time { return time.UnixMilli(1736535600412) },
		Requests:  metrics.NewWebhooks(provider), OnEvent: func(*normalize.Event) {},
		Logger: zap.NewNop(), Clicks: zap.NewNop(),
	}
}

// testStore is a queue in memory at the block's time.
func testStore(b *Block) *memory.Queue {
	return memory.New(queue.Options{
		Dedupe: 7 * 24 * time.Hour, RememberClicks: b.Remember, KeepDead: time.Hour, MaxBacklog: 100,
	}, b.Now)
}

type normalizer = func(r *http.Request, body []byte, now int64, into *normalize.Batch) error

func plain(f func(into *normalize.Batch, body []byte, now int64) error) normalizer {
	return func(_ *http.Request, body []byte, now int64, into *normalize.Batch) error { return f(into, body, now) }
}

var normalizers = map[string]normalizer{
	"meta": plain(normalize.Meta), "gupshup": plain(normalize.Gupshup), "360dialog": plain(normalize.Dialog360),
	"twilio": plain(normalize.Twilio),
	"whapi": func(r *http.Request, body []byte, now int64, into *normalize.Batch) error {
		return normalize.WhapiAs(into, body, normalize.WhapiEvent(r.Method, r.URL.Path), now)
	},
}

// addTenant adds a tenant to the block, with match as "<key> <value>" or "" for
// what nothing matches.
func (b *Block) addTenant(t testing.TB, name, match string, destinations ...*destination.Destination) *Tenant {
	t.Helper()
	tenant := NewTenant(name, b.Now())
	t.Cleanup(tenant.Forget)
	for _, d := range destinations {
		d.Dest.Tenant = name
		tenant.Destinations = append(tenant.Destinations, d)
	}
	if match == "" {
		b.Router.Direct = tenant
		return tenant
	}
	key, value, _ := strings.Cut(match, " ")
	if err := b.Router.Add(tenant, map[string][]string{key: {value}}); err != nil {
		t.Fatal(err)
	}
	return tenant
}

// wanting is a planner that wants events of some kinds.
type wanting struct {
	kinds []normalize.Kind
	job   destination.Job
}

func (p wanting) Plan(ev *normalize.Event, _ []*destination.Destination) (destination.Job, bool) {
	if slices.Contains(p.kinds, ev.Kind) {
		return p.job, true
	}
	return destination.Job{}, false
}

// events is a destination that wants events of some kinds.
func events(name string, kinds ...normalize.Kind) *destination.Destination {
	job := destination.Job{Format: queue.FormatEvent, Attributed: true}
	return &destination.Destination{Dest: queue.Dest{Name: name}, Planner: wanting{kinds, job}}
}

// raw is a destination that wants webhooks with events of some kinds.
func raw(name string, kinds ...normalize.Kind) *destination.Destination {
	job := destination.Job{Format: queue.FormatRaw}
	return &destination.Destination{Dest: queue.Dest{Name: name}, Raw: true, Planner: wanting{kinds, job}}
}

// read is a webhook of the block that was read.
func (b *Block) read(t testing.TB, text string) (*Webhook, *http.Request) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/webhooks", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := body.Read(r, b.MaxBody, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { body.Landed(len(text)) })
	w := NewWebhook(got)
	if err := b.Read(w, r, b.Now()); err != nil {
		t.Fatal(err)
	}
	return w, r
}

// list is n elements, made by format with their number.
func list(n int, format string) string {
	out := make([]string, n)
	for i := range out {
		out[i] = format
		if strings.Contains(format, "%") {
			out[i] = fmt.Sprintf(format, i)
		}
	}
	return strings.Join(out, ",")
}

// whatsapp is a webhook of the WhatsApp Cloud API.
func whatsapp(entries ...string) string {
	return `{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, ",") + `]}`
}

// entry is one of its entries, for a number.
func entry(phoneNumberID, value string) string {
	return fmt.Sprintf(`{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp",`+
		`"metadata":{"display_phone_number":"15550783881","phone_number_id":%q},%s},"field":"messages"}]}`, phoneNumberID, value)
}

// message is an entry with a text message.
func message(number, id string) string {
	return entry(number, fmt.Sprintf(
		`"messages":[{"from":"15551234567","id":%q,"timestamp":"1736535600","type":"text","text":{"body":"x"}}]`, id))
}

// status is an entry with a message's status.
func status(number, id string) string {
	return entry(number, fmt.Sprintf(`"statuses":[{"id":%q,"status":"read","timestamp":"1736535600","recipient_id":"15551234567"}]`, id))
}

// click is an entry with a message that an ad brought.
func click(number, id string) string {
	return entry(number, fmt.Sprintf(`"messages":[{"from":"15551234567","id":%q,"timestamp":"1736535600","type":"text","text":{"body":"x"},`+
		`"referral":{"source_type":"ad","source_id":"120210000000000001","headline":"Sale","ctwa_clid":"Aff-1"}}]`, id))
}

func newTestBody(text string) *body.Body {
	b := body.New(len(text))
	b.Data = append(b.Data, text...)
	return b
}
