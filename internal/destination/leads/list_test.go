package leads

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/leadfake"
	"github.com/leadgate/leadgate/internal/metrics"
)

const longForm = "771234567890123"

// longID is of the nth lead of a long list, 0 the newest.
func longID(n int) string { return fmt.Sprintf("2385123456700%04d", n) }

// longList gives the form leads of the last hours: more than are read at once, and in an hour, too.
func (r *rig) longList(n int) {
	for i := range n {
		r.fake.Add(leadfake.Sample(longID(i), r.clock.Add(-time.Minute-time.Duration(i)*10*time.Second)))
	}
}

// lists has Meta answer lists of leads by a function, which gets the cursor, or as it does; the
// cursors of those that were asked for are returned.
func (r *rig) lists(refuse func(after string) *leadfake.Refusal) (asked *[]string) {
	asked = new([]string)
	r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
		if !strings.HasSuffix(req.URL.Path, "/leads") {
			return nil
		}
		after, _, _ := strings.Cut(req.URL.Query().Get("after"), "since")
		*asked = append(*asked, after)
		return refuse(after)
	}
	return asked
}

func tooMany(minutes int) *leadfake.Refusal {
	return &leadfake.Refusal{Status: 400, Code: 80005, Message: "too many calls", Header: map[string]string{
		"X-Business-Use-Case-Usage": fmt.Sprintf(
			`{"%s":[{"type":"leadgen","call_count":100,"estimated_time_to_regain_access":%d}]}`, page, minutes),
	}}
}

// mustHave is that leads were taken, by whichever of these.
func mustHave(t *testing.T, from, to int, readings ...*reading) {
	t.Helper()
	for i := from; i < to; i++ {
		if !slices.ContainsFunc(readings, func(e *reading) bool { return e.has(longID(i)) }) {
			t.Errorf("lead %d is not read", i)
			return
		}
	}
}

// TestListCutOffAtTheSamePart: a list that is longer than what is read of it at once is read to its
// end: whether Meta asks to wait, a part fails, or who reads is killed, each time after two parts,
// by edges that take turns, and are started anew. What is new is found on the way.
func TestListCutOffAtTheSamePart(t *testing.T) {
	for _, c := range []struct {
		name string
		no   *leadfake.Refusal // after two parts; nil: who reads is stopped
		most int               // readings
	}{
		{"limit", tooMany(5), 6},
		{"fails", &leadfake.Refusal{Status: 500, Code: 1, Message: "An unknown error occurred"}, 6},
		{"is no answer", &leadfake.Refusal{Status: 502, Body: "<html>"}, 6},
		{"killed", nil, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.longList(850)
			q := r.store()
			var all []*reading
			for n := range c.most {
				e := r.reading(fmt.Sprint("edge ", n), q)
				all = append(all, e)
				ctx, stop := context.WithCancel(t.Context())
				calls := 0
				asked := r.lists(func(string) *leadfake.Refusal {
					if calls++; calls <= 2 {
						return nil
					}
					if c.no == nil {
						stop()
						return &leadfake.Refusal{Status: 502, Body: "<html>nobody waits for this</html>"}
					}
					return c.no
				})
				e.look(ctx)
				stop()
				if len(*asked) == 0 {
					t.Fatalf("reading %d asked for nothing", n)
				}
				r.clock = r.clock.Add(16 * time.Minute)
				r.fake.Add(leadfake.Sample(fmt.Sprintf("23851234567100%03d", n), r.clock.Add(-time.Minute)))
			}
			mustHave(t, 0, 850, all...)
			for n := range c.most - 2 {
				id := fmt.Sprintf("23851234567100%03d", n)
				if !slices.ContainsFunc(all, func(e *reading) bool { return e.has(id) }) {
					t.Errorf("new lead %d is not read", n)
				}
			}
			r.fake.Refuse = nil
			last := r.reading("last", q)
			for range 2 {
				last.look(t.Context())
				r.clock = r.clock.Add(16 * time.Minute)
			}
			if known, _ := last.known(t.Context(), q); known.forms[longForm].cut != nil {
				t.Error("the list is still said to be cut off")
			}
			if reasons := last.Reasons(); len(reasons) != 0 {
				t.Errorf("reasons are %q", reasons)
			}
		})
	}
}

