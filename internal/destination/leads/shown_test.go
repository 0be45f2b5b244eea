package leads

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/leadfake"
)

// TestProblemIsShown: that it waits for Meta, and until when, is shown, on another edge and after a
// restart, too; so is a token that is refused; and nothing when all was read, or another edge reads.
func TestProblemIsShown(t *testing.T) {
	r := newRig(t, nil)
	r.manyForms(2)
	q := r.store()
	one := r.reading("one", q)
	shows := func(who *reading, want string) {
		t.Helper()
		who.look(t.Context())
		if p := who.Problem(); p != want && (want == "" || !strings.HasPrefix(p, want)) {
			t.Errorf("shown %q, want %q", p, want)
		}
	}
	if one.Problem() != "" {
		t.Error("before anything was read:", one.Problem())
	}
	r.throttle(1, "")
	until := r.clock.Add(5 * time.Minute).UTC().Format(time.RFC3339)
	shows(one, "too many calls for Meta's limit: waits until "+until)
	r.clock = r.clock.Add(time.Minute)
	anew := r.reading("one, anew", q)
	shows(anew, "too many calls for Meta's limit: waits until "+until)
	one.Drains = func() bool { return false }
	shows(one, "")

	r.clock = r.clock.Add(15 * time.Minute)
	r.fake.Refuse = func(*http.Request) *leadfake.Refusal { return &leadfake.Refusal{Status: 400, Code: 190, Subcode: 463} }
	shows(anew, everything+": error 190/463: ")
	r.clock = r.clock.Add(15 * time.Minute)
	r.fake.Refuse = nil
	shows(anew, "")
}

// TestProblemOfAFormThatEnded: a form that could not be read, and is archived, is no problem any more.
func TestProblemOfAFormThatEnded(t *testing.T) {
	r := newRig(t, nil)
	form := &leadfake.Form{ID: "881234567890123", Page: page, Status: "ACTIVE"}
	r.fake.AddForm(form)
	r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
		if strings.HasSuffix(req.URL.Path, form.ID+"/leads") {
			return &leadfake.Refusal{Status: 403, Code: 200, Message: "(#200) Requires leads_retrieval permission to manage the object"}
		}
		return nil
	}
	one := r.reading("one", r.store())
	one.look(t.Context())
	if p := one.Problem(); !strings.HasPrefix(p, "form "+form.ID) {
		t.Errorf("shown %q", p)
	}
	form.Status = "ARCHIVED"
	r.clock = r.clock.Add(15 * time.Minute)
	one.look(t.Context())
	if p := one.Problem(); p != "" {
		t.Errorf("shown %q", p)
	}
}
