package leads

import (
	"slices"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/leadfake"
	"github.com/leadgate/leadgate/internal/queue"
)

// TestCutOfArchivedForm: the list of a form that is archived is read to its end first; of one that
// is gone nothing is kept.
func TestCutOfArchivedForm(t *testing.T) {
	for _, gone := range []bool{false, true} {
		r := newRig(t, nil)
		form := &leadfake.Form{ID: "771234567890555", Page: page, Status: "ACTIVE"}
		r.fake.AddForm(form)
		for i := range 250 {
			lead := leadfake.Sample(longID(i), r.clock.Add(-time.Duration(i+1)*time.Minute))
			lead.Form = form.ID
			r.fake.Add(lead)
		}
		q := r.store()
		one := r.reading("one", q)
		r.lists(func(after string) *leadfake.Refusal {
			if after != "" {
				return &leadfake.Refusal{Status: 500, Code: 1, Message: "unknown"}
			}
			return nil
		})
		one.look(t.Context())
		if gone {
			form.Page = "1"
		}
		form.Status = "ARCHIVED"
		r.fake.Refuse = nil
		for range 2 {
			r.clock = r.clock.Add(16 * time.Minute)
			one.look(t.Context())
		}
		if !gone {
			mustHave(t, 0, 250, one)
		}
		known, err := one.known(t.Context(), q)
		if m, ok := known.forms[form.ID]; err != nil || m.cut != nil || ok && !gone {
			t.Errorf("gone %v: kept of it is %+v, %v", gone, m, err)
		}
		if len(one.Reasons()) != 0 {
			t.Errorf("reasons are %q", one.Reasons())
		}
	}
}

// TestCutOfAnotherVersion: what a version to come kept of a list is none; what the one before kept
// of forms is read.
func TestCutOfAnotherVersion(t *testing.T) {
	r := newRig(t, nil)
	r.longList(30)
	q := r.store()
	one := r.reading("one", q)
	one.put(t.Context(), q, moment(longForm, r.clock.Add(-5*time.Minute).UnixMilli()),
		queue.Fact{Key: cutOff + longForm, Data: []byte(`{"version":2,"since":1,"after":{"in":"pieces"}}`)},
		queue.Fact{Key: reached, Data: []byte(page + " " + longForm)})
	asked := r.lists(func(string) *leadfake.Refusal { return nil })
	one.look(t.Context())
	mustHave(t, 0, 30, one)
	if !slices.Equal(*asked, []string{""}) {
		t.Errorf("asked for %q", *asked)
	}
}

// TestLateInACutList: a lead that the list has late, among those that were read before it was cut
// off, is found when it was read to its end.
func TestLateInACutList(t *testing.T) {
	r := newRig(t, nil)
	r.longList(750)
	one := r.reading("one", r.store())
	for n := range 9 {
		calls := 0
		r.lists(func(string) *leadfake.Refusal {
			if calls++; calls > 2 {
				return tooMany(5)
			}
			return nil
		})
		one.look(t.Context())
		if n == 0 {
			r.fake.Add(leadfake.Sample(leadID, r.clock.Add(-25*time.Minute)))
		}
		r.clock = r.clock.Add(31 * time.Minute)
		r.fake.Add(leadfake.Sample(leadOf(n), r.clock.Add(-time.Minute)))
	}
	mustHave(t, 0, 750, one)
	if !one.has(leadID) {
		t.Error("the late lead is not read")
	}
}
