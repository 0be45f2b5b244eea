package setup

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

// key is the same for what need be looked at once.
func (a *Access) key() string { return a.Endpoint + " " + a.Credentials.Token }

// token is what Meta says of a token (debug_token).
type token struct {
	valid   bool
	app     string
	kind    string // USER, SYSTEM_USER, PAGE
	page    string // whose it is
	scopes  []string
	targets map[string][]string // of a scope the ids that it is for; none: all
}

// may reports whether a token has all these permissions.
func (t *token) may(scopes ...string) bool { return t.valid && len(lacking(scopes, t.scopes)) == 0 }

// app is the app whose webhooks a block takes.
type app struct {
	id     string
	access *Access // as itself: id|secret; nil where no app secret of the block is its
	secret string
	wants  []*want // what the blocks want of it that take its webhooks
}

// want is what a block's tenants want of an app.
type want struct {
	*Block
	fields map[string][]string // of each object
	// How many WhatsApp accounts there are, and how many of them post to the block by an address
	// of their own, whatever the app's is.
	accounts, direct int
}

// findApp finds the app: by --app-id, else by the tokens, which say whose they are.
func (r *run) findApp(ctx context.Context, b *Block) *app {
	found := &app{id: r.AppID}
	all := r.accesses(b)
	for _, a := range all {
		t := r.debug(ctx, b, a, found.id)
		if found.id == "" && t.valid {
			found.id = t.app
		}
	}
	where := &Access{}
	if len(all) > 0 {
		where = all[0]
	}
	switch {
	case len(all) == 0:
		r.say(Missing, "token", "the configuration has none to ask Meta with",
			"set META_TOKEN to one of a system user, with whatsapp_business_management, or pages_manage_metadata and pages_show_list")
	case found.id == "":
		r.say(Missing, "app", "no token says which app it is", "write --app-id, the number at the top of the app's dashboard")
	}
	if found.id == "" {
		return found
	}
	for _, secret := range b.AppSecrets {
		a := asApp(where, found.id, secret)
		if _, err := r.ask(ctx, a, found.id+"/subscriptions"); err == nil || err.Code != 190 && err.Code != 1 && err.Code != 101 {
			found.access, found.secret = a, secret
			return found
		}
	}
	r.say(Missing, "app "+found.id, "no app_secret of "+b.URL+" is this app's: its webhooks would be refused with 401",
		"copy it from the app's dashboard, App settings → Basic; or write --app-id, if the tokens are another app's")
	return found
}

// asApp is an app's own access.
func asApp(where *Access, id, secret string) *Access {
	credentials := graph.Credentials{Token: id + "|" + secret}
	return &Access{Name: "app " + id, Credentials: credentials, Endpoint: where.Endpoint, Version: where.Version}
}

// ask asks for what an error says all of; no row is added.
func (r *run) ask(ctx context.Context, a *Access, path string) (jsondoc.Node, *graph.Error) {
	ctx, cancel := context.WithTimeout(ctx, capi.DefaultTimeout)
	defer cancel()
	answer, err := r.client(a).Get(ctx, path, a.Credentials)
	if err != nil {
		return jsondoc.Node{}, &graph.Error{Message: err.Error()}
	}
	return answer.Root, answer.Error
}

// accesses are the tokens that a block's tenants have, and the one besides.
func (r *run) accesses(b *Block) (all []*Access) {
	for i := range b.Tenants {
		t := &b.Tenants[i]
		for j := range t.Datasets {
			all = append(all, &t.Datasets[j].Access)
		}
		if t.Leads != nil {
			all = append(all, t.Leads)
		}
	}
	if r.Token != nil {
		all = append(all, r.Token)
	}
	return all
}

