package caddymodule

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/clicks"
	metadataset "github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// conversionPlan turns posted items into jobs.
type conversionPlan struct {
	c       *Conversions
	now     time.Time
	results []conversionResult
	items   []conversionItem
	found   []queue.Clicks // for all the items' keys, in order
	group   queue.Group
	jobOf   []int // per item of items: its conversion job, -1 for none
	names   []string
}

// read checks the items and looks up the clicks of all of them at once.
func (p *conversionPlan) read(ctx context.Context, q queue.Queue, nodes []jsondoc.Node) error {
	var keys []string
	for i, n := range nodes {
		it, err := p.c.readItem(n, p.now)
		if err != nil {
			p.refuse(i, err)
			continue
		}
		it.index, it.at = i, len(keys)
		keys = append(keys, it.keys...)
		p.items = append(p.items, it)
	}
	if len(keys) == 0 {
		return nil
	}
	var err error
	p.found, err = q.Clicks(ctx, p.c.Tenant, keys)
	if err == nil && len(p.found) != len(keys) {
		err = fmt.Errorf("looking up clicks: %d answers for %d keys", len(p.found), len(keys))
	}
	return err
}

// refuse says what is wrong with an item.
func (p *conversionPlan) refuse(index int, err error) {
	var i *invalid
	var r *capi.Refusal
	switch {
	case errors.As(err, &i):
		p.results[index].refuse("invalid", i.text, i.fix)
	case errors.As(err, &r):
		p.results[index].refuse("invalid", r.Field+": "+r.Rule, r.Fix)
	default:
		p.results[index].refuse("invalid", err.Error(), "")
	}
}

// plan finds an item's click, and adds its jobs.
func (p *conversionPlan) plan(i int) {
	it := &p.items[i]
	p.jobOf = append(p.jobOf, -1)
	click, err := p.click(it)
	if err != nil {
		p.refuse(it.index, err)
		return
	}
	result := &p.results[it.index]
	if click == nil {
		result.refuse("no_click", "no ad click of this contact is stored", "nothing is wrong if the contact came without an ad; clicks are kept for "+describe(time.Duration(p.c.app.RememberClicks)))
		return
	}
	result.Click = click.Shown
	if click.Channel == normalize.ChannelWhatsApp && click.CtwaClid == "" {
		result.refuse("no_click", "the contact's click carries no ctwa_clid, as from an ad in WhatsApp Status, and Meta takes no conversion without one", "")
		return
	}
	dataset := p.dataset(click.Channel)
	if dataset == nil {
		p.refuse(it.index, invalidf(fmt.Sprintf("add `capi %s { … }` to the tenant", click.Channel), "the click is of channel %s, and the tenant has no capi for it", click.Channel))
		return
	}
	if err := p.add(i, click, dataset); err != nil {
		p.refuse(it.index, err)
	}
}

// describe shows a duration in days where it is whole ones.
func describe(d time.Duration) string {
	if days := d / (24 * time.Hour); d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}

// click picks the touch that the conversion is credited to, nil if there is
// none.
func (p *conversionPlan) click(it *conversionItem) (*clicks.Click, error) {
	var best *clicks.Click
	for _, found := range p.found[it.at : it.at+len(it.keys)] {
		data := found.First
		if !it.first {
			if data = found.LastClid; len(data) == 0 {
				data = found.Last
			}
		}
		if len(data) == 0 {
			continue
		}
		click, err := clicks.Parse(data)
		if err != nil {
			return nil, err
		}
		if best != nil {
			return nil, invalidf("add \"channel\":\""+best.Channel.String()+"\" or \"channel\":\""+click.Channel.String()+"\"",
				"%s has clicks on two channels", it.who)
		}
		best = click
	}
	if best != nil {
		if channel := text(it.node, "channel"); channel != "" && channel != best.Channel.String() {
			return nil, nil
		}
	}
	return best, nil
}

func (p *conversionPlan) dataset(channel normalize.Channel) *destination {
	for _, d := range p.c.tenant.destinations {
		if d.capi != nil && d.capi.takes(channel, p.c.tenant.destinations) {
			return d
		}
	}
	return nil
}

