package leads

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/leadfake"
)

// saidOf is of what it was logged that it cannot be read.
func (e *reading) saidOf() (list []string) {
	for _, l := range e.logs.FilterLevelExact(zap.WarnLevel).All() {
		if of, ok := l.ContextMap()["of"]; ok {
			list = append(list, of.(string))
		}
	}
	return list
}

// manyForms adds forms to the rig's, each with a lead, and returns the ids of all.
func (r *rig) manyForms(n int) (forms []string) {
	forms = []string{"771234567890123"}
	r.fake.Add(leadfake.Sample(leadOf(0), r.clock.Add(-time.Minute)))
	for i := 1; i < n; i++ {
		id := fmt.Sprintf("7712345678902%02d", i)
		r.fake.AddForm(&leadfake.Form{ID: id, Page: page, Status: "ACTIVE"})
		lead := leadfake.Sample(leadOf(i), r.clock.Add(-time.Minute))
		lead.Form = id
		r.fake.Add(lead)
		forms = append(forms, id)
	}
	return forms
}

func leadOf(i int) string { return fmt.Sprintf("238512345678901%02d", i) }

// throttle has Meta refuse every list of leads from the nth of a reading on, and those of a form
// always; the list of who was asked for is returned.
func (r *rig) throttle(after int, always string) (asked *[]string) {
	asked = new([]string)
	r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
		if !strings.HasSuffix(req.URL.Path, "/leads") {
			return nil
		}
		form := strings.Split(req.URL.Path, "/")[2]
		*asked = append(*asked, form)
		if len(*asked) > after || form == always {
			return &leadfake.Refusal{Status: 400, Code: 80005, Message: "too many calls", Header: map[string]string{
				"X-Business-Use-Case-Usage": `{"` + page + `":[{"type":"leadgen","call_count":100,"estimated_time_to_regain_access":5}]}`,
			}}
		}
		return nil
	}
	return asked
}

// TestThrottledAtTheSamePlace: where Meta asks to wait after so many calls each time, or at one
// form always, every other form has its turn: by edges that are started anew, and by turns. Until
// the time that Meta named no edge asks, and it is said once by each.
func TestThrottledAtTheSamePlace(t *testing.T) {
	for _, c := range []struct {
		name   string
		forms  int
		after  int // calls of a reading
		always int // the form that is never read; -1: none
		rounds int
	}{
		{"after two", 7, 2, -1, 4},
		{"after one", 4, 1, -1, 4},
		{"the first form", 4, 9, 0, 2},
		{"a form in the middle", 4, 9, 2, 3},
		{"the last form", 4, 9, 3, 1},
		{"after two, and one form", 7, 2, 3, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			forms := r.manyForms(c.forms)
			q := r.store()
			never := ""
			if c.always >= 0 {
				never = forms[c.always]
			}
			edges := []*reading{r.reading("one", q), r.reading("other", q)}
			for n := range c.rounds {
				asked := r.throttle(c.after, never)
				if n == 3 { // started anew
					edges = append(edges, r.reading("other, anew", q))
				}
				edges[[]int{0, 1, 0, len(edges) - 1}[n%4]].look(t.Context())
				if len(*asked) == 0 {
					t.Fatalf("reading %d asked for nothing", n)
				}
				calls := r.fake.Calls()
				r.clock = r.clock.Add(5*time.Minute - time.Second)
				for _, e := range edges {
					e.Every = time.Minute // due, were it not that Meta asks to wait
					e.look(t.Context())
					e.Every = 15 * time.Minute
				}
				if r.fake.Calls() != calls {
					t.Error("it asks before it may")
				}
				r.clock = r.clock.Add(10*time.Minute + 2*time.Second)
			}
			for i, form := range forms {
				id := leadOf(i)
				has := slices.ContainsFunc(edges, func(e *reading) bool { return e.has(id) })
				if has != (form != never) {
					t.Errorf("lead %s of form %s is read: %v", id, form, has)
				}
			}
			if said := edges[0].saidOf(); !slices.Equal(said, []string{everything}) {
				t.Errorf("said of %q", said)
			}
		})
	}
}

// TestFormsThatFail: a form that may not be read, and one that is gone, hold up no other; each is
// said once, however often it is tried.
func TestFormsThatFail(t *testing.T) {
	r := newRig(t, nil)
	forms := r.manyForms(4)
	r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
		switch {
		case strings.HasSuffix(req.URL.Path, forms[0]+"/leads"):
			return &leadfake.Refusal{Status: 403, Code: 200, Message: "(#200) Requires leads_retrieval permission to manage the object"}
		case strings.HasSuffix(req.URL.Path, forms[2]+"/leads"):
			return &leadfake.Refusal{Status: 400, Code: 100, Subcode: 33, Message: "Unsupported get request."}
		}
		return nil
	}
	one := r.reading("one", r.store())
	for range 3 {
		one.look(t.Context())
		r.clock = r.clock.Add(15 * time.Minute)
	}
	for i := range forms {
		if has := one.has(leadOf(i)); has != (i%2 == 1) {
			t.Errorf("lead %d is read: %v", i, has)
		}
	}
	said := one.saidOf()
	if slices.Sort(said); !slices.Equal(said, []string{"form " + forms[0], "form " + forms[2]}) {
		t.Errorf("said of %q", said)
	}
}

