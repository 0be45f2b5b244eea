package setup

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

func comma(words []string) string { return strings.Join(words, ",") }

// subscription is what an app gets of an object.
type subscription struct {
	callback string
	active   bool
	fields   []string
}

// whatsApp is the object whose accounts may have an address of their own.
const whatsApp = "whatsapp_business_account"

// subscriptions looks at what an app gets of each object, and where.
func (r *run) subscriptions(ctx context.Context, a *app) {
	listed, ok := r.list(ctx, "app "+a.id, a.access, a.id+"/subscriptions")
	if !ok {
		return
	}
	have, wanted := readSubscriptions(listed), make(map[string][]string)
	for _, w := range a.wants {
		for object, fields := range w.fields {
			wanted[object] = union(wanted[object], fields)
		}
	}
	for _, object := range slices.Sorted(maps.Keys(wanted)) {
		b := r.address(a, object, have[object].callback)
		if r.subscribe(ctx, b, a, object, have[object], wanted[object]) {
			r.elsewhere(a, b, object)
		}
	}
}

// address is the block to which an app's webhooks of an object shall come: the one to which they
// come, and else the first that wants them. So blocks of one app don't take them from each other.
func (r *run) address(a *app, object, callback string) (first *Block) {
	for _, w := range a.wants {
		if len(w.fields[object]) == 0 {
			continue
		}
		if w.URL == callback {
			return w.Block
		}
		if first == nil {
			first = w.Block
		}
	}
	for i := range r.Others {
		if b := &r.Others[i]; b.URL == callback && slices.Contains(b.AppSecrets, a.secret) {
			return b
		}
	}
	return first
}

// elsewhere says which blocks an app's webhooks of an object don't come to, since they come to b.
func (r *run) elsewhere(a *app, b *Block, object string) {
	fix := "write its tenants into the block of " + b.URL
	if object == whatsApp {
		fix += "; or give their WhatsApp accounts its address as an override (docs/providers/meta.md)"
	}
	for _, w := range a.wants {
		own := object == whatsApp && w.accounts > 0 && w.direct == w.accounts
		if w.URL != b.URL && len(w.fields[object]) > 0 && !own {
			r.say(Missing, "webhooks of "+called[object], "they come to "+b.URL+", and not to "+w.URL+
				": an app has one address for each object", fix)
		}
	}
}

func readSubscriptions(listed []jsondoc.Node) map[string]subscription {
	all := make(map[string]subscription)
	for _, s := range listed {
		sub := subscription{callback: s.Get("callback_url").String(), active: s.Get("active").Kind() == 't'}
		fields := s.Get("fields")
		for f := fields.First(); fields.Kind() == '[' && f.Exists(); f = f.Next() {
			name := f
			if f.Kind() == '{' { // older versions have the names alone
				name = f.Get("name")
			}
			sub.fields = append(sub.fields, name.String())
		}
		all[s.Get("object").String()] = sub
	}
	return all
}

// called are the objects as people call them.
var called = map[string]string{whatsApp: "WhatsApp", "page": "Pages", "instagram": "Instagram"}

// subscribe looks at one object, and reports whether it comes to b. A post replaces what there is,
// so that the fields that are there are sent along; an address that is another one is changed only
// where that is wanted.
func (r *run) subscribe(ctx context.Context, b *Block, a *app, object string, have subscription, fields []string) (comes bool) {
	row := "webhooks of " + called[object]
	lacks := lacking(fields, have.fields)
	foreign := have.callback != "" && have.callback != b.URL
	switch {
	case strings.Contains(b.URL, "*"):
		r.say(Missing, row, "the configuration says "+b.URL+", which is no address that Meta could post to", "write that one as --callback <URL>")
		return false
	case foreign && !r.Replace:
		r.say(Missing, row, "the app's go to "+have.callback+", and an app has one address for each object",
			"if that is "+b.URL+" by another name, write it as --callback; "+
				"--apply --replace-callback has them come here, and no longer there")
		return false
	case !foreign && have.active && len(lacks) == 0:
		r.say(OK, row, "the app gets "+said(have.fields)+" at "+b.URL, "")
		return true
	case !r.Apply:
		text := "the app does not get " + said(lacks) + " at " + b.URL
		if len(lacks) == 0 {
			text = "the app's subscription is not active, or goes elsewhere"
		}
		r.say(Missing, row, text, "--apply adds what is missing, and keeps what is there; the edge must run meanwhile")
		return true
	}
	all := union(have.fields, fields)
	root, ok := r.post(ctx, row, a.access, a.id+"/subscriptions", map[string][]string{
		"object": {object}, "callback_url": {b.URL}, "verify_token": {b.VerifyToken}, "fields": {comma(all)}, "include_values": {"true"},
	})
	if !r.success(row, root, ok) {
		return false
	}
	r.say(Made, row, "the app gets "+said(all)+" at "+b.URL, "")
	return true
}
