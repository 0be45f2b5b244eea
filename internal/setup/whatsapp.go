package setup

import (
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// The permissions of WhatsApp.
const (
	manage = "whatsapp_business_management"
	events = "whatsapp_business_manage_events"
)

// whatsapp looks at the tenant's accounts.
func (t *tenant) whatsapp(ctx context.Context) {
	if !t.uses("whatsapp") {
		return
	}
	d := t.dataset("whatsapp")
	if d != nil {
		t.rights(&d.Access, t.tokens[d.key()], manage, events)
	}
	a, known := t.with(manage, events) // which may see the dataset, too
	if a == nil || d != nil {
		a, known = t.with(manage)
	}
	if a == nil {
		if t.app.id != "" && (d == nil || d.may(t.run, manage)) { // else a row says what the dataset's token lacks
			t.say(Missing, "tenant "+t.Name, "no token of app "+t.app.id+" may ask for its WhatsApp account",
				"set META_TOKEN to one of this app with "+manage+"; or correct --app-id, if the tokens' app is the one")
		}
		return
	}
	for _, waba := range t.accounts(ctx, a, known) {
		if !t.first("waba " + waba + " " + t.Name) {
			continue
		}
		if d != nil && d.may(t.run, manage, events) {
			t.checkDataset(ctx, "WABA", waba, &d.Access, d)
		}
		if d == nil && known.may(events) {
			t.offerDataset(ctx, waba, a)
		}
		t.subscribeWABA(ctx, a, waba)
	}
	if t.first("routing") {
		t.say(Note, "routing", "who answers chats of ads (Conversation Routing) is not read: Meta names no call for it",
			"look at Meta Business Suite → Settings → Conversation routing, if leads stay away")
	}
}

// may reports whether the dataset's token has permissions.
func (d *Dataset) may(r *run, scopes ...string) bool {
	known := r.tokens[d.key()]
	return known != nil && known.may(scopes...)
}

// accounts are the tenant's: those that the configuration names, else the one that the token is
// for. Each has its number among its own, where the tenant is found by a number.
func (t *tenant) accounts(ctx context.Context, a *Access, known *token) (found []string) {
	candidates := slices.Clone(t.WABAs)
	for i := range t.Datasets {
		if waba := t.Datasets[i].WabaID; waba != "" && !slices.Contains(candidates, waba) {
			candidates = append(candidates, waba)
		}
	}
	named := len(candidates) > 0
	if !named {
		candidates = known.targetsOf(manage)
	}
	missing := slices.Clone(t.Numbers)
	for _, waba := range candidates {
		numbers, ok := t.list(ctx, "WABA "+waba, a, waba+"/phone_numbers")
		if !ok {
			continue
		}
		has := idsOf(numbers)
		own := slices.ContainsFunc(t.Numbers, func(n string) bool { return slices.Contains(has, n) })
		missing = slices.DeleteFunc(missing, func(n string) bool { return slices.Contains(has, n) })
		if own || named || len(t.Numbers) == 0 {
			found = append(found, waba)
		}
	}
	for _, n := range missing {
		t.say(Missing, "number "+n, "it is a number of no account that the token may see",
			"correct `match phone_number_id`; or assign the account")
	}
	switch {
	case len(candidates) == 0:
		t.say(Missing, "tenant "+t.Name, "nothing says which WhatsApp account is its", "write `match waba_id <id>` into the tenant")
	case !named && len(t.Numbers) == 0 && len(found) > 1:
		t.say(Missing, "tenant "+t.Name, "the token may see the WhatsApp accounts "+said(found), "write `match waba_id <id>` into the tenant")
		return nil
	}
	return found
}

// idsOf are the ids of objects.
func idsOf(objects []jsondoc.Node) (ids []string) {
	for _, n := range objects {
		ids = append(ids, id(n.Get("id")))
	}
	return ids
}

// subscribeWABA looks whether an account is subscribed to the app. A post would clear an
// override, so that one is made only where there is no subscription.
func (t *tenant) subscribeWABA(ctx context.Context, a *Access, waba string) {
	object := "WABA " + waba
	t.to.accounts++
	apps, ok := t.list(ctx, object, a, waba+"/subscribed_apps")
	if !ok {
		return
	}
	for _, s := range apps {
		if id(s.Get("whatsapp_business_api_data").Get("id")) != t.app.id {
			continue
		}
		to := s.Get("override_callback_uri").String()
		if to == t.to.URL {
			t.to.direct++
		}
		if to != "" && !t.ours(to) {
			t.say(Missing, object, "it is subscribed to the app, and its messages go to an address of its own: "+to,
				"that is left alone; take the override away (docs/providers/meta.md), if they shall come here")
			return
		}
		t.say(OK, object, "it is subscribed to the app", "")
		return
	}
	if !t.Apply {
		t.say(Missing, object, "it is not subscribed to the app, so that its messages come nowhere", "--apply subscribes it")
		return
	}
	root, ok := t.post(ctx, object, a, waba+"/subscribed_apps", nil)
	if t.success(object, root, ok) {
		t.say(Made, object, "it is subscribed to the app", "")
	}
}

// ours reports whether an address is that of a block.
func (r *run) ours(address string) bool {
	is := func(b Block) bool { return b.URL == address }
	return slices.ContainsFunc(r.Blocks, is) || slices.ContainsFunc(r.Others, is)
}
