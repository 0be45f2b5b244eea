package conversions

import (
	"slices"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/normalize"
)

// Check says what the endpoint would find wrong with an item, as if its contact
// had a click: [Valid] or [Invalid]. words are the CRM's own for event names, and
// mapping says how one that is none of them is added, behind the names that there are.
func Check(n jsondoc.Node, words map[string]string, mapping string, now time.Time) (r Result) {
	r.Status = Valid
	var ledger destination.Reporter = &dataset.Planner{}
	leads := mayBeLead(n)
	if leads {
		ledger = &dataset.Stages{}
	}
	rules := rules{words: words, mapping: func(string) string { return mapping }, names: ledger.Names, leads: leads, now: now}
	if err := rules.check(n, ledger); err != nil {
		r.refuseFor(err)
	}
	return r
}

// mayBeLead reports whether an item may be a stage of a lead ad's lead: it names the lead, or
// somebody by an e-mail address alone.
func mayBeLead(n jsondoc.Node) bool {
	if n.Kind() != '{' {
		return false
	}
	inChat := slices.ContainsFunc(chatFields, func(field string) bool { return text(n, field) != "" })
	return text(n, "leadId") != "" || !inChat && text(n, "email") != ""
}

func (r *rules) check(n jsondoc.Node, ledger destination.Reporter) error {
	it, err := r.readItem(n)
	if err != nil {
		return err
	}
	posted, err := withoutEmail(it.node)
	if err != nil {
		return err
	}
	click := standInClick(&it, r.leads)
	c := destination.Conversion{Click: click, Name: it.name, Email: it.email}
	c.Unified, _ = it.unified("", click, posted, r.now).AppendJSON(nil)
	_, _, err = ledger.Convert(&c, r.now)
	return err
}

// standInClick is a click with all that Meta wants of one, in the place of the
// stored one that a check without the store can't have.
func standInClick(it *Item, ofLead bool) *clicks.Click {
	if ofLead {
		return (&clicks.Lead{ID: it.leadID}).Click()
	}
	channel := normalize.ChannelNamed(text(it.node, "channel"))
	if channel == normalize.ChannelUnknown {
		channel = normalize.ChannelWhatsApp
	}
	return &clicks.Click{Click: capi.Click{
		Channel: channel, CtwaClid: "x", AdID: "1", WabaID: "1", PageID: "1", InstagramID: "1", UserID: "1", WaID: "1",
	}}
}
