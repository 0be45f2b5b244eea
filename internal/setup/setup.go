// Package setup looks at what Meta has of an app whose webhooks a configuration takes, and makes
// what is missing: the subscriptions of the app, of WhatsApp accounts and of Pages, and datasets.
// Beside that it says what tokens may and until when, and who may read leads. It knows no Caddy:
// what the configuration says stands in a [Subject]. Begin with [Run].
//
// What is there is read before anything is written, and what is written keeps it: fields of a
// subscription are added to, and an override of an account is never touched, for Meta's calls
// replace what there is (its SDK, June 2026; "Managing webhooks", May 2026).
package setup

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/apicall"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

// Access is a token, and where it is good.
type Access struct {
	Name        string // what it is for, as rows call it: capi 1234567890
	Credentials graph.Credentials
	Endpoint    string // "": Meta's
	Version     string // "": the newest that is known
}

// Dataset is a capi block.
type Dataset struct {
	Channels  []string // none: all that no other one has
	ID        string
	WabaID    string
	Automatic bool // what Meta detects itself is wanted
	Access
}

// Tenant is a tenant's part at Meta. The ids are those that its events are found by.
type Tenant struct {
	Name                              string
	WABAs, Numbers, Pages, Instagrams []string
	Datasets                          []Dataset
	Leads                             *Access
}

// Block is a leadgate block of provider meta.
type Block struct {
	URL         string // where Meta posts to
	AppSecrets  []string
	VerifyToken string
	Tenants     []Tenant
}

// Subject is what is set up.
type Subject struct {
	Blocks []Block
	AppID  string  // "": the tokens' app
	Token  *Access // one more to ask with; nil for none
	Others []Block // those of the configuration that are not looked at, whose addresses are its own, too
	// Apply makes what is missing; Replace has an app's webhooks come here that go elsewhere.
	Apply, Replace bool
	Now            func() time.Time
	UserAgent      string
}

// State is what a row says.
type State string

// The states.
const (
	OK      State = "ok"
	Missing State = "missing"
	Made    State = "made"   // was missing
	Failed  State = "failed" // could not be read or made
	Note    State = "note"   // for a person to look at
)

// Row is one thing that was looked at. No text holds a secret.
type Row struct {
	State        State
	Object, Text string
	Fix          string // what to do; "" where nothing is
}

// Run looks at everything, and makes what is missing where it is told to.
func Run(ctx context.Context, s *Subject) []Row {
	transport := apicall.New()
	defer transport.CloseIdleConnections()
	r := &run{Subject: s, transport: transport, seen: make(map[string]bool), tokens: make(map[string]*token)}
	for i := range s.Blocks {
		r.block(ctx, &s.Blocks[i])
	}
	for _, a := range r.apps {
		r.subscriptions(ctx, a)
	}
	return r.rows
}

// run is one look.
type run struct {
	*Subject
	transport http.RoundTripper
	rows      []Row
	tokens    map[string]*token // what is known of each
	apps      []*app            // those that may be asked for their webhooks, each once
	seen      map[string]bool   // what need not be looked at again
}

// say adds a row.
func (r *run) say(state State, object, text, fix string) {
	r.rows = append(r.rows, Row{state, object, text, fix})
}

// first reports whether something is asked for the first time.
func (r *run) first(what string) bool {
	again := r.seen[what]
	r.seen[what] = true
	return !again
}

// block goes through a block, in the order in which one thing needs the other.
func (r *run) block(ctx context.Context, b *Block) {
	found := r.findApp(ctx, b)
	w := &want{Block: b, fields: make(map[string][]string)}
	for i := range b.Tenants {
		t := &tenant{r, &b.Tenants[i], found, w}
		t.whatsapp(ctx)
		t.page(ctx)
		t.instagram(ctx)
		for object, fields := range t.fields() {
			w.fields[object] = union(w.fields[object], fields)
		}
	}
	if found.access == nil {
		return // a row says so
	}
	if i := slices.IndexFunc(r.apps, func(a *app) bool { return a.id == found.id }); i >= 0 {
		found = r.apps[i]
	} else {
		r.apps = append(r.apps, found)
	}
	found.wants = append(found.wants, w)
}