// debug asks what a token is, once, and says it. A token may ask about itself; where it has
// ended its app may.
func (r *run) debug(ctx context.Context, b *Block, a *Access, appID string) *token {
	if t := r.tokens[a.key()]; t != nil {
		return t
	}
	t := new(token)
	r.tokens[a.key()] = t
	object := "token of " + a.Name
	path := "debug_token?" + url.Values{"input_token": {a.Credentials.Token}}.Encode()
	root, failed := r.ask(ctx, a, path)
	for _, secret := range b.AppSecrets {
		if failed != nil && appID != "" {
			if other, err := r.ask(ctx, asApp(a, appID, secret), path); err == nil {
				root, failed = other, nil
			}
		}
	}
	data := root.Get("data")
	switch {
	case failed != nil && failed.Code == 0:
		r.say(Failed, object, "the Graph API cannot be reached: "+failed.Message, "check any proxy or firewall between here and Meta")
	case failed != nil:
		r.rows = append(r.rows, refused(object, failed))
	case data.Kind() != '{':
		r.say(Failed, object, "the answer is not what Meta answers", "check `endpoint`, and any proxy between here and Meta")
	default:
		t.read(data)
		r.life(object, t, data)
	}
	return t
}

func (t *token) read(data jsondoc.Node) {
	t.valid, t.app, t.kind = data.Get("is_valid").Kind() == 't', id(data.Get("app_id")), data.Get("type").String()
	t.page, t.scopes, t.targets = id(data.Get("profile_id")), texts(data.Get("scopes")), make(map[string][]string)
	granular := data.Get("granular_scopes")
	for g := granular.First(); granular.Kind() == '[' && g.Exists(); g = g.Next() {
		scope := g.Get("scope").String()
		t.targets[scope] = texts(g.Get("target_ids"))
		t.scopes = union(t.scopes, []string{scope})
	}
}

// life says whose a token is, and until when it is good: it has two clocks, its own and that of
// the access to data, of which the nearer one counts.
func (r *run) life(object string, t *token, data jsondoc.Node) {
	name := data.Get("application").String()
	if !t.valid {
		e := data.Get("error")
		code, _ := e.Get("code").Int()
		subcode, _ := e.Get("subcode").Int()
		x := capi.Explain(int(code), int(subcode))
		r.say(Missing, object, "it is not valid: error "+x.Name()+": "+x.Sentence, x.Fix)
		return
	}
	text := fmt.Sprintf("%s, of app %s “%s”", t.kind, t.app, name)
	end, data90 := seconds(data.Get("expires_at")), seconds(data.Get("data_access_expires_at"))
	what, at := "it ends", end
	if at.IsZero() || !data90.IsZero() && data90.Before(at) {
		what, at = "its access to data ends", data90
	}
	left := at.Sub(r.Now())
	date := at.UTC().Format("2006-01-02 15:04 UTC")
	const soon = 14 * 24 * time.Hour
	switch {
	case at.IsZero():
		r.say(OK, object, text+"; it never ends", "")
	case left <= 0:
		t.valid = false
		r.say(Missing, object, text+"; "+what[:len(what)-4]+"ended "+date,
			"let the person log in to the app again, or take a system user's token")
	case left < soon:
		r.say(Missing, object, text+"; "+what+" "+date, "make a new one before, best a system user's, which never ends")
	default:
		r.say(OK, object, text+"; "+what+" "+date, "")
	}
}

func seconds(n jsondoc.Node) time.Time {
	if s, ok := n.Int(); ok && s > 0 {
		return time.Unix(s, 0)
	}
	return time.Time{}
}

// rights says which of the permissions a token lacks that it needs for what it is for.
func (r *run) rights(a *Access, t *token, scopes ...string) {
	if !t.valid || !r.first("rights "+a.key()+" "+said(scopes)) {
		return
	}
	if lacks := lacking(scopes, t.scopes); len(lacks) > 0 {
		r.say(Missing, "token of "+a.Name, "it lacks the permission "+said(lacks),
			"make one with it: Business settings → Users → System users → Generate token")
		return
	}
	r.say(OK, "token of "+a.Name, "it has "+said(scopes), "")
}

// targetsOf are the ids that a permission is for; none where it is for all.
func (t *token) targetsOf(scope string) []string { return slices.Clone(t.targets[scope]) }
