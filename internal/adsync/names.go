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
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
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
		s.named() // by insights, those that were missing
	}
	for i := 0; len(ids) > 0 && i < batches; i++ {
		n := min(len(ids), batchSize)
		found, o := s.batch(ctx, q, ids[:n], names)
		if err := s.keepNames(ctx, q, found); err != nil {
			return err
		}
		if o.verdict == fine && s.crowded {
			o = outcome{verdict: full, wait: lookEvery, problem: tooMany}
		}
		if o.verdict != fine {
			s.unanswered(ctx, o)
			return nil
		}
		s.state.Problem, s.state.Why = "", ""
		if ids = ids[n:]; len(ids) == 0 {
			s.named()
		} else {
			s.answered()
		}
		if o.wait > 0 { // a limit is near
			s.rest(len(ids) > 0, o.wait)
			return nil
		}
	}
	if len(ids) == 0 && s.now()-s.state.Looked >= lookEvery.Milliseconds() {
		s.state.Looked = s.now()
	}
	return nil
}

// named notes that all names are known that were due.
func (s *Syncer) named() {
	s.state.NamesAt = s.now()
	s.answered()
}

// answered notes that nothing is wrong with names; where there are too many, that stays so until
// there is room.
func (s *Syncer) answered() {
	if s.state.NamesWhy != metrics.AdsFull || s.kept < queue.MaxFacts {
		s.state.NamesProblem, s.state.NamesWhy = "", ""
	}
}

// rest has names wait for a limit that is near; more says that some are still to be asked for.
func (s *Syncer) rest(more bool, wait time.Duration) {
	s.state.NamesUntil = s.now() + wait.Milliseconds()
	if more {
		s.state.NamesProblem, s.state.NamesWhy = "", metrics.AdsThrottled
	}
}

// unanswered has names, or all, wait.
func (s *Syncer) unanswered(ctx context.Context, o outcome) {
	s.count(ctx, o)
	until := s.now() + o.wait.Milliseconds()
	if o.verdict == badToken {
		s.state.Problem, s.state.Why, s.state.Until = o.problem, o.why(), until
		return
	}
	s.state.NamesProblem, s.state.NamesWhy, s.state.NamesUntil = o.problem, o.why(), until
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
		return found, outcome{wait: wait}
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