// client asks where a token is good.
func (r *run) client(a *Access) *graph.Client {
	return &graph.Client{
		Transport: r.transport, Endpoint: cmp.Or(a.Endpoint, capi.DefaultEndpoint), Version: cmp.Or(a.Version, capi.DefaultGraphVersion),
		UserAgent: r.UserAgent,
	}
}

// get asks; where there is no answer a row says why, and ok is false.
func (r *run) get(ctx context.Context, object string, a *Access, path string) (root jsondoc.Node, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, capi.DefaultTimeout)
	defer cancel()
	answer, err := r.client(a).Get(ctx, path, a.Credentials)
	return r.answered(object, answer, err)
}

// maxPages is how many pages of a list are read: Meta's have 25 things and more.
const maxPages = 200

// list asks for all pages of a list, by the cursors: the address of the next one that stands in
// an answer holds the token.
func (r *run) list(ctx context.Context, object string, a *Access, path string) (all []jsondoc.Node, ok bool) {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	from := ""
	for range maxPages {
		root, ok := r.get(ctx, object, a, path+from)
		if !ok {
			return nil, false
		}
		data := root.Get("data")
		for n := data.First(); data.Kind() == '[' && n.Exists(); n = n.Next() {
			all = append(all, n)
		}
		after, more := graph.NextPage(root.Get("paging"))
		if !more {
			return all, true
		}
		if after == "" {
			r.say(Failed, object, "Meta's list goes on, but does not say where", "check `endpoint`, and any proxy between here and Meta")
			return nil, false
		}
		from = separator + url.Values{"after": {after}}.Encode()
	}
	r.say(Failed, object, "Meta's list has no end", "check `endpoint`, and any proxy between here and Meta")
	return nil, false
}

// post makes a change. Meta asks an address for the challenge meanwhile, so that it may take its
// time.
func (r *run) post(ctx context.Context, object string, a *Access, path string, form map[string][]string) (root jsondoc.Node, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer, err := r.client(a).Post(ctx, path, form, a.Credentials)
	return r.answered(object, answer, err)
}

// answered is the answer, or a row that says what is wrong with it.
func (r *run) answered(object string, a *graph.Answer, err error) (jsondoc.Node, bool) {
	switch {
	case err != nil:
		r.say(Failed, object, "the Graph API cannot be reached: "+err.Error(), "check any proxy or firewall between here and Meta")
	case a.Error != nil:
		r.rows = append(r.rows, refused(object, a.Error))
	case a.Code != http.StatusOK || a.Root.Kind() != '{':
		r.say(Failed, object, a.Status+", and not what Meta answers", "check `endpoint`, and any proxy between here and Meta")
	default:
		return a.Root, true
	}
	return jsondoc.Node{}, false
}

// union has all of both, in order, each once.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// lacking are those of wanted that have does not.
func lacking(wanted, have []string) (list []string) {
	for _, w := range wanted {
		if !slices.Contains(have, w) {
			list = append(list, w)
		}
	}
	return list
}

func said(words []string) string { return strings.Join(words, ", ") }

// texts are the strings of an array.
func texts(array jsondoc.Node) (all []string) {
	for n := array.First(); array.Kind() == '[' && n.Exists(); n = n.Next() {
		all = append(all, id(n))
	}
	return all
}

// id is an id, whether Meta writes it as a string or as a number.
func id(n jsondoc.Node) string {
	if n.Kind() == '"' {
		return n.String()
	}
	return string(n.Raw())
}

// Count is how many rows have a state.
func Count(rows []Row, state State) (n int) {
	for i := range rows {
		if rows[i].State == state {
			n++
		}
	}
	return n
}
