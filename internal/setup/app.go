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

// subscriptions looks at what the app gets of each object, and where.
func (r *run) subscriptions(ctx context.Context, b *Block, a *app, wanted map[string][]string) {
	if a.access == nil {
		return // a row says so
	}
	root, ok := r.get(ctx, "app "+a.id, a.access, a.id+"/subscriptions")
	if !ok {
		return
	}
	have := readSubscriptions(root.Get("data"))
	for _, object := range slices.Sorted(maps.Keys(wanted)) {
		r.subscribe(ctx, b, a, object, have[object], wanted[object])
	}
}

func readSubscriptions(data jsondoc.Node) map[string]subscription {
	all := make(map[string]subscription)
	for s := data.First(); data.Kind() == '[' && s.Exists(); s = s.Next() {
		sub := subscription{callback: s.Get("callback_url").String(), active: s.Get("active").Kind() == 't'}
		fields := s.Get("fields")
		for f := fields.First(); fields.Kind() == '[' && f.Exists(); f = f.Next() {
			sub.fields = append(sub.fields, f.Get("name").String())
		}
		all[s.Get("object").String()] = sub
	}
	return all
}

// called are the objects as people call them.
var called = map[string]string{"whatsapp_business_account": "WhatsApp", "page": "Pages", "instagram": "Instagram"}

// subscribe looks at one object. A post replaces what there is, so that the fields that are
// there are sent along; an address that is another one is changed only where that is wanted.
func (r *run) subscribe(ctx context.Context, b *Block, a *app, object string, have subscription, fields []string) {
	row := "webhooks of " + called[object]
	lacks := lacking(fields, have.fields)
	foreign := have.callback != "" && have.callback != b.URL
	switch {
	case foreign && !r.Replace:
		r.say(Missing, row, "the app's go to "+have.callback+", and an app has one address for each object",
			"--apply --replace-callback has them come here, and no longer there")
		return
	case !foreign && have.active && len(lacks) == 0:
		r.say(OK, row, "the app gets "+list(have.fields)+" at "+b.URL, "")
		return
	case !r.Apply:
		text := "the app does not get " + list(lacks) + " at " + b.URL
		if len(lacks) == 0 {
			text = "the app's subscription is not active, or goes elsewhere"
		}
		r.say(Missing, row, text, "--apply adds what is missing, and keeps what is there; the edge must run meanwhile")
		return
	}
	all := union(have.fields, fields)
	root, ok := r.post(ctx, row, a.access, a.id+"/subscriptions", map[string][]string{
		"object": {object}, "callback_url": {b.URL}, "verify_token": {b.VerifyToken}, "fields": {comma(all)}, "include_values": {"true"},
	})
	if r.success(row, root, ok) {
		r.say(Made, row, "the app gets "+list(all)+" at "+b.URL, "")
	}
}
