package adsync

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/printable"
)

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
		return nil, outcome{verdict: later, wait: s.pause(pauseLater)}
	}
	client := s.client
	client.Version = "" // each part has it
	answer, o := s.post(ctx, q, &client, "", url.Values{"batch": {string(text)}})
	if o.verdict != fine {
		return nil, o
	}
	if answer.Root.Kind() != '[' || answer.Root.Len() != len(ids) {
		return nil, outcome{verdict: later, wait: s.pause(pauseLater), problem: "the answer to a batch is none"}
	}
	found := make(map[string]*name, len(ids))
	var got told
	for n := answer.Root.First(); n.Exists(); n = n.Next() {
		id := ids[got.parts]
		o = s.part(n, answer, id, names, found)
		switch o.verdict {
		case badToken, throttled, unfit:
			return found, o
		}
		got.add(o, found[id])
	}
	if o = s.noneRead(ctx, q, &got, ids, names); o.verdict != fine {
		return nil, o
	}
	if wait := s.near(answer.Header); wait > 0 {
		return found, outcome{wait: wait}
	}
	return found, outcome{}
}

// part reads what a batch says of an ad. Null is one that took too long: it is asked for
// again, as is one of which Meta has a bad moment. What the outcome says of this ad alone is kept.
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
	o := s.failed(failed, all.Header)
	if o.verdict == refused {
		o.problem = "error " + code(failed) + ": " + printable.Short(failed.Message, 200)
	}
	switch o.verdict {
	case missing, noRight, refused: // it is of an account that the token does not see, or no ad at all
		gone := name{At: s.now(), Gone: true}
		if was := names[id]; was != nil {
			gone = *was
			gone.At, gone.Gone = s.now(), true
		}
		found[id] = &gone
	}
	return o
}

// told is what a batch said.
type told struct {
	parts, named, denied, refused int
	problem                       string // of the refused
}

func (t *told) add(o outcome, found *name) {
	t.parts++
	switch o.verdict {
	case noRight, missing: // Meta says any of these where a right is missing
		t.denied++
	case refused:
		t.denied, t.refused, t.problem = t.denied+1, t.refused+1, o.problem
	case fine:
		if found != nil {
			t.named++
		}
	}
}

// noneRead looks whether it is the asking that Meta denies, where it denies all. The outcome is of
// the token.
func (s *Syncer) noneRead(ctx context.Context, q Store, got *told, ids []string, names map[string]*name) outcome {
	if got.named > 0 {
		s.state.Unread = ""
	}
	unfit := got.refused == len(ids) && s.allUnread(ids, names)
	hidden := got.denied == len(ids) && len(s.c.Accounts) == 0 // else insights say so
	if !unfit && !hidden {
		return outcome{}
	}
	if o := s.mayRead(ctx, q); o.verdict != fine {
		return o
	}
	switch {
	case unfit:
		s.unread(ctx, outcome{verdict: refused, problem: "Meta refuses to say what ads are called, " + ids[0] + " for one (" + got.problem +
			"): check `graph_version`, and whether that is an ad's id"})
	case s.knowsNone():
		s.unread(ctx, outcome{verdict: noRight, problem: "Meta shows none of the ads that were counted, " + ids[0] + " for one: " +
			"the token's person or system user must be assigned to their ad account in the Business settings"})
	}
	return outcome{}
}

// allUnread reports whether it is the asking that Meta refuses, where it refuses these: nothing but that
// was ever said, or of one of them something else was. One alone may be no ad.
func (s *Syncer) allUnread(ids []string, names map[string]*name) bool {
	return s.knowsNone() || slices.ContainsFunc(ids, func(id string) bool {
		n := names[id]
		return n != nil && !n.Gone && n.Ad != ""
	})
}

// knowsNone reports whether Meta has said of no ad what it is called, or says so no more.
func (s *Syncer) knowsNone() bool { return s.state.Unread != "" || len(*s.names.Load()) == 0 }

// unread notes that Meta reads no ad, as it said first.
func (s *Syncer) unread(ctx context.Context, o outcome) {
	s.count(ctx, o)
	if s.state.UnreadAt = s.now(); s.state.Unread == "" {
		s.state.Unread, s.state.UnreadWhy = o.problem, o.why()
	}
}

// mayRead says so where the token may read no ads at all.
func (s *Syncer) mayRead(ctx context.Context, q Store) outcome {
	answer, o := s.get(ctx, q, "me/permissions")
	if o.verdict == fine && rightIn(answer.Root) == "" {
		return outcome{verdict: noRight, wait: s.pause(pauseRefused), problem: "the token has no ads_read: " + rights}
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