// add adds the jobs of an item: the conversion, and an event for those who want
// conversions.
func (p *conversionPlan) add(i int, click *clicks.Click, dataset *destination) error {
	it := &p.items[i]
	posted, err := withoutEmail(it.node)
	if err != nil {
		return err
	}
	ev := p.event(it, click, posted)
	payload, attribution := ev.AppendJSON(nil)

	conversion := &capi.Conversion{Click: click.Click, EventName: it.name, EmailHash: it.emailHash}
	// What Meta would refuse is told now, while the CRM listens.
	forMeta, _, err := capi.AppendConversion(nil, payload, conversion, &dataset.capi.settings, p.now)
	if err != nil {
		return err
	}
	plan := dataset.capi.settings.PlanConversion(it.name, &click.Click, text(it.node, "value"), text(it.node, "currency"))

	// The once keys say what is a duplicate; this id is only the store's own, and new:
	// it is of now, and looked for nowhere else.
	known := queue.Event{Time: p.now.UnixMilli(), Contact: clicks.Contact(click.Channel, contactOf(&click.Click))}
	_, _ = rand.Read(known.ID[:]) // never fails
	event, payloadIndex := len(p.group.Events), len(p.group.Payloads)
	p.group.Events = append(p.group.Events, known)
	p.group.Payloads = append(p.group.Payloads, payload)
	id := ev.ID()
	window := 24 * time.Hour
	if it.orderID != "" {
		window = max(time.Duration(p.c.app.Dedupe), minOnce)
	}
	header := queue.Header{
		EventID: id, Kind: uint8(normalize.KindConversion), Contact: known.Contact,
		Time: ev.ReceivedAt, QueuedAt: ev.IngestedAt,
	}
	add := func(d *destination, h queue.Header, more ...queue.Once) {
		once := append([]queue.Once{{Key: "conversion\n" + d.Dest.Name + "\n" + id.String(), Window: window}}, more...)
		p.group.Jobs = append(p.group.Jobs, queue.Job{Dest: d.Dest, Events: []int{event}, Once: once, Payload: payloadIndex, Header: h})
		p.names = append(p.names, plan.Name)
	}
	p.jobOf[i] = len(p.group.Jobs)
	reported := header
	count := ads.NewCounter(&p.group, ev.ReceivedAt, ev.IngestedAt, ads.Of(click))
	reported.Format, reported.Meta = queue.FormatCAPI, metadataset.ConversionMeta(conversion, tally(&count))
	var more []queue.Once
	for _, o := range plan.Once {
		more = append(more, queue.Once{Key: o.Key, Window: o.Window, Use: queue.Use(o.Use)})
	}
	add(dataset, reported, more...)
	reportedAs := ads.Conversion{Name: plan.Name, Contact: known.Contact, Remember: time.Duration(p.c.app.RememberClicks)}
	if plan.Name == capi.Purchase {
		reportedAs.Currency, reportedAs.Value = purchase(forMeta)
	}
	count.Conversion(&reportedAs, p.jobOf[i])
	for _, d := range p.c.tenant.destinations {
		if d.capi == nil && !d.raw && d.wants.event(ev) {
			h := header
			h.Format, h.ClickKey, h.Attribution = queue.FormatEvent, known.Contact, uint32(attribution)
			add(d, h)
		}
	}
	text := id.String()
	p.results[it.index].EventID = &text
	return nil
}

func contactOf(c *capi.Click) string {
	switch {
	case c.UserID != "":
		return c.UserID
	case c.WaPhone != "":
		return strings.TrimPrefix(c.WaPhone, "+")
	}
	return c.WaID
}

// event is the unified event of a posted item. Whom it concerns is what the
// click says.
func (p *conversionPlan) event(it *conversionItem, click *clicks.Click, posted normalize.Value) *normalize.Event {
	ev := &normalize.Event{
		Kind: normalize.KindConversion, Channel: click.Channel, Provider: "leadgate",
		RawLastEventType: normalize.NewText("conversion"),
		ReceivedAt:       it.eventTime.UnixMilli(), IngestedAt: p.now.UnixMilli(),
		Conversion: posted, Raw: posted,
		Account: normalize.Account{WabaID: known(click.WabaID), PageID: known(click.PageID), InstagramID: known(click.InstagramID)},
		WaPhone: known(click.WaPhone), WaID: known(click.WaID), UserID: known(click.UserID),
	}
	if it.orderID != "" {
		ev.SetKey(it.name, it.orderID)
	} else {
		// Canonicalize changes what it is given.
		canonical := jsontext.Value(append([]byte(nil), it.node.Raw()...))
		if err := canonical.Canonicalize(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
			canonical = it.node.Raw() // as it stands is as good for recognizing a repetition
		}
		sum := sha256.Sum256(canonical)
		ev.SetKey(hex.EncodeToString(sum[:]))
	}
	ev.SetTenant(p.c.Tenant)
	return ev
}

// known is a Text, nil for "".
func known(s string) normalize.Text {
	if s == "" {
		return nil
	}
	return normalize.NewText(s)
}

// withoutEmail is the posted item without its e-mail address, of which only the
// hash is kept.
func withoutEmail(n jsondoc.Node) (normalize.Value, error) {
	out := []byte{'{'}
	for m := n.First(); m.Exists(); m = m.Next() {
		key := string(m.Key())
		if key == "email" {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, normalize.NewText(key)...), ':'), m.Raw()...)
	}
	out = append(out, '}')
	if !json.Valid(out) {
		return nil, errors.New("the item cannot be written again")
	}
	return out, nil
}

// report says what became of the jobs.
func (p *conversionPlan) report(result *queue.Result) {
	for i := range p.items {
		j := p.jobOf[i]
		if j < 0 {
			continue
		}
		r := &p.results[p.items[i].index]
		r.Status = "queued"
		if result.Jobs[j] == queue.Duplicate {
			r.Status = "duplicate"
		}
	}
	for j, o := range result.Jobs {
		metrics.Unsent(&p.group.Jobs[j], p.names[j], o)
	}
}
