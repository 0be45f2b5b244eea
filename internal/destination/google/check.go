package google

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/printable"
)

// Check has Google look at a request for each conversion action, which it does not store:
// so it says whether credential, account and conversion action fit each other. where names
// the destination.
func Check(ctx context.Context, where string, s *google.Settings, key *google.Key, actions Actions) (found finding.List) {
	client := google.NewClient(s, key)
	defer client.Close()
	asked := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(actions)) {
		action := actions[name]
		if asked[action] {
			continue
		}
		asked[action] = true
		what := fmt.Sprintf("%s: convert %s %s: ", where, name, action)
		switch r := client.Validate(ctx, action); r.Fate {
		case google.Taken:
			found.OK(what + "Google takes it, with the credential of " + key.Account())
		case google.NotSent:
			found.Warn(what+"no answer came from Google", "check `endpoint`, and any proxy or firewall between here and Google")
		default:
			code := cmp.Or(r.Code, r.Reason)
			found.Warn(what+code+": "+r.Text, "caddy leadgate explain "+code)
		}
	}
	if s.WithoutClick && !s.NoMatchKeys && s.Consent == (google.Consent{}) {
		found.Warn(where+": contacts without a click are reported by phone or e-mail alone, and no consent is said",
			"in the EEA, the UK and Switzerland Google refuses such events: set `consent`, if people gave it")
	}
	if endpoint := cmp.Or(s.Endpoint, google.DefaultEndpoint); endpoint != google.DefaultEndpoint {
		found.OK(where + ": conversions go to " + printable.URL(endpoint) + ", and not to Google")
	}
	return found
}
