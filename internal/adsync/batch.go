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
	i, told, denied, unread := 0, 0, 0, 0
	for n := answer.Root.First(); n.Exists(); n = n.Next() {
		switch o = s.part(n, answer, ids[i], names, found); o.verdict {
		case badToken, throttled, unfit:
			return found, o
		case noRight, missing, refused: // Meta says either where a right is missing
			denied++
			if o.verdict == refused {
				unread++
			}
		case fine:
			if found[ids[i]] != nil {
				told++
			}
		}
		i++
	}
	all := unread == len(ids) && s.allUnread(ids, names)
	if all || denied == len(ids) && len(s.c.Accounts) == 0 { // else insights say so
		if right := s.mayRead(ctx, q); right.verdict != fine {
			return nil, right
		}
	}
	switch {
	case all:
		s.unread(ctx, ids, o.problem)
	case told > 0:
		s.state.Unread = ""
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

// allUnread reports whether it is the asking that Meta refuses, where it refuses these: nothing but that
// was ever said, or of one of them something else was. One alone may be no ad.
func (s *Syncer) allUnread(ids []string, names map[string]*name) bool {
	return s.state.Unread != "" || len(*s.names.Load()) == 0 || slices.ContainsFunc(ids, func(id string) bool {
		n := names[id]
		return n != nil && !n.Gone && n.Ad != ""
	})
}

// unread notes that Meta refuses to read any of these ads.
func (s *Syncer) unread(ctx context.Context, ids []string, problem string) {
	s.count(ctx, outcome{verdict: refused})
	s.state.Unread = "Meta refuses to say what ads are called, " + ids[0] + " for one (" + problem + "): check `graph_version`, " +
		"and whether that is an ad's id"
	s.state.UnreadAt = s.now()
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
