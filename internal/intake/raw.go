package intake

import (
	"bytes"
	"net/http"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// planRaw adds a job for each destination that gets the webhook as it came.
func (b *Block) planRaw(w *Webhook, r *http.Request, g int) {
	group, draft := &w.groups[g], &w.drafts[g]
	var raw rawBody
	for _, d := range draft.tenant.Destinations {
		if !d.Raw {
			continue
		}
		job := queue.Job{Dest: d.Dest}
		for n, i := range draft.events {
			if _, ok := d.Planner.Plan(&w.batch.Events[i], draft.tenant.Destinations); ok {
				job.Events = append(job.Events, n)
			}
		}
		if len(job.Events) == 0 {
			continue
		}
		if raw.body == nil {
			raw = b.rawFor(w, r, g)
			group.Payloads = append(group.Payloads, raw.body)
			draft.attribution = append(draft.attribution, 0)
		}
		job.Payload, job.Dead = len(group.Payloads)-1, raw.dead
		job.Header = w.rawHeader(g, job.Events)
		job.Header.EventID, job.Header.HTTP = normalize.RawID(raw.body), raw.headers
		draft.add(group, job, "")
	}
}

// rawHeader is the header of a job that is the webhook, for these events of a
// group.
func (w *Webhook) rawHeader(g int, events []int) queue.Header {
	group, draft := &w.groups[g], &w.drafts[g]
	first := &w.batch.Events[draft.events[events[0]]]
	header := queue.Header{
		Format: queue.FormatRaw, Kind: uint8(first.Kind), Contact: group.Events[events[0]].Contact,
		Time: first.ReceivedAt, QueuedAt: first.IngestedAt, Trace: w.trace,
	}
	for _, n := range events {
		if group.Events[n].Contact != header.Contact {
			header.Contact = "" // several contacts have no order
		}
		if w.batch.Events[draft.events[n]].Kind != first.Kind {
			header.Kind = 0 // nor several kinds a name
		}
	}
	return header
}

// rawBody is what a tenant's raw destinations get of a webhook.
type rawBody struct {
	body    []byte
	headers []queue.HTTPHeader
	dead    *queue.Reason // set: nothing can be sent
}

// rawFor returns the whole webhook, with the headers that go along, where all of
// it is the tenant's; else the tenant's elements, signed again where there is a
// key. What is another tenant's, or nobody's, is never in it: where a webhook
// cannot be cut, nothing is sent, and the dead letter has the tenant's elements.
func (b *Block) rawFor(w *Webhook, r *http.Request, g int) rawBody {
	t := w.drafts[g].tenant
	body := w.body.Data
	if len(b.Router.tenants) > 0 {
		var err error
		mine := func(i int) bool { return w.tenants[i] == t }
		if body, err = w.batch.Part(w.body.Data, mine, b.foreign(w, t)); err != nil {
			b.Logger.Error("a webhook of several tenants cannot be cut for a raw destination; it is kept as its dead letter",
				zap.String("provider", b.Provider), zap.String("tenant", t.Name), zap.Error(err))
			return rawBody{body: w.elements(g), headers: jsonHeader, dead: uncutReason}
		}
	}
	headers := make([]queue.HTTPHeader, 0, 1+len(b.SignatureHeaders))
	headers = appendHeaders(headers, r.Header, "Content-Type")
	if len(body) == len(w.body.Data) { // a part is shorter
		for _, name := range b.SignatureHeaders {
			headers = appendHeaders(headers, r.Header, name)
		}
		return rawBody{body: body, headers: headers}
	}
	if b.SignPart != nil {
		signed := b.SignPart(r, w.body.Data, body)
		for name := range signed {
			headers = appendHeaders(headers, signed, name)
		}
	}
	return rawBody{body: body, headers: headers}
}

func appendHeaders(to []queue.HTTPHeader, from http.Header, name string) []queue.HTTPHeader {
	for _, v := range from.Values(name) {
		to = append(to, queue.HTTPHeader{Name: name, Value: v})
	}
	return to
}

var jsonHeader = []queue.HTTPHeader{{Name: "Content-Type", Value: "application/json"}}

// uncutReason is why a raw destination got nothing.
var uncutReason = &queue.Reason{
	Reason: "indivisible",
	Explanation: "the webhook also carries events of other tenants, and the edge could not tell where this tenant's stand in it, " +
		"so that nothing was sent; the event here is a list of the tenant's own elements, and a replay sends that list, unsigned",
}

// elements is a JSON array of what a group's events are made of.
func (w *Webhook) elements(g int) []byte {
	out := []byte{'['}
	var last []byte
	for _, i := range w.drafts[g].events {
		raw := w.batch.Events[i].Raw
		if raw == nil || bytes.Equal(raw, last) { // several events may be of one element
			continue
		}
		if last = raw; len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, raw...)
	}
	return append(out, ']')
}

// foreign reports of an id in a webhook whether it is another tenant's, or that of
// an event that is nobody's, and not also t's own.
func (b *Block) foreign(w *Webhook, t *Tenant) func(id []byte) bool {
	return func(id []byte) bool {
		if w.named == nil {
			w.nameAll()
		}
		own, other := false, false
		for _, o := range w.named[string(id)] {
			own, other = own || o == t, other || o != t
		}
		if own || other {
			return !own
		}
		for _, i := range b.Router.named(id, nil) {
			o := b.Router.tenants[i]
			own, other = own || o == t, other || o != t
		}
		return other && !own
	}
}

// nameAll notes which tenants' events name which ids of a business.
func (w *Webhook) nameAll() {
	w.named = make(map[string][]*Tenant)
	for i := range w.batch.Events {
		ev, t := &w.batch.Events[i], w.tenants[i]
		for j := range matchIDs {
			id := matchIDs[j].of(ev)
			if id == nil {
				continue
			}
			list := w.named[id.String()]
			if len(list) == 0 || list[len(list)-1] != t {
				w.named[id.String()] = append(list, t)
			}
		}
	}
}
