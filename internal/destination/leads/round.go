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
		r.put(ctx, q, append(one.forget(), moment(last, began), queue.Fact{Key: reached})...)
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
	listed := r.listed
	r.listed = nil
	var first *pageAccess
	var rest []Form // of the first Page: what is not behind the place
	for _, page := range order {
		access := &pageAccess{page: page}
		if listed != nil && listed.page == page {
			access, listed.wait = listed, 0
		}
		if err := r.formsOf(ctx, access); err != nil {
			if r.forms == 0 && len(order) > 1 && r.listed == nil {
				r.put(ctx, r.q, reachedAt(page, ""))
			}
			return err
		}
		forms := access.forms
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

// forget takes back what was said and is kept of forms that are not read any more: they are gone,
// or archived.
func (r *round) forget() (facts []queue.Fact) {
	gone := func(what string) bool { return strings.HasPrefix(what, "form ") && !r.tried[what] }
	maps.DeleteFunc(r.wrong, func(what string, _ trouble) bool { return gone(what) })
	maps.DeleteFunc(r.said, func(what, _ string) bool { return gone(what) })
	for page := range r.wrong {
		if strings.HasPrefix(page, "page ") {
			return nil // they may be its forms
		}
	}
	for form, m := range r.known.forms {
		if m.cut != nil && !r.tried["form "+form] {
			facts = append(facts, queue.Fact{Key: cutOff + form})
			delete(r.known.forms, form)
		}
	}
	return facts
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

// formsOf lists a Page's forms, in an order that stays, if they are not listed. An error ends the
// round. Where Meta asks to wait with the last part of the list, no form is asked for, which would
// be refused, and counted; so that forms have their turn where that is so each time, the next round
// goes on from there.
func (r *round) formsOf(ctx context.Context, access *pageAccess) error {
	var err error
	if len(access.forms) == 0 || access.after != "" {
		err = r.Sender.formsOf(ctx, access)
	}
	if !endsRound(err) {
		r.tell("page "+access.page, err)
		err = access.limited()
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Wait > 0 && (len(access.forms) > 0 || access.own != nil) {
		r.listed = access
	}
	slices.SortFunc(access.forms, func(a, b Form) int { return strings.Compare(a.ID, b.ID) })
	access.forms = slices.CompactFunc(access.forms, func(a, b Form) bool { return a.ID == b.ID })
	return err
}

// read reads forms of a Page. One that was active when it was last looked at is read once more.
// An error ends the round: the next one begins where that was, or behind it if it is the first
// that was tried.
func (r *round) read(ctx context.Context, access *pageAccess, forms []Form) error {
	for _, f := range forms {
		was, before := r.known.forms[f.ID]
		if !f.Active && !before {
			continue
		}
		if err := r.claim(ctx, r.q); err != nil {
			return err
		}
		r.tried["form "+f.ID] = true
		is, notes, err := r.form(ctx, r.q, access, f.ID, was)
		if errors.Is(err, errElsewhere) {
			return err
		}
		r.known.forms[f.ID] = is
		if ends := endsRound(err); !ends || r.forms == 0 {
			notes = append(notes, reachedAt(access.page, f.ID))
		}
		if endsRound(err) {
			r.put(ctx, r.q, notes...)
			return err
		}
		r.tell("form "+f.ID, err)
		if !f.Active && (err == nil || isGone(err)) {
			notes = append(notes, queue.Fact{Key: f.ID}, queue.Fact{Key: cutOff + f.ID})
			delete(r.known.forms, f.ID)
		}
		r.put(ctx, r.q, notes...)
		r.forms++
		if err := access.limited(); err != nil {
			return err
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
