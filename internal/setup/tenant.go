package setup

import (
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/destination/leads"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

// tenant is a tenant that is being looked at.
type tenant struct {
	*run
	*Tenant
	app *app
	to  *want // of its block
}

// with is the first token that has permissions; nil for none.
func (t *tenant) with(scopes ...string) (*Access, *token) {
	for _, a := range t.accesses(&Block{Tenants: []Tenant{*t.Tenant}}) {
		if known := t.tokens[a.key()]; known != nil && known.may(scopes...) && known.app == t.app.id {
			return a, known
		}
	}
	return nil, nil
}

// dataset is the one for a channel; nil for none. One that names no channels is for those that
// no other one names.
func (t *tenant) dataset(channel string) *Dataset {
	var rest *Dataset
	for i := range t.Datasets {
		d := &t.Datasets[i]
		if slices.Contains(d.Channels, channel) {
			return d
		}
		if len(d.Channels) == 0 {
			rest = d
		}
	}
	return rest
}

// named reports whether a capi names a channel.
func (t *tenant) named(channel string) bool {
	return slices.ContainsFunc(t.Datasets, func(d Dataset) bool { return slices.Contains(d.Channels, channel) })
}

// uses reports whether a channel's events are the tenant's: its ids or a capi say so. A tenant
// that says nothing is taken for one of WhatsApp.
func (t *tenant) uses(channel string) bool {
	has := map[string]bool{
		"whatsapp": len(t.WABAs)+len(t.Numbers) > 0, "messenger": len(t.Pages) > 0 && t.mayMessage(), "instagram": len(t.Instagrams) > 0,
	}
	if t.named(channel) || has[channel] {
		return true
	}
	return channel == "whatsapp" && len(t.Pages)+len(t.Instagrams) == 0 && t.Leads == nil && !t.named("messenger") && !t.named("instagram")
}

// mayMessage reports whether a Page's messages are meant, too: where forms are read, only a token
// with the permission tells.
func (t *tenant) mayMessage() bool {
	a, _ := t.with("pages_messaging")
	return t.Leads == nil || a != nil
}

// fields are those that the tenant needs, by their objects.
func (t *tenant) fields() map[string][]string {
	all := make(map[string][]string)
	if t.uses("whatsapp") {
		all[whatsApp] = []string{"messages"}
		if d := t.dataset("whatsapp"); d != nil && d.Automatic {
			all[whatsApp] = []string{"messages", "automatic_events"}
		}
	}
	if page := t.pageFields(); len(page) > 0 {
		all["page"] = page
	}
	if t.uses("instagram") {
		all["instagram"] = []string{"messages", "messaging_postbacks", "messaging_referral"}
	}
	return all
}

// pageFields are those of a Page. Who reads forms alone needs no right to its messages.
func (t *tenant) pageFields() (fields []string) {
	if t.uses("messenger") {
		fields = []string{"messages", "messaging_postbacks", "messaging_referrals"}
	}
	if t.Leads != nil {
		fields = append(fields, "leadgen")
	}
	return fields
}

// leadAccess says whether the token may read the leads of a Page, as the doctor does.
func (t *tenant) leadAccess(ctx context.Context, page string) {
	if known := t.tokens[t.Leads.key()]; known == nil || !known.valid {
		return // a row says so
	}
	client := t.client(t.Leads)
	config := leads.Config{Endpoint: client.Endpoint, GraphVersion: client.Version, UserAgent: t.UserAgent, Credentials: t.Leads.Credentials}
	for _, f := range leads.CheckPage(ctx, &config, page) {
		state := OK
		if f.Level != finding.OK {
			state = Missing
		}
		t.say(state, "leads of Page "+page, f.What, f.Fix)
	}
}

// checkDataset compares the dataset of an account or a Page with the one that is reported to,
// and makes it where there is none.
func (t *tenant) checkDataset(ctx context.Context, kind, owner string, a *Access, d *Dataset) {
	object := "dataset of " + owner
	root, ok := t.get(ctx, object, a, owner+"/dataset")
	if !ok {
		return
	}
	have, made := datasetOf(root), ""
	switch {
	case have == "" && !t.Apply:
		t.say(Missing, object, "the "+kind+" has none, so that no conversion is taken", "--apply makes it")
		return
	case have == "":
		if root, ok = t.post(ctx, object, a, owner+"/dataset", nil); !ok {
			return
		}
		if have, made = id(root.Get("id")), "made; "; have == "" {
			t.say(Failed, object, "Meta made none", "")
			return
		}
	}
	if have != d.ID {
		t.say(Missing, object, made+"it is "+have+", and "+d.Name+" reports to another one, which is refused",
			"write `dataset "+have+"` into the capi block")
		return
	}
	if made != "" {
		t.say(Made, object, "it is "+have, "")
		return
	}
	t.say(OK, object, "the "+kind+"'s is "+have+", which is reported to", "")
}

// offerDataset names the dataset that an account without a capi block could report to, and makes
// one where there is none: a capi block cannot be written before it is known.
func (t *tenant) offerDataset(ctx context.Context, owner string, a *Access) {
	object := "dataset of " + owner
	root, ok := t.get(ctx, object, a, owner+"/dataset")
	if !ok {
		return
	}
	const use = "to report what becomes of clicks, write `capi whatsapp { dataset "
	if have := datasetOf(root); have != "" {
		t.say(Note, object, "it is "+have+", and no capi block reports to it", use+have+" … }` into the tenant")
		return
	}
	if !t.Apply {
		t.say(Note, object, "there is none, and no capi block that would report to it", "--apply makes one, which costs nothing")
		return
	}
	if root, ok = t.post(ctx, object, a, owner+"/dataset", nil); ok {
		t.say(Made, object, "it is "+datasetOf(root), use+datasetOf(root)+" … }` into the tenant")
	}
}

// datasetOf is the id in an answer: an object, or a list of one.
func datasetOf(root jsondoc.Node) string {
	if data := root.Get("data"); data.Kind() == '[' {
		return id(data.First().Get("id"))
	}
	return id(root.Get("id"))
}

// success reports whether Meta says that a change was made; else a row says so. Of Pages its
// documentation has true as a string.
func (r *run) success(object string, root jsondoc.Node, ok bool) bool {
	if said := root.Get("success"); ok && said.Kind() != 't' && said.String() != "true" {
		r.say(Failed, object, "Meta does not say that the change was made", "run it again")
		return false
	}
	return ok
}
