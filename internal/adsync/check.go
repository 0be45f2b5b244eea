package adsync

import (
	"cmp"
	"context"
	"net/http"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/apicall"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/printable"
)

// Check asks whether the token may read each account, and says why not. where names the
// tenant.
func Check(ctx context.Context, where string, c Config) (found finding.List) {
	s := New(c)
	defer apicall.Close(s.client.Transport)
	for _, id := range c.Accounts {
		s.checkAccount(ctx, where+": act_"+id+": ", id, &found)
	}
	if len(c.Accounts) == 0 {
		s.checkToken(ctx, where+": ", &found)
		found.Warn(where+": there is no account, so spend is unknown", "write `account act_…` into `ads`, if it is to be known")
	}
	if endpoint := cmp.Or(c.Endpoint, capi.DefaultEndpoint); endpoint != capi.DefaultEndpoint {
		found.OK(where + ": ads are read from " + printable.URL(endpoint) + ", and not from Meta")
	}
	return found
}

func (s *Syncer) checkAccount(ctx context.Context, where, id string, found *finding.List) {
	answer, o := s.ask(ctx, "act_"+id+"?fields=account_id,name,currency,timezone_name")
	switch {
	case o.verdict == fine:
		found.OK(where + "the token may read the ads of “" + printable.Line(answer.Root.Get("name").String()) + "”, in " +
			printable.Line(answer.Root.Get("currency").String()) + ", days of " + printable.Line(answer.Root.Get("timezone_name").String()))
	case o.verdict == throttled:
		found.Warn(where+"Meta asks to wait "+o.wait.String()+": too many calls; a running edge waits, and goes on by itself",
			"run the doctor again later")
	default:
		found.Warn(where+o.problem, "correct `ads`; until then names and spend are missing, and all else goes on")
	}
}

func (s *Syncer) checkToken(ctx context.Context, where string, found *finding.List) {
	answer, o := s.ask(ctx, "me/permissions")
	if o.verdict != fine || answer.Code != http.StatusOK {
		found.Warn(where+cmp.Or(o.problem, "Meta asks to wait "+o.wait.String()+": too many calls"),
			"correct `ads`; until then names are missing, and all else goes on")
		return
	}
	if right := rightIn(answer.Root); right != "" {
		found.OK(where + "the token has " + right)
		return
	}
	found.Warn(where+"the token has no ads_read", rights)
}

// rightIn is the right to read ads that a token has, "" where it has none.
func rightIn(permissions jsondoc.Node) string {
	for p := permissions.Get("data").First(); p.Exists(); p = p.Next() {
		if name := p.Get("permission").String(); (name == "ads_read" || name == "ads_management") && p.Get("status").String() == "granted" {
			return name
		}
	}
	return ""
}
