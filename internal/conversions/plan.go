package conversions

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Plan plans conversions of a tenant into a group of jobs: one for each ledger that a
// conversion is reported to, and one for each destination that wants it as an event.
type Plan struct {
	Tenant       string
	Destinations []*destination.Destination // the tenant's
	Remember     time.Duration              // how long clicks are remembered
	Dedupe       time.Duration              // how long an order's id is, if longer than Meta takes events
	Now          time.Time
	AdNames      clicks.Names // for what is shown of clicks; may be nil

	Group *queue.Group
	Names []string // of the conversion, for the metrics; one for each job that was added
}

// Planned is an item that was planned: what is to be said of it, and its jobs.
type Planned struct {
	Result
	from, to int // its reports among the jobs of the group
}

// Settle says what became of it when the group was stored.
func (d *Planned) Settle(jobs []queue.Admission) {
	if d.to == d.from {
		return
	}
	d.Status = Duplicate
	for _, o := range jobs[d.from:d.to] {
		if o != queue.Duplicate {
			d.Status = Queued
		}
	}
}

// Add plans an item. found are the stored clicks of its keys, in order.
func (p *Plan) Add(it *Item, found []queue.Clicks) Planned {
	d := p.plan(it, found)
	p.noteRefused(it, found, &d.Result)
	return d
}

func (p *Plan) plan(it *Item, found []queue.Clicks) Planned {
	var d Planned
	m := merits{plan: p, item: it, found: found}
	if err := m.weigh(); err != nil {
		d.refuseFor(err)
		return d
	}
	if len(m.credits) == 0 {
		m.explain(&d.Result)
		return d
	}
	if err := p.add(&d, it, &m); err != nil {
		d.refuseFor(err)
	}
	return d
}

// add adds the jobs of an item.
func (p *Plan) add(d *Planned, it *Item, m *merits) error {
	if err := m.convert(); err != nil {
		return err
	}
	if len(m.credits) == 0 {
		m.explain(&d.Result)
		return nil
	}
	s := p.share(it, m)
	p.addEvent(&s, m) // before the reports, whose keys it looks up
	d.from = len(p.Group.Jobs)
	count := ads.NewCounter(p.Group, m.event.ReceivedAt, m.event.IngestedAt, m.ad())
	tally := &destination.Tally{Day: count.Day, Key: count.Key()}
	for i := range m.credits {
		c := &m.credits[i]
		p.addJob(&s, c.to, c.job, c.reporter.Meta(&c.conversion, tally), 0)
		journey.AddJob(p.Group, len(p.Group.Jobs)-1, &journey.Report{
			Kind: journey.KindConversion, Name: c.job.Report, Value: c.report.Value, Currency: c.report.Currency,
		}, true)
		if i == 0 {
			sold := ads.Conversion{
				Name: c.counted(), Contact: s.header.Contact, Remember: p.Remember, Currency: c.report.Currency, Value: c.report.Value,
			}
			if c.job.Version != "" {
				sold.Corrected, sold.Window = s.id.String(), s.window
			}
			count.Conversion(&sold, d.from)
			tally = nil // it counts once, whoever is told of it, too
		}
	}
	d.to = len(p.Group.Jobs)
	id := s.id.String()
	d.EventID, d.Click = &id, m.shown()
	return nil
}

// shared is what the jobs of an item have in common.
type shared struct {
	event, payload int // indexes into the group's
	id             normalize.ID
	window         time.Duration // for how long the same item is a duplicate
	name           string        // of the conversion, for the metrics
	header         queue.Header
	clicksOf       string // the contact of the attribution
}

// share adds to the group what the jobs have in common.
func (p *Plan) share(it *Item, m *merits) shared {
	who := m.who()
	contact := it.besides()
	if who.Lead != nil {
		contact = it.leadContact(who)
	} else if id := contactOf(&who.Click); id != "" {
		contact = clicks.Contact(who.Channel, id)
	}
	s := shared{
		event: it.event, payload: len(p.Group.Payloads), id: m.event.ID(), window: it.window(p.Dedupe), name: m.credits[0].job.Report,
		header: queue.Header{
			EventID: m.event.ID(), Kind: uint8(normalize.KindConversion), Contact: contact, Time: m.event.ReceivedAt, QueuedAt: m.event.IngestedAt,
		},
	}
	if s.clicksOf = contact; who.Lead != nil {
		s.clicksOf = clicks.ChatKey(m.event.WaPhone)
	}
	p.Group.Payloads = append(p.Group.Payloads, m.payload)
	if s.event < 0 {
		s.event = p.newEvent(contact)
	}
	return s
}

// newEvent adds an event of the store's own to the group: once keys and IDs of notes say
// what is a duplicate, and so its id is a new one, of now, and looked for nowhere else.
func (p *Plan) newEvent(contact string) int {
	known := queue.Event{Time: p.Now.UnixMilli(), Contact: contact}
	_, _ = rand.Read(known.ID[:]) // never fails
	p.Group.Events = append(p.Group.Events, known)
	return len(p.Group.Events) - 1
}

// addEvent adds a job for each destination that wants the conversion as an event: of one that is
// reported, and not of a duplicate.
func (p *Plan) addEvent(s *shared, m *merits) {
	for _, d := range p.Destinations {
		if _, ok := d.Planner.(destination.Reporter); ok || d.Raw {
			continue
		}
		if job, ok := d.Planner.Plan(m.event, p.Destinations); ok {
			job.Once = append(job.Once, m.looks()...)
			p.addJob(s, d, job, nil, m.attribution)
		}
	}
}

// looks are the keys by which the only report of a conversion is a duplicate. One of several may
// be none where another is.
func (m *merits) looks() (list []queue.Once) {
	if len(m.credits) != 1 {
		return nil
	}
	for _, o := range m.credits[0].job.Once {
		if o.Use != queue.Mark {
			o.Use = queue.Look
			list = append(list, o)
		}
	}
	return list
}

func (p *Plan) addJob(s *shared, d *destination.Destination, job destination.Job, meta []byte, attribution int) {
	h := s.header
	h.Format, h.Meta = job.Format, meta
	if job.Attributed {
		h.ClickKey, h.Attribution = s.clicksOf, uint32(attribution)
	}
	if job.Lane != "" {
		h.ClickKey, h.Contact = h.Contact, job.Lane
	}
	key := "conversion\n" + d.Dest.Name + "\n" + s.id.String()
	if job.Version != "" {
		key += "\n" + job.Version
	}
	once := append([]queue.Once{{Key: key, Window: s.window}}, job.Once...)
	p.Group.Jobs = append(p.Group.Jobs, queue.Job{Dest: d.Dest, Events: []int{s.event}, Once: once, Payload: s.payload, Header: h})
	p.Names = append(p.Names, s.name)
}

// describe shows a duration in days where it is whole ones.
func describe(d time.Duration) string {
	if days := d / (24 * time.Hour); d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}
