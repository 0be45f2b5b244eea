package leads

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/printable"
)

// shown is what others see of what is wrong.
type shown struct {
	problem string
	reasons []string
}

// trouble is what keeps a form or Page from being read.
type trouble struct {
	text string
	why  string // as metrics have it; "" = of none
}

// Problem says in a line why forms are not read now, or not all of them; "" where nothing is
// wrong, or another edge reads. It may be asked at any time.
func (r *Reconciler) Problem() string {
	if p := r.shown.Load(); p != nil {
		return p.problem
	}
	return ""
}

// Reasons are the same, as metrics have them.
func (r *Reconciler) Reasons() []string {
	if p := r.shown.Load(); p != nil {
		return p.reasons
	}
	return nil
}

// show has others see what is wrong. To wait for a limit of Meta's is nothing that anybody is to
// mend.
func (r *Reconciler) show(known *progress) {
	var now shown
	if of := slices.Sorted(maps.Keys(r.wrong)); len(of) > 0 {
		now.problem = of[0] + ": " + printable.Line(r.wrong[of[0]].text)
	}
	for _, t := range r.wrong {
		now.reasons = append(now.reasons, t.why)
	}
	for _, m := range known.forms {
		if m.cut != nil {
			now.reasons = append(now.reasons, metrics.FormsCutOff)
		}
	}
	if r.now() < r.until {
		now.problem = "too many calls for Meta's limit: waits until " + time.UnixMilli(r.until).UTC().Format(time.RFC3339)
		now.reasons = append(now.reasons, metrics.FormsThrottled)
	}
	r.shown.Store(&now)
}

// note keeps what is wrong with a form or Page, "" for nothing.
func (r *Reconciler) note(what, problem string, err error) {
	if r.wrong == nil {
		r.wrong = make(map[string]trouble)
	}
	why := ""
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		why = refusal.Why
	}
	if r.wrong[what] = (trouble{problem, why}); problem == "" {
		delete(r.wrong, what)
	}
}