// TestCursorThatIsRefused: where Meta knows a cursor no more the list is begun anew, and nothing
// is said; the list's since stays, however old it is by then.
func TestCursorThatIsRefused(t *testing.T) {
	for _, no := range []*leadfake.Refusal{
		{Status: 400, Code: 100, Message: "(#100) Invalid cursor"},
		{Status: 400, Code: 100, Subcode: 33, Message: "Unsupported get request."},
		nil, // nobody asks with an old one
	} {
		r := newRig(t, nil)
		r.longList(230)
		q := r.store()
		r.lists(func(after string) *leadfake.Refusal {
			if after != "" {
				return tooMany(5)
			}
			return nil
		})
		one := r.reading("one", q)
		one.look(t.Context())
		r.clock = r.clock.Add(23 * time.Hour)
		if no == nil {
			r.clock = r.clock.Add(2 * time.Hour)
		}
		begun := false
		asked := r.lists(func(after string) *leadfake.Refusal {
			if begun = begun || after == ""; begun {
				return nil
			}
			if no == nil {
				t.Error("an old cursor is asked for")
			}
			return no
		})
		other := r.reading("other", q)
		other.look(t.Context())
		mustHave(t, 0, 230, one, other)
		if logged := other.logs.FilterLevelExact(zap.WarnLevel).FilterMessageSnippet("cannot").All(); len(logged) != 0 {
			t.Errorf("logged %v", logged)
		}
		if len(*asked) > 5 {
			t.Errorf("asked for %q", *asked)
		}
	}
}

// TestPartThatAlwaysFails: a part of a list that is never given, by an error or by a limit, keeps no
// newer lead from being read, and is tried again each time, or every other; it is said once, and
// shown as long as it lasts.
func TestPartThatAlwaysFails(t *testing.T) {
	for _, c := range []struct {
		no     *leadfake.Refusal
		reason string
	}{
		{&leadfake.Refusal{Status: 500, Code: 2, Message: "Service temporarily unavailable"}, metrics.FormsTransient},
		{tooMany(5), metrics.FormsThrottled},
		{&leadfake.Refusal{Status: 403, Code: 200, Message: "(#200) Requires leads_retrieval permission"}, metrics.FormsPermission},
	} {
		r := newRig(t, nil)
		r.longList(350)
		one := r.reading("one", r.store())
		asked := r.lists(func(after string) *leadfake.Refusal {
			if after == "cursor200" {
				return c.no
			}
			return nil
		})
		for n := range 8 {
			one.look(t.Context())
			for _, reason := range []string{c.reason, metrics.FormsCutOff} {
				if !slices.Contains(one.Reasons(), reason) {
					t.Errorf("reading %d: reasons are %q, want %s", n, one.Reasons(), reason)
				}
			}
			if n > 1 && !one.has(leadOf(n-2)) {
				t.Errorf("%s: reading %d has not the new lead of two readings before", c.reason, n)
			}
			r.clock = r.clock.Add(16 * time.Minute)
			r.fake.Add(leadfake.Sample(leadOf(n), r.clock.Add(-time.Minute)))
			if n == 3 && c.reason != metrics.FormsThrottled && len(*asked) > 3+3*2 {
				t.Errorf("asked for %q", *asked)
			}
		}
		if said := one.saidOf(); len(said) != 1 {
			t.Errorf("said of %q", said)
		}
		mustHave(t, 0, 200, one)
		r.fake.Refuse = nil
		one.look(t.Context())
		mustHave(t, 0, 350, one)
		if len(one.Reasons()) != 0 {
			t.Errorf("reasons are %q", one.Reasons())
		}
	}
}

// TestOldCursorIsGivenUp: a cursor that Meta fails at is not taken for a new one by what is read of
// the list's beginning meanwhile: after a day the list is read from there.
func TestOldCursorIsGivenUp(t *testing.T) {
	r := newRig(t, nil)
	r.longList(350)
	one := r.reading("one", r.store())
	old := ""
	asked := r.lists(func(after string) *leadfake.Refusal {
		if old == "" && after == "cursor200" {
			old = after
		}
		if old != "" && after == old {
			return &leadfake.Refusal{Status: 500, Code: 2, Message: "Service temporarily unavailable"}
		}
		return nil
	})
	one.look(t.Context())
	first := len(*asked)
	for began := r.clock; r.clock.Before(began.Add(keepCursor + 20*time.Minute)); r.clock = r.clock.Add(16 * time.Minute) {
		one.look(t.Context())
	}
	if !slices.Contains((*asked)[first:], "cursor100") {
		t.Errorf("asked for %q", *asked)
	}
}

// TestLimitOfOneList: where Meta lets one part of a list be read each time, a long list comes to its
// end, and what is new is found, by turns.
func TestLimitOfOneList(t *testing.T) {
	r := newRig(t, nil)
	r.longList(650)
	q := r.store()
	one := r.reading("one", q)
	for n := range 2 * 7 {
		calls := 0
		r.lists(func(string) *leadfake.Refusal {
			if calls++; calls > 1 {
				return tooMany(5)
			}
			return nil
		})
		one.look(t.Context())
		if n > 1 && !one.has(leadOf(n-2)) {
			t.Errorf("reading %d has not the new lead of two readings before", n)
		}
		r.clock = r.clock.Add(16 * time.Minute)
		r.fake.Add(leadfake.Sample(leadOf(n), r.clock.Add(-time.Minute)))
	}
	mustHave(t, 0, 650, one)
}
