package conversions

import (
	"context"
	"fmt"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
)

// post is the items of one post, on their way to the store.
type post struct {
	e     *Endpoint
	p     Plan
	group queue.Group
	lines []line
	found []queue.Clicks // for the keys of all lines, in order
}

// line is one item, and what became of it.
type line struct {
	item Item
	ok   bool // it was read
	Planned
}

// newPost reads the items.
func (e *Endpoint) newPost(nodes []jsondoc.Node) *post {
	p := &post{e: e, lines: make([]line, len(nodes)), group: queue.Group{Tenant: e.Tenant}}
	p.p = Plan{
		Tenant: e.Tenant, Destinations: e.Destinations, Remember: e.Remember, Dedupe: e.Dedupe, Now: e.Now(), Group: &p.group,
		AdNames: e.AdNames,
	}
	rules := rules{words: e.Map, mapping: inBlock, names: p.p.names, email: withoutClick(e.Destinations), now: p.p.Now,
		leads: len(leadReporters(e.Destinations)) > 0}
	for i, n := range nodes {
		l := &p.lines[i]
		it, err := rules.readItem(n)
		if err != nil {
			l.refuseFor(err)
			p.p.noteUnread(n, it.name, &l.Result)
			continue
		}
		l.item, l.ok = it, true
	}
	return p
}

// names says what is wrong with an event's name whoever it is posted for. One that is only
// configured nowhere may be said of a contact in vain: see merits.explain.
func (p *Plan) names(name string) *destination.Refusal {
	for _, d := range p.Destinations {
		if r, ok := d.Planner.(destination.Reporter); ok {
			if refusal := r.Names(name); refusal == nil || refusal.NoClick {
				return nil
			}
		}
	}
	return unknownName(p.Destinations, name)
}

// withoutClick reports whether a ledger takes conversions of contacts without a click.
func withoutClick(all []*destination.Destination) bool {
	for _, d := range all {
		if r, ok := d.Planner.(destination.Reporter); ok && r.WithoutClick() {
			return true
		}
	}
	return false
}

// lookUp looks up the clicks of all items at once.
func (p *post) lookUp(ctx context.Context, q Store) error {
	var keys []string
	for i := range p.lines {
		keys = append(keys, p.lines[i].item.keys...)
	}
	if len(keys) == 0 {
		return nil
	}
	var err error
	p.found, err = q.Clicks(ctx, p.e.Tenant, keys)
	if err == nil && len(p.found) != len(keys) {
		err = fmt.Errorf("looking up clicks: %d answers for %d keys", len(p.found), len(keys))
	}
	if err != nil {
		return err
	}
	return p.lookUpErased(ctx, q)
}

// plan plans the items.
func (p *post) plan() {
	at := 0
	for i := range p.lines {
		l := &p.lines[i]
		if !l.ok {
			continue
		}
		found := p.found[at : at+len(l.item.keys)]
		at += len(found)
		l.Planned = p.p.Add(&l.item, found)
	}
}

// settle says what became of the jobs.
func (p *post) settle(result *queue.Result) {
	for i := range p.lines {
		p.lines[i].Settle(result.Jobs)
	}
	for j, o := range result.Jobs {
		metrics.Unsent(&p.group.Jobs[j], p.p.Names[j], o)
		if n, dead := notice.Unsent(&p.group.Jobs[j], o); dead {
			p.e.Notices.Tell(n)
		}
	}
}

func (p *post) results() []Result {
	list := make([]Result, len(p.lines))
	for i := range p.lines {
		list[i] = p.lines[i].Result
	}
	return list
}