// TestPageThatEndsTheRound: where a Page's list of forms is refused each time, by a limit or for
// its token, the others' are read by turns.
func TestPageThatEndsTheRound(t *testing.T) {
	for _, no := range []leadfake.Refusal{
		{Status: 400, Code: 80005, Message: "too many calls"},
		{Status: 400, Code: 190, Subcode: 463, Message: "Session has expired"},
	} {
		r := newRig(t, nil)
		const other = "1029384799"
		r.fake.AddForm(&leadfake.Form{ID: "881234567890123", Page: other, Status: "ACTIVE"})
		lead := leadfake.Sample(leadID, r.clock.Add(-time.Minute))
		lead.Form = "881234567890123"
		r.fake.Add(lead)
		r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
			if strings.HasSuffix(req.URL.Path, page+"/leadgen_forms") {
				return &no
			}
			return nil
		}
		q := r.store()
		for n, by := range []string{"one", "other"} {
			e := r.reading(by, q)
			e.Pages = []string{page, other}
			e.look(t.Context())
			if e.has(leadID) != (n == 1) {
				t.Errorf("%d: reading %d took %v", no.Code, n, e.took)
			}
			r.clock = r.clock.Add(15 * time.Minute)
		}
	}
}

// TestLeadOfTheFuture: one whose time is ahead of this clock does not make later ones too old.
func TestLeadOfTheFuture(t *testing.T) {
	r := newRig(t, nil)
	r.fake.Add(leadfake.Sample("23851234567890001", r.clock.Add(100*time.Hour)))
	one := r.reading("one", r.store())
	one.look(t.Context())
	r.clock = r.clock.Add(15 * time.Minute)
	r.fake.Add(leadfake.Sample(leadID, r.clock.Add(-time.Minute)))
	one.look(t.Context())
	if !one.has(leadID) {
		t.Error("a lead is passed over")
	}
}

// TestBackfillOfAnotherPage: a Page that may not be read keeps no form of another from being read;
// what is found nowhere may be that Page's.
func TestBackfillOfAnotherPage(t *testing.T) {
	r := newRig(t, nil)
	r.fake.Add(leadfake.Sample(leadID, r.clock.Add(-time.Minute)))
	const other = "1029384711"
	r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
		if strings.Contains(req.URL.Path, other) {
			return &leadfake.Refusal{Status: 403, Code: 200, Message: "(#200) Requires pages_manage_ads permission"}
		}
		return nil
	}
	one := r.reading("one", r.store())
	one.Pages = []string{other, page}
	done, err := one.Backfill(t.Context(), "771234567890123", r.clock.Add(-time.Hour), false)
	if err != nil || done.Queued != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err = one.Backfill(t.Context(), "771234567890999", r.clock, true); err == nil || !strings.Contains(err.Error(), "page "+other) {
		t.Error(err)
	}
}

// TestRateOfMeta: by Meta's own limit, which every call is of, also that for the Page's token and
// those for the list of forms, all forms are read by and by, however few calls Meta takes, and no
// call comes that Meta asked not to make.
func TestRateOfMeta(t *testing.T) {
	for _, own := range []bool{false, true} {
		for calls := 1; calls <= 6; calls++ {
			if own && calls == 1 {
				continue // which says each time that another token is wanted
			}
			r := newRig(t, nil)
			forms := r.manyForms(7)
			r.fake.Rate = leadfake.Rate{Calls: calls, Per: 20 * time.Minute}
			if own {
				r.fake.PageToken, r.fake.OwnAlone = func(string) string { return "own" }, true
			}
			one := r.reading("one", r.store())
			for range 6 * 60 {
				one.look(t.Context())
				r.clock = r.clock.Add(time.Minute)
			}
			for i := range forms {
				if !one.has(leadOf(i)) {
					t.Errorf("%d calls, own token %v: form %d is not read", calls, own, i)
				}
			}
			if n := r.fake.Early(); n != 0 {
				t.Errorf("%d calls, own token %v: %d calls came while Meta asked to wait", calls, own, n)
			}
		}
	}
}

// TestWaitIsSaidOnce: that Meta asks to wait is said once, by a header or by a refusal.
func TestWaitIsSaidOnce(t *testing.T) {
	r := newRig(t, nil)
	r.manyForms(2)
	r.fake.Rate = leadfake.Rate{Calls: 2, Per: 10 * time.Minute}
	one := r.reading("one", r.store())
	one.look(t.Context())
	r.clock = r.clock.Add(15 * time.Minute)
	r.fake.Refuse = func(*http.Request) *leadfake.Refusal {
		return &leadfake.Refusal{Status: 400, Code: 80005, Message: "too many"}
	}
	one.look(t.Context())
	if said := one.saidOf(); !slices.Equal(said, []string{everything}) {
		t.Errorf("said of %q", said)
	}
}
