package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/linkcode"
	"github.com/leadgate/leadgate/internal/links"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// linked is an event with a link's code, and what that comes to.
type linked struct {
	event   int // in the batch
	tenant  *Tenant
	code    string
	contact queue.Event // whose names it has

	name    string // the link's; "" for a code that stands for nothing
	consent string // what the link's query said of it
	has     bool   // the contact has a touch of the code already,
	owns    bool   // and by that the click is its own, whatever it was called then
	claims  bool   // the code becomes the contact's with this event
	touches bool   // the contact has no such touch yet
	utm     bool   // the event's UTM is the link's
}

// findLinks finds the codes in the webhook's messages. Hardly any has one.
func (b *Block) findLinks(w *Webhook) {
	for i := range w.batch.Events {
		ev := &w.batch.Events[i]
		if w.tenants[i] == nil || !mayNameLink(ev) {
			continue
		}
		code, ok := w.codeIn(ev)
		if !ok {
			continue
		}
		l := linked{event: i, tenant: w.tenants[i], code: code}
		clicks.Touch(ev, &l.contact)
		if !unknownCodes.resting(l.tenant.Name, l.contact.Contact, b.Now()) {
			w.linked = append(w.linked, l)
		}
	}
}

// A plan is made of what is stored when it is made. Where a contact's code is another's
// by the time that it is to be stored, that is found out then, and there is another plan.
const lastPlan = 4 // in which no code is claimed: it is shared

// lookUpLinks says what the codes in the webhook's messages come to in its plan of this
// number, from 1 on. After an error it may be asked again.
func (b *Block) lookUpLinks(ctx context.Context, q Store, w *Webhook, plan int) error {
	for i := range w.linked {
		t := w.linked[i].tenant
		done := func(l linked) bool { return l.tenant == t }
		if w.isStored(t) || slices.ContainsFunc(w.linked[:i], done) {
			continue
		}
		if err := b.lookUpTenant(ctx, q, w, t, plan); err != nil {
			return fmt.Errorf("looking up the links that messages name: %w", err)
		}
	}
	return nil
}

func (b *Block) lookUpTenant(ctx context.Context, q Store, w *Webhook, t *Tenant, plan int) error {
	var list []*linked
	var codes []string
	for i := range w.linked {
		if l := &w.linked[i]; l.tenant == t {
			list, codes = append(list, l), append(codes, l.code)
		}
	}
	rows, err := q.Codes(ctx, t.Name, codes)
	if err != nil {
		return err
	}
	known, its := list[:0], rows[:0]
	for n, l := range list {
		ev := &w.batch.Events[l.event]
		l.reset(ev)
		if rows[n].Code == "" {
			unknownCodes.add(t.Name, l.contact.Contact, ev.Key(), b.Now())
			continue
		}
		known, its = append(known, l), append(its, rows[n])
	}
	if err := findTouches(ctx, q, t, known); err != nil {
		return err
	}
	for n, l := range known {
		shared := l.settle(&its[n], known[:n], b.Now().UnixMilli(), plan == lastPlan)
		if err := l.fill(&w.batch.Events[l.event], &its[n], shared); err != nil {
			b.Logger.Error("a link's code in a message is not read; the message is as one without", zap.String("tenant", t.Name), zap.Error(err))
			continue
		}
		l.touches = l.isNew(known[:n])
	}
	return nil
}

// findTouches says which of a tenant's messages with codes are of touches that their
// contacts have already.
func findTouches(ctx context.Context, q Store, t *Tenant, list []*linked) error {
	contacts := make([]*queue.Event, len(list))
	for i, l := range list {
		contacts[i] = &l.contact
	}
	stored, err := storedClicks(ctx, q, t, contacts)
	if err != nil {
		return err
	}
	for i, l := range list {
		l.remember(stored[i])
	}
	return nil
}

// reset takes back what an earlier plan made of the event.
func (l *linked) reset(ev *normalize.Event) {
	ev.Link = nil
	if l.utm {
		*ev.UTM = normalize.UTM{}
	}
	*l = linked{event: l.event, tenant: l.tenant, code: l.code, contact: l.contact}
}

// settle says whether the code is the contact's, or shared: another's click, or one too
// long ago. before are the tenant's messages in the same webhook that come first.
func (l *linked) settle(row *queue.Code, before []*linked, now int64, last bool) (shared bool) {
	if row.Claim == 0 || l.owns || row.OwnedBy(l.tenant.Name, &l.contact) {
		return false // everybody's, or its own
	}
	for _, other := range before {
		if other.claims && other.code == l.code && !queue.SameContact(&l.contact, &other.contact) {
			return true
		}
	}
	l.claims = !last && row.ClaimableBy(l.tenant.Name, &l.contact, now)
	return !l.claims
}

// fill fills in the event's link, and its UTM where no referral says one.
func (l *linked) fill(ev *normalize.Event, row *queue.Code, shared bool) error {
	stored, err := links.ParseRow(row.Data)
	if err != nil {
		l.claims = false
		return err
	}
	link := stored.Event(linkcode.Format(l.code), shared)
	if ev.Link, err = json.Marshal(&link); err != nil {
		return err
	}
	l.name = link.Name
	if stored.Consent != nil && !link.Shared {
		l.consent = *stored.Consent
	}
	if u := ev.UTM; u != nil && u.Source == nil && u.Medium == nil && u.Campaign == nil && u.Content == nil && u.Term == nil {
		l.utm = true
		u.Source, u.Medium, u.Campaign = param(&link, "utm_source"), param(&link, "utm_medium"), param(&link, "utm_campaign")
		u.Content, u.Term = param(&link, "utm_content"), param(&link, "utm_term")
	}
	return nil
}

func param(link *links.Event, name string) normalize.Text {
	if value := link.Params[name]; value != "" {
		return normalize.NewText(value)
	}
	return nil
}

// remember looks for the code among the contact's touches. Who has come to another name
// since brought them along.
func (l *linked) remember(stored []queue.Clicks) {
	shown := linkcode.Format(l.code)
	for i := range stored {
		for _, data := range slices.Concat(stored[i].Oldest[:], stored[i].Newest[:]) {
			if c, err := clicks.Parse(data); err == nil && c.Link != nil && c.Link.Code == shown {
				l.has, l.owns = true, l.owns || !c.Link.Shared
			}
		}
	}
}

// isNew reports whether the contact has no touch of this code, neither stored nor by a
// message that comes first.
func (l *linked) isNew(before []*linked) bool {
	return !l.has && !slices.ContainsFunc(before, func(other *linked) bool {
		return other.touches && other.code == l.code && queue.SameContact(&l.contact, &other.contact)
	})
}

// link is what the code of the webhook's event i comes to, nil where it has none that is
// known.
func (w *Webhook) link(i int) *linked {
	for n := range w.linked {
		if l := &w.linked[n]; l.event == i && l.name != "" {
			return l
		}
	}
	return nil
}

// addLink adds to an event what its code comes to.
func (w *Webhook) addLink(i int, known *queue.Event) {
	l := w.link(i)
	if l == nil {
		return
	}
	if l.touches {
		clicks.AddLink(&w.batch.Events[i], w.batch.Events[i].Link, l.consent, known)
	}
	if l.claims {
		known.Claim = l.code
	}
}
