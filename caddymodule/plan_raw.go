package caddymodule

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// planRaw adds a job for each destination that gets the webhook as it came.
func (s *scratch) planRaw(h *Handler, r *http.Request, g int) {
	group, p := &s.groups[g], &s.parts[g]
	var body []byte
	var headers []queue.HTTPHeader
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
		if body == nil {
			body, headers = h.rawFor(r, s, p.tenant)
			group.Payloads = append(group.Payloads, body)
			p.attribution = append(p.attribution, 0)
		}
		first := &s.batch.Events[p.events[job.Events[0]]]
		job.Payload = len(group.Payloads) - 1
		job.Header = queue.Header{
			EventID: normalize.RawID(body), Format: queue.FormatRaw, Kind: uint8(first.Kind),
			Contact: group.Events[job.Events[0]].Contact, Time: first.ReceivedAt, QueuedAt: first.IngestedAt, HTTP: headers,
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

// rawFor returns the body that a tenant's raw destinations get, with the
// headers that go along: the whole one where all of it is the tenant's, else
// the tenant's part, signed again.
func (h *Handler) rawFor(r *http.Request, s *scratch, t *tenant) ([]byte, []queue.HTTPHeader) {
	headers := make([]queue.HTTPHeader, 0, 1+len(h.signatures))
	for _, name := range append([]string{"Content-Type"}, h.signatures...) {
		for _, v := range r.Header.Values(name) {
			headers = append(headers, queue.HTTPHeader{Name: name, Value: v})
		}
	}
	signer, ok := h.provider.(signer)
	if !ok || len(s.parts) == 1 {
		return s.body, headers
	}
	part, err := signer.Part(s.body, func(piece []byte) bool { return h.concerns(r, piece, t) })
	if err != nil {
		// The body was parsed a moment ago, so this cannot happen; whole is
		// better than lost.
		h.logger.Error("cutting a webhook down to one tenant", zap.String("tenant", t.name), zap.Error(err))
		return s.body, headers
	}
	return part, append(headers[:0], signer.Sign(r, s.body, part)...)
}

// concerns says whether a piece of a webhook is a tenant's.
func (h *Handler) concerns(r *http.Request, piece []byte, t *tenant) bool {
	var batch normalize.Batch
	if h.provider.Normalize(r, piece, h.app.now().UnixMilli(), &batch) != nil {
		return false
	}
	for i := range batch.Events {
		if h.routes.route(&batch.Events[i]) == t {
			return true
		}
	}
	return false
}
