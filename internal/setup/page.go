package setup

import (
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/graph"
)

// page looks at the tenant's Pages.
func (t *tenant) page(ctx context.Context) {
	fields := t.pageFields()
	if len(fields) == 0 {
		return
	}
	d := t.dataset("messenger")
	if d != nil && (!t.uses("messenger") || len(d.Channels) == 0 && t.uses("whatsapp")) {
		d = nil // a dataset is one account's, and this one the WhatsApp account's
	}
	if d != nil {
		t.rights(&d.Access, t.tokens[d.key()], "page_events")
	}
	if t.Leads != nil {
		t.rights(t.Leads, t.tokens[t.Leads.key()], "leads_retrieval", "pages_show_list", "pages_read_engagement", "pages_manage_ads")
	}
	pages := t.pageTokens(ctx)
	for _, p := range pages {
		if !t.first("page " + p.id + " " + t.Name) {
			continue
		}
		if t.Leads != nil {
			t.leadAccess(ctx, p.id)
		}
		if d != nil && d.may(t.run, "page_events") {
			t.checkDataset(ctx, "Page", p.id, p.access, d)
		}
		t.subscribePage(ctx, p, fields)
	}
}

// aPage is a Page with a token of its own.
type aPage struct {
	id     string
	access *Access
}

// pageTokens finds the tenant's Pages, with the tokens that Meta wants for them: those that the
// configuration has, or that it gives to who may see the Page.
func (t *tenant) pageTokens(ctx context.Context) (found []aPage) {
	wanted := slices.Clone(t.Pages)
	for _, a := range t.accesses(&Block{Tenants: []Tenant{*t.Tenant}}) {
		known := t.tokens[a.key()]
		if known == nil || !known.valid || known.kind != "PAGE" || known.page == "" {
			continue
		}
		if len(t.Pages) == 0 || slices.Contains(wanted, known.page) {
			found = append(found, aPage{known.page, a})
			wanted = slices.DeleteFunc(wanted, func(p string) bool { return p == known.page })
		}
	}
	if len(wanted) == 0 && len(found) > 0 {
		return found
	}
	a, _ := t.with("pages_show_list", "pages_manage_metadata")
	if a == nil {
		if t.app.id != "" {
			t.say(Missing, "tenant "+t.Name, "no token may install the app on its Page",
				"one of them needs pages_show_list and pages_manage_metadata; or set META_TOKEN to one that has them")
		}
		return found
	}
	return append(found, t.askPages(ctx, a, wanted)...)
}

// askPages asks for the Pages that a token may see; without wanted there may be one.
func (t *tenant) askPages(ctx context.Context, a *Access, wanted []string) (found []aPage) {
	all, ok := t.list(ctx, "Pages of "+a.Name, a, "me/accounts?fields=id,name,access_token&limit=50")
	if !ok {
		return nil
	}
	var seen []string
	for _, p := range all {
		page := id(p.Get("id"))
		seen = append(seen, page)
		if len(wanted) == 0 || slices.Contains(wanted, page) {
			own := *a
			own.Credentials = graph.Credentials{Token: p.Get("access_token").String(), AppSecret: a.Credentials.AppSecret}
			found = append(found, aPage{page, &own})
		}
	}
	for _, page := range lacking(wanted, seen) {
		t.say(Missing, "Page "+page, "the token may not see it", "assign the Page to the token's system user; or correct `match page_id`")
	}
	if len(wanted) == 0 && len(found) != 1 {
		t.say(Missing, "tenant "+t.Name, "nothing says which Page is its; the token may see "+said(append(seen, "no other")),
			"write `match page_id <id>` into the tenant")
		return nil
	}
	return found
}

// subscribePage looks at the fields of a Page that the app gets. A post replaces them, so that
// those that are there are sent along.
func (t *tenant) subscribePage(ctx context.Context, p aPage, fields []string) {
	object := "Page " + p.id
	apps, ok := t.list(ctx, object, p.access, p.id+"/subscribed_apps")
	if !ok {
		return
	}
	var have []string
	for _, s := range apps {
		if id(s.Get("id")) == t.app.id {
			have = texts(s.Get("subscribed_fields"))
		}
	}
	lacks := lacking(fields, have)
	switch {
	case len(lacks) == 0:
		t.say(OK, object, "it has the app, with "+said(have), "")
		return
	case !t.Apply:
		t.say(Missing, object, "the app does not get its "+said(lacks), "--apply adds what is missing, and keeps what is there")
		return
	}
	all := union(have, fields)
	root, ok := t.post(ctx, object, p.access, p.id+"/subscribed_apps", map[string][]string{"subscribed_fields": {comma(all)}})
	if t.success(object, root, ok) {
		t.say(Made, object, "the app gets its "+said(lacks)+", beside what it got", "")
	}
}

// instagram looks at the tenant's Instagram accounts: the app's subscription is all that they
// need, beside a dataset.
func (t *tenant) instagram(ctx context.Context) {
	if !t.uses("instagram") {
		return
	}
	d := t.dataset("instagram")
	if d == nil || len(d.Channels) == 0 && (t.uses("whatsapp") || t.uses("messenger")) {
		return
	}
	t.rights(&d.Access, t.tokens[d.key()], "instagram_manage_events")
	for _, account := range t.Instagrams {
		if d.may(t.run, "instagram_manage_events") && t.first("instagram "+account+" "+t.Name) {
			t.checkDataset(ctx, "Instagram account", account, &d.Access, d)
		}
	}
}
