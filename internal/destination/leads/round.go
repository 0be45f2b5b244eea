package leads

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// round is one reading of all active forms.
type round struct {
	*Reconciler
	q     Store
	known *progress
	forms int             // that were read, or tried
	tried map[string]bool // what it tried, as it is called where it is told of
}

// round reads all active forms, once around from behind the last that was reached: where Meta
// asks to wait at the same place each time, all have their turn. One that cannot be read holds
// up no other.
func (r *Reconciler) round(ctx context.Context, q Store, known *progress) {
	began := r.now()
	r.Sender.begin(r.refused)
	r.refused = false
	one := &round{Reconciler: r, q: q, known: known, tried: make(map[string]bool)}
	err := one.pages(ctx)
	refusal, refused := errors.AsType[*Refusal](err)
	switch {
	case ctx.Err() != nil, errors.Is(err, errElsewhere):
		return // it is gone on with at once, here or there
	case err == nil:
		r.tell(everything, nil)
		one.forget()
		r.put(ctx, q, moment(last, began), queue.Fact{Key: reached})
		return
	case refused && refusal.Wait > 0:
		r.until = r.Now().Add(refusal.Wait).UnixMilli()
		wait := moment(until, r.until)
		wait.Till = r.until
		r.put(ctx, q, wait)
	case refused:
		r.refused = true
	}
	r.tell(everything, err)
	r.put(ctx, q, moment(last, began))
}

// pages reads the forms of all Pages. An error ends the round.
func (r *round) pages(ctx context.Context) error {
	order, from := r.order()
	var first *pageAccess
	var rest []Form // of the first Page: what is not behind the place
	for _, page := range order {
		access := &pageAccess{page: page}
		forms, err := r.formsOf(ctx, access)
		if err != nil {
			if r.forms == 0 && len(order) > 1 {
				r.put(ctx, r.q, reachedAt(page, ""))
			}
			return err
		}
		if first == nil {
			first = access
			i := slices.IndexFunc(forms, func(f Form) bool { return f.ID > from })
			if i < 0 {
				i = len(forms)
			}
			forms, rest = forms[i:], forms[:i]
		}
		if err := r.read(ctx, access, forms); err != nil {
			return err
		}
	}
	return r.read(ctx, first, rest)
}

// forget takes back what was said of forms that are not read any more: they are gone, or archived.
func (r *round) forget() {
	gone := func(what string) bool { return strings.HasPrefix(what, "form ") && !r.tried[what] }
	maps.DeleteFunc(r.wrong, func(what, _ string) bool { return gone(what) })
	maps.DeleteFunc(r.said, func(what, _ string) bool { return gone(what) })
}

// order is the Pages as they are read, and the form of the first behind which it begins.
func (r *round) order() (pages []string, from string) {
	i := slices.Index(r.Pages, r.known.reached.page)
	switch {
	case i < 0:
		return r.Pages, ""
	case r.known.reached.form == "":
		i = (i + 1) % len(r.Pages)
	}
	return slices.Concat(r.Pages[i:], r.Pages[:i]), r.known.reached.form
}

// formsOf are a Page's forms, in an order that stays. An error ends the round.
func (r *round) formsOf(ctx context.Context, access *pageAccess) (forms []Form, err error) {
	err = r.Sender.formsOf(ctx, access, func(f Form) { forms = append(forms, f) })
	if endsRound(err) {
		return nil, err
	}
	r.tell("page "+access.page, err)
	slices.SortFunc(forms, func(a, b Form) int { return strings.Compare(a.ID, b.ID) })
	return forms, nil
}

// read reads forms of a Page. One that was active when it was last looked at is read once more.
// An error ends the round: the next one begins where that was, or behind it if it is the first
// that was tried.
func (r *round) read(ctx context.Context, access *pageAccess, forms []Form) error {
	for _, f := range forms {
		seen, before := r.known.forms[f.ID]
		if !f.Active && !before {
			continue
		}
		if err := r.claim(ctx, r.q); err != nil {
			return err
		}
		r.tried["form "+f.ID] = true
		newest, err := r.form(ctx, r.q, access, f.ID, seen)
		notes := []queue.Fact{reachedAt(access.page, f.ID)}
		if endsRound(err) {
			if r.forms == 0 && !errors.Is(err, errElsewhere) {
				r.put(ctx, r.q, notes...)
			}
			return err
		}
		r.tell("form "+f.ID, err)
		switch {
		case !f.Active && (err == nil || isGone(err)):
			notes = append(notes, queue.Fact{Key: f.ID})
		case err == nil && newest != seen:
			notes = append(notes, moment(f.ID, newest))
		}
		r.put(ctx, r.q, notes...)
		r.forms++
		if access.wait > 0 {
			return &Refusal{Text: "Meta asks to wait", Wait: access.wait}
		}
	}
	return nil
}

// endsRound reports whether nothing more can be read for now. What is refused of one Page or
// form alone, or got no answer, does not.
func endsRound(err error) bool {
	refusal, ok := errors.AsType[*Refusal](err)
	return err != nil && !ok || ok && (refusal.Token || refusal.Wait > 0)
}

func isGone(err error) bool {
	refusal, ok := errors.AsType[*Refusal](err)
	return ok && refusal.Missing
}
