package leads

import (
	"context"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/wording"
)

// Longest is how far back leads can be read: Meta keeps them no longer.
const Longest = farthest

// Backfilled is what became of a form's leads. Of a refusal on the way it is what was done before.
type Backfilled struct {
	Leads  int // that the form has
	Queued int // of them, those that nothing had brought before
}

// Backfill queues the leads of a form that are younger than since, those that are not known; dry
// counts them alone. The error is a *Refusal where Meta's.
func (r *Reconciler) Backfill(ctx context.Context, form string, since time.Time, dry bool) (done Backfilled, err error) {
	if len(r.Pages) == 0 {
		return done, &Refusal{Missing: true,
			Text: "tenant " + r.Tenant + " has no Page whose forms could be read: write `match page_id <id>` into it",
		}
	}
	var forms []string
	var refused error
	for _, page := range r.Pages {
		access := &pageAccess{page: page}
		err := r.Sender.formsOf(ctx, access)
		has := false
		for _, f := range access.forms {
			forms = append(forms, f.ID)
			has = has || f.ID == form
		}
		if err != nil {
			if refused = fmt.Errorf("reading the forms of page %s: %w", page, err); endsRound(err) {
				return done, refused
			}
		}
		if !has {
			continue
		}
		return done, r.Sender.leadsOf(ctx, access, form, since.UnixMilli(), "", func(found []Found, _ string) (bool, error) {
			done.Leads += len(found)
			if dry || len(found) == 0 {
				return true, nil
			}
			fresh, err := r.Take(ctx, webhook(page, form, found))
			done.Queued += fresh
			return true, err
		})
	}
	if refused != nil {
		return done, refused // it may be one of that Page
	}
	return done, &Refusal{Missing: true, Text: wording.NoSuch("form", form, forms).Error()}
}
