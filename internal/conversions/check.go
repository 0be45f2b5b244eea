package conversions

import (
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/normalize"
)

// Check says what the endpoint would find wrong with an item, as if its contact
// had a click: [Valid] or [Invalid]. words are the CRM's own for event names, and
// mapping says how one that is none of them is added, behind the names that there are.
func Check(n jsondoc.Node, words map[string]string, mapping string, now time.Time) (r Result) {
	r.Status = Valid
	meta := dataset.Planner{}
	rules := rules{words: words, mapping: func(string) string { return mapping }, names: meta.Names, now: now}
	if err := rules.check(n); err != nil {
		r.refuseFor(err)
	}
	return r
}

func (r *rules) check(n jsondoc.Node) error {
	it, err := r.readItem(n)
	if err != nil {
		return err
	}
	posted, err := withoutEmail(it.node)
	if err != nil {
		return err
	}
	click := standInClick(&it)
	payload, _ := it.unified("", click, posted, r.now).AppendJSON(nil)
	conversion := capi.Conversion{Click: click.Click, EventName: it.name}
	_, _, err = capi.AppendConversion(nil, payload, &conversion, &capi.Settings{}, r.now)
	return err
}

// standInClick is a click with all that Meta wants of one, in the place of the
// stored one that a check without the store can't have.
func standInClick(it *Item) *clicks.Click {
	channel := normalize.ChannelNamed(text(it.node, "channel"))
	if channel == normalize.ChannelUnknown {
		channel = normalize.ChannelWhatsApp
	}
	return &clicks.Click{Click: capi.Click{
		Channel: channel, CtwaClid: "x", AdID: "1", WabaID: "1", PageID: "1", InstagramID: "1", UserID: "1", WaID: "1",
	}}
}
