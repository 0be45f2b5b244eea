package caddymodule

import (
	"crypto/sha256"
	"net/http"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// part is what a group is made of, beside what the store must know.
type part struct {
	tenant *tenant // nil: no tenant wanted them
	events []int   // indexes into batch.Events
	encode []int32 // per event of the group: its payload, 0 = not encoded yet, else index + 1

	attribution []uint32 // per payload of the group: where attribution goes
	names       []string // per job of the group: the conversion's event name, "" for others
	ready       bool     // the first event's payload is made already
}

// minOnce is how long a conversion's event id is remembered at the least: Meta
// takes events up to an age of 7 days.
const minOnce = 8 * 24 * time.Hour

// plan makes one group of jobs for each tenant whose events came.
func (s *scratch) plan(h *Handler, r *http.Request) {
	s.room()
	seal := ""
	if h.sealer != nil && len(s.batch.Events) == 1 {
		seal = h.sealer.Seal(r)
	}
	for i := range s.batch.Events {
		ev := &s.batch.Events[i]
		t := s.tenants[i]
		if t == nil {
			ev.SetTenant("")
		} else {
			ev.SetTenant(t.name)
		}
		g := s.group(t)
		s.planEvent(h, g, i)
		if seal != "" {
			s.groups[g].Events[0].Seal = sealID(h.providerName(), ev, seal)
		}
	}
	for g := range s.parts {
		if t := s.parts[g].tenant; t != nil {
			s.planRaw(h, r, g)
		}
	}
	// What nobody wants need not be remembered, unless it is a click or moves some.
	kept := 0
	for g := range s.groups {
		if len(s.groups[g].Jobs) > 0 || touchesClicks(s.groups[g].Events) {
			s.groups[kept], s.groups[g] = s.groups[g], s.groups[kept]
			s.parts[kept], s.parts[g] = s.parts[g], s.parts[kept]
			kept++
		}
	}
	for g := kept; g < len(s.groups); g++ {
		s.dropGroup(g)
	}
	s.groups, s.parts = s.groups[:kept], s.parts[:kept]
}

// sealID is what is remembered of a seal, which may be a signature.
func sealID(provider string, ev *normalize.Event, seal string) queue.ID {
	sum := sha256.Sum256([]byte("seal\n" + provider + "\n" + ev.TenantID + "\n" + seal))
	return queue.ID(sum[:len(queue.ID{})])
}

// dropGroup empties a group and keeps its memory.
func (s *scratch) dropGroup(g int) {
	group, p := &s.groups[g], &s.parts[g]
	*group = queue.Group{
		Events: emptied(group.Events), Payloads: emptied(group.Payloads),
		Jobs: emptied(group.Jobs), Counters: emptied(group.Counters),
	}
	*p = part{events: p.events[:0], encode: p.encode[:0], attribution: p.attribution[:0], names: emptied(p.names)}
}

// emptied is a list without its elements, unless it has room for very many.
func emptied[T any](list []T) []T {
	if cap(list) > 256 {
		return nil
	}
	clear(list)
	return list[:0]
}

func touchesClicks(events []queue.Event) bool {
	for i := range events {
		if events[i].Click != nil || len(events[i].Former) > 0 {
			return true
		}
	}
	return false
}

// group returns the index of the tenant's group.
func (s *scratch) group(t *tenant) int {
	for g := range s.parts {
		if s.parts[g].tenant == t {
			return g
		}
	}
	g := len(s.groups)
	if g < cap(s.groups) && g < cap(s.parts) {
		// What an earlier webhook left there is used again.
		s.groups, s.parts = s.groups[:g+1], s.parts[:g+1]
	} else {
		s.groups, s.parts = append(s.groups, queue.Group{}), append(s.parts, part{})
	}
	s.parts[g].tenant = t
	if t != nil {
		s.groups[g].Tenant = t.name
	}
	return g
}

// planEvent adds an event to its group, with a job for each destination that
// wants it.
func (s *scratch) planEvent(h *Handler, g, i int) {
	ev := &s.batch.Events[i]
	group, p := &s.groups[g], &s.parts[g]
	n := len(group.Events)
	known := queue.Event{ID: ev.ID()}
	if ev.HasProviderTime {
		known.Time = ev.ReceivedAt
	}
	s.keys.Touch(ev, &known)
	order := known.Contact // a new number's events have an order of their own
	clicks.Changed(ev, &known)
	group.Events = append(group.Events, known)
	p.events, p.encode = append(p.events, i), append(p.encode, 0)
	if p.ready && n == 0 {
		p.encode[0] = 1
	}

	header := queue.Header{
		EventID: ev.ID(), Kind: uint8(ev.Kind), Contact: order, ClickKey: known.Contact,
		Time: ev.ReceivedAt, QueuedAt: ev.IngestedAt,
	}
	if p.tenant == nil {
		s.planUnmatched(h, g, n, header)
		return
	}
	jobs := len(group.Jobs)
	for _, d := range p.tenant.destinations {
		job := queue.Job{Dest: d.Dest, Events: s.one(n), Header: header}
		name := ""
		switch {
		case d.capi != nil:
			plan, ok := d.capi.plan(ev, p.tenant.destinations)
			if !ok {
				continue
			}
			job.Header.Format = queue.FormatCAPI
			job.Header.ClickKey = ""
			job.Once = onceKeys(d, ev, plan, h.app)
			name = plan.Name
		case d.raw || !d.wants.event(ev):
			continue
		default:
			job.Header.Format = queue.FormatEvent
		}
		job.Payload, job.Header.Attribution = s.payload(g, n)
		p.add(group, job, name)
	}
	s.countAds(h, g, n, jobs)
}

func (p *part) add(group *queue.Group, job queue.Job, name string) {
	group.Jobs = append(group.Jobs, job)
	p.names = append(p.names, name)
}

func (c *capiDestination) plan(ev *normalize.Event, among []*destination) (capi.Plan, bool) {
	if ev.Kind != normalize.KindMessage && ev.Kind != normalize.KindAutomaticEvent || !c.takes(ev.Channel, among) {
		return capi.Plan{}, false
	}
	return c.settings.Plan(ev)
}

// onceKeys are the keys that make a conversion a duplicate: the event's id, and
// what the plan says.
func onceKeys(d *destination, ev *normalize.Event, plan capi.Plan, a *App) []queue.Once {
	keys := make([]queue.Once, 0, 1+len(plan.Once))
	keys = append(keys, queue.Once{Key: d.capi.settings.Dataset + "\nevent\n" + ev.ID().String(), Window: max(time.Duration(a.Dedupe), minOnce)})
	for _, o := range plan.Once {
		keys = append(keys, queue.Once{Key: o.Key, Window: o.Window, Use: queue.Use(o.Use)})
	}
	return keys
}

// payload encodes an event of a group once, for all the jobs that carry it.
func (s *scratch) payload(g, n int) (payload int, attribution uint32) {
	group, p := &s.groups[g], &s.parts[g]
	if p.encode[n] == 0 {
		start := len(s.out)
		out, at := s.batch.Events[p.events[n]].AppendJSON(s.out)
		s.out = out
		group.Payloads = append(group.Payloads, out[start:len(out):len(out)])
		p.encode[n] = int32(len(group.Payloads))
		p.attribution = append(p.attribution, uint32(at-start))
	}
	payload = int(p.encode[n]) - 1
	return payload, p.attribution[payload]
}

// report counts and logs what was stored. An error says that at least one
// tenant's part was not.
func (h *Handler) report(s *scratch, results []queue.Result) (outcome, error) {
	var failed error
	all := outcomeEmpty
	for g := range results {
		tenantName := ""
		p := &s.parts[g]
		if p.tenant != nil {
			tenantName = p.tenant.name
		}
		result := &results[g]
		if result.Err != nil {
			failed = result.Err
			continue
		}
		fresh := false
		for n, isNew := range result.New {
			if !isNew {
				continue
			}
			fresh = true
			ev := &s.batch.Events[p.events[n]]
			countEvent(tenantName, ev)
			h.logClick(tenantName, ev)
		}
		o := outcomeDuplicate
		switch {
		case p.tenant == nil:
			o = outcomeUnmatched
		case fresh:
			o = outcomeQueued
		}
		h.requests.Add(tenantName, o.String(), 1)
		all = max(all, o)
		for j, o := range result.Jobs {
			metrics.Unsent(&s.groups[g].Jobs[j], p.names[j], o)
		}
	}
	return all, failed
}

// logClick writes each click down once, when it is first seen.
func (h *Handler) logClick(tenant string, ev *normalize.Event) {
	var clid normalize.Text
	var ad normalize.Text
	switch {
	case ev.Referral.IsAd():
		clid, ad = ev.Referral.CtwaClid, ev.Referral.AdID
	case ev.AutomaticEvent != nil && ev.AutomaticEvent.CtwaClid != nil:
		clid = ev.AutomaticEvent.CtwaClid
	default:
		return
	}
	if c := h.events.Check(zapcore.InfoLevel, "ad click"); c != nil {
		c.Write(zap.String("tenant", tenant), zap.Stringer("channel", ev.Channel), zap.Stringer("kind", ev.Kind),
			zap.String("ctwa_clid", clid.String()), zap.String("ad_id", ad.String()), zap.Stringer("event_id", ev.ID()))
	}
}
