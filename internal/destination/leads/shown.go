package leads

import (
	"maps"
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/printable"
)

// Problem says in a line why forms are not read now, or not all of them; "" where nothing is
// wrong, or another edge reads. It may be asked at any time.
func (r *Reconciler) Problem() string {
	if p := r.shown.Load(); p != nil {
		return *p
	}
	return ""
}

// show has others see what is wrong. To wait for a limit of Meta's is nothing that anybody is to
// mend.
func (r *Reconciler) show() {
	problem := ""
	if of := slices.Sorted(maps.Keys(r.wrong)); len(of) > 0 {
		problem = of[0] + ": " + printable.Line(r.wrong[of[0]])
	}
	if r.now() < r.until {
		problem = "too many calls for Meta's limit: waits until " + time.UnixMilli(r.until).UTC().Format(time.RFC3339)
	}
	r.shown.Store(&problem)
}

// note keeps what is wrong with a form or Page, "" for nothing.
func (r *Reconciler) note(what, problem string) {
	if r.wrong == nil {
		r.wrong = make(map[string]string)
	}
	if r.wrong[what] = problem; problem == "" {
		delete(r.wrong, what)
	}
}
