package adsync

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

const (
	batchSize    = 50             // of Meta's batch requests
	batches      = 20             // at the most in a step
	freshFor     = 24 * time.Hour // a name; ads are renamed
	goneFor      = time.Hour      // the answer that there is no such ad
	lookBack     = 30             // days of figures of which ads are asked for
	lookEvery    = time.Hour      // it is looked for all of them; else for those of today and yesterday
	nameFields   = "name,account_id,effective_status,adset{id,name},campaign{id,name}"
	longestAdID  = 20
	longestTitle = 400 // bytes of a name that are kept
)

// askNames asks what the ads are called that were counted lately.
func (s *Syncer) askNames(ctx context.Context, q Store) error {
	if s.now() < s.state.NamesUntil {
		return nil
	}
	names, err := s.known(ctx, q)
	if err != nil {
		return err
	}
	ids, err := s.unnamed(ctx, q, names)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		s.state.NamesProblem = "" // insights have said them
	}
	for i := 0; len(ids) > 0 && i < batches; i++ {
		n := min(len(ids), batchSize)
		found, o := s.batch(ctx, q, ids[:n], names)
		if err := s.keepNames(ctx, q, found); err != nil {
			return err
		}
		switch until := s.now() + o.wait.Milliseconds(); o.verdict {
		case fine:
			s.state.Problem, s.state.NamesProblem = "", ""
		case badToken:
			s.state.Problem, s.state.Until = o.problem, until
			return nil
		default:
			s.state.NamesProblem, s.state.NamesUntil = o.problem, until
			return nil
		}
		ids = ids[n:]
	}
	if len(ids) == 0 && s.now()-s.state.Looked >= lookEvery.Milliseconds() {
		s.state.Looked = s.now()
	}
	return nil
}

// unnamed are the ids of ads of which Meta is to be asked, those that were never asked for
// first.
func (s *Syncer) unnamed(ctx context.Context, q Store, names map[string]*name) ([]string, error) {
	today := s.now() / (24 * time.Hour).Milliseconds()
	p := ads.Period{From: today - 1, To: today + 1}
	if s.now()-s.state.Looked >= lookEvery.Milliseconds() {
		p.From = today - lookBack
	}
	seen, err := ads.Seen(ctx, q, s.c.Tenant, p)
	if err != nil {
		return nil, err
	}
	ids := slices.DeleteFunc(seen, func(id string) bool {
		n := names[id]
		fresh := freshFor
		if n != nil && n.Gone {
			fresh = goneFor
		}
		return !isID(id) || n != nil && s.now()-n.At < fresh.Milliseconds()
	})
	asked := func(id string) int64 {
		if n := names[id]; n != nil {
			return n.At
		}
		return 0
	}
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(asked(a), asked(b)) })
	return ids, nil
}

func isID(id string) bool {
	for _, c := range []byte(id) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return id != "" && len(id) <= longestAdID
}

// batch asks for several ads. What it found is to be kept whatever the outcome is of.
func (s *Syncer) batch(ctx context.Context, q Store, ids []string, names map[string]*name) (map[string]*name, outcome) {
	type part struct {
		Method string `json:"method"`
		URL    string `json:"relative_url"`
	}
	parts := make([]part, len(ids))
	for i, id := range ids {
		parts[i] = part{"GET", s.c.GraphVersion + "/" + id + "?fields=" + nameFields}
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return nil, outcome{verdict: later, wait: pauseLater}
	}
	client := s.client
	client.Version = "" // each part has it
	answer, o := s.post(ctx, q, &client, "", url.Values{"batch": {string(text)}})
	if o.verdict != fine {
		return nil, o
	}
	if answer.Root.Kind() != '[' || answer.Root.Len() != len(ids) {
		return nil, outcome{verdict: later, wait: pauseLater, problem: "the answer to a batch is none"}
	}
	found := make(map[string]*name, len(ids))
	i := 0
	for n := answer.Root.First(); n.Exists(); n = n.Next() {
		if o = s.part(n, answer, ids[i], names, found); o.verdict != fine {
			return found, o
		}
		i++
	}
	if wait := s.near(answer.Header); wait > 0 {
		return found, outcome{verdict: throttled, wait: wait}
	}
	return found, outcome{}
}

// part reads what a batch says of an ad. Null is one that took too long: it is asked for
// again.
func (s *Syncer) part(n jsondoc.Node, all *graph.Answer, id string, names, found map[string]*name) outcome {
	if n.Kind() != '{' {
		return outcome{}
	}
	status, _ := n.Get("code").Int()
	root, failed := graph.Parse(n.Get("body").Bytes())
	if failed == nil && status == 200 && root.Get("id").String() == id {
		found[id] = nameIn(root, s.now())
		return outcome{}
	}
	if failed == nil {
		return outcome{}
	}
	switch o := s.failed(failed, all.Header); o.verdict {
	case missing, noRight: // of this ad: it may be of an account that the token does not see
		gone := name{At: s.now(), Gone: true}
		if was := names[id]; was != nil {
			gone = *was
			gone.At, gone.Gone = s.now(), true
		}
		found[id] = &gone
	case badToken, throttled, refused:
		return o
	}
	return outcome{}
}

// nameIn reads an ad.
func nameIn(ad jsondoc.Node, now int64) *name {
	set, campaign := ad.Get("adset"), ad.Get("campaign")
	return &name{
		Ad: title(ad.Get("name")), AdsetID: idIn(set.Get("id")), Adset: title(set.Get("name")),
		CampaignID: idIn(campaign.Get("id")), Campaign: title(campaign.Get("name")), At: now,
	}
}

func idIn(n jsondoc.Node) string {
	if id := n.String(); isID(id) {
		return id
	}
	return ""
}

// title is a name as it is kept.
func title(n jsondoc.Node) string {
	text := n.String()
	if n.Kind() != '"' {
		return ""
	}
	if len(text) > longestTitle {
		text = strings.ToValidUTF8(text[:longestTitle], "") // in whole characters
	}
	return text
}
