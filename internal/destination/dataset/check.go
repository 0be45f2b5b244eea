package dataset

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/apicall"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/printable"
)

// Check reads a dataset with its token, and looks at what its settings say. No
// event is posted. where names the destination.
func Check(ctx context.Context, where string, s *capi.Settings) (found finding.List) {
	found = append(found, readable(ctx, where, s))
	for _, warning := range s.Warnings() {
		found.Warn(where+": "+warning.Problem, warning.Advice)
	}
	if endpoint := cmp.Or(s.Endpoint, capi.DefaultEndpoint); endpoint != capi.DefaultEndpoint {
		found.OK(where + ": conversions go to " + printable.URL(endpoint) + ", and not to Meta")
	}
	return found
}

// readable asks the Graph API for the dataset's name, and says what the answer
// means for the events that will be sent.
func readable(ctx context.Context, where string, s *capi.Settings) finding.Finding {
	ctx, cancel := context.WithTimeout(ctx, capi.DefaultTimeout)
	defer cancel()
	transport := apicall.New()
	defer transport.CloseIdleConnections()
	client := graph.Client{
		Transport: transport, Endpoint: cmp.Or(s.Endpoint, capi.DefaultEndpoint), Version: cmp.Or(s.GraphVersion, capi.DefaultGraphVersion),
		UserAgent: s.UserAgent,
	}
	credentials := graph.Credentials{Token: strings.TrimSpace(s.AccessToken), AppSecret: strings.TrimSpace(s.AppSecret)}
	switch answer, err := client.Get(ctx, s.Dataset+"?fields=id,name", credentials); {
	case err != nil:
		return finding.Finding{
			Level: finding.Warn, What: where + ": the Graph API cannot be reached: " + err.Error(),
			Fix: "check `endpoint`, and any proxy or firewall between here and Meta; until then events wait in the queue",
		}
	case answer.Error != nil:
		return refusedToRead(where, (*capi.GraphError)(answer.Error))
	case answer.Code != http.StatusOK || answer.Root.Get("id").String() != s.Dataset:
		return finding.Finding{
			Level: finding.Warn, What: where + ": " + answer.Status + " without the dataset: probably not Meta answered",
			Fix: "check `endpoint`, and any proxy between here and Meta",
		}
	default:
		return finding.Finding{
			Level: finding.OK, What: fmt.Sprintf("%s: the token may read the dataset “%s”", where, answer.Root.Get("name").String()),
		}
	}
}

// refusedToRead is what Meta's error means.
func refusedToRead(where string, e *capi.GraphError) finding.Finding {
	x := e.Explain()
	text := fmt.Sprintf("%s: error %s: %s", where, x.Name(), x.Sentence)
	if !CodeKnown(e.Code, e.Subcode) || e.Code == 100 && e.Subcode == 0 {
		text += ": " + e.Message
	}
	fix := x.Fix
	if x.Class == capi.Permission {
		fix += "; a token that may only send events, and not read the dataset, gets this answer, too"
	}
	return finding.Finding{Level: finding.Warn, What: text, Fix: fix}
}

// CodeKnown reports whether capi's table has an entry for a code, or for the code
// with whatever subcode.
func CodeKnown(code, subcode int) bool {
	return slices.ContainsFunc(capi.Codes(), func(x capi.Explanation) bool {
		return (code == x.Code || x.LastCode != 0 && code >= x.Code && code <= x.LastCode) &&
			(x.Subcode == subcode || x.Subcode == 0 && !(code == 100 && subcode >= 2804000 && subcode <= 2804999))
	})
}
