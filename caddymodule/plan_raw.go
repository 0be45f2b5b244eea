package caddymodule

import (
	"bytes"
	"net/http"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// planRaw adds a job for each destination that gets the webhook as it came.
func (s *scratch) planRaw(h *Handler, r *http.Request, g int) {
	group, p := &s.groups[g], &s.parts[g]
	var raw rawBody
	for _, d := range p.tenant.destinations {
		if !d.raw {
			continue
		}
		job := queue.Job{Dest: d.Dest}
		for n, i := range p.events {
			if d.wants.event(&s.batch.Events[i]) {
				job.Events = append(job.Events, n)
			}
		}
		if len(job.Events) == 0 {
			continue
		}
		if raw.body == nil {
			raw = h.rawFor(r, s, g)
			group.Payloads = append(group.Payloads, raw.body)
			p.attribution = append(p.attribution, 0)
		}
		first := &s.batch.Events[p.events[job.Events[0]]]
		job.Payload, job.Dead = len(group.Payloads)-1, raw.dead
		job.Header = queue.Header{
			EventID: normalize.RawID(raw.body), Format: queue.FormatRaw, Kind: uint8(first.Kind),
			Contact: group.Events[job.Events[0]].Contact, Time: first.ReceivedAt, QueuedAt: first.IngestedAt, HTTP: raw.headers,
		}
		for _, n := range job.Events {
			if group.Events[n].Contact != job.Header.Contact {
				job.Header.Contact = "" // several contacts have no order
			}
			if s.batch.Events[p.events[n]].Kind != first.Kind {
				job.Header.Kind = 0 // nor several kinds a name
			}
		}
		p.add(group, job, "")
	}
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
func (h *Handler) rawFor(r *http.Request, s *scratch, g int) rawBody {
	t := s.parts[g].tenant
	body := s.body.Data
	if len(h.routes.tenants) > 0 {
		var err error
		mine := func(i int) bool { return s.tenants[i] == t }
		if body, err = s.batch.Part(s.body.Data, mine, s.foreign(h, t)); err != nil {
			h.logger.Error("a webhook of several tenants cannot be cut for a raw destination; it is kept as its dead letter",
				zap.String("provider", h.providerName()), zap.String("tenant", t.name), zap.Error(err))
			return rawBody{body: s.elements(g), headers: jsonHeader, dead: uncutReason}
		}
	}
	headers := make([]queue.HTTPHeader, 0, 1+len(h.signatures))
	headers = appendHeaders(headers, r.Header, "Content-Type")
	if len(body) == len(s.body.Data) { // a part is shorter
		for _, name := range h.signatures {
			headers = appendHeaders(headers, r.Header, name)
		}
		return rawBody{body: body, headers: headers}
	}
	if signer, ok := h.provider.(PartSigner); ok {
		signed := signer.SignPart(r, s.body.Data, body)
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
	Explanation: "the webhook also carries events of other tenants, and the edge could not tell where this tenant's stand in it, so that nothing was sent; " +
		"the event here is a list of the tenant's own elements, and a replay sends that list, unsigned",
}

// elements is a JSON array of what a group's events are made of.
func (s *scratch) elements(g int) []byte {
	out := []byte{'['}
	var last []byte
	for _, i := range s.parts[g].events {
		raw := s.batch.Events[i].Raw
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

// foreign says of an id in a webhook whether it is another tenant's, or that of
// an event that is nobody's, and not also t's own.
func (s *scratch) foreign(h *Handler, t *tenant) func(id []byte) bool {
	return func(id []byte) bool {
		if s.named == nil {
			s.nameAll()
		}
		own, other := false, false
		for _, o := range s.named[string(id)] {
			own, other = own || o == t, other || o != t
		}
		if own || other {
			return !own
		}
		for _, i := range h.routes.named(id, nil) {
			o := h.routes.tenants[i]
			own, other = own || o == t, other || o != t
		}
		return other && !own
	}
}

// nameAll notes which tenants' events name which ids of a business.
func (s *scratch) nameAll() {
	s.named = make(map[string][]*tenant)
	for i := range s.batch.Events {
		ev, t := &s.batch.Events[i], s.tenants[i]
		for j := range matchIDs {
			id := matchIDs[j].of(ev)
			if id == nil {
				continue
			}
			list := s.named[id.String()]
			if len(list) == 0 || list[len(list)-1] != t {
				s.named[id.String()] = append(list, t)
			}
		}
	}
}

// warnUnsignedParts says, when all blocks are known, that a raw destination may
// get what nobody can verify.
func (h *Handler) warnUnsignedParts() error {
	if s, ok := h.provider.(PartSigner); ok && s.CanSign() {
		return nil
	}
	if s, ok := h.provider.(SingleAccount); ok && s.OneAccount() {
		return nil // never cut
	}
	tenants := h.allTenants()
	if len(tenants) < 2 {
		return nil
	}
	for _, t := range tenants {
		for _, d := range t.destinations {
			if d.raw {
				h.logger.Warn("a webhook that carries several tenants' events is cut for raw destinations, and there is no key to sign the parts with: they go without the provider's signature",
					zap.String("provider", h.providerName()), zap.String("destination", d.Dest.Name))
				return nil // once a block
			}
		}
	}
	return nil
}
