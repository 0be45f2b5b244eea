package leads

import (
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/leadfake"
)

// TestCheck: the doctor says for each Page whether its leads may be read, why not in Meta's
// words, and what to do.
func TestCheck(t *testing.T) {
	no := func(status, code, subcode int) func(*http.Request) *leadfake.Refusal {
		return func(*http.Request) *leadfake.Refusal {
			return &leadfake.Refusal{Status: status, Code: code, Subcode: subcode, Message: "refused"}
		}
	}
	for name, c := range map[string]struct {
		page   string
		access leadfake.Access
		refuse func(*http.Request) *leadfake.Refusal
		well   bool
		says   []string
	}{
		"may read": {page: "1029384756", access: leadfake.Access{Can: true}, well: true,
			says: []string{"page 1029384756", "may read the leads of"}},
		"without one": {access: leadfake.Access{Can: true}, well: true, says: []string{"the token's own page"}},
		"may not": {page: "1029384756", access: leadfake.Access{Reason: "NO_CRM", Resolution: "Assign the app\nas a CRM"},
			says: []string{"the app has no access to leads", "Leads Access Manager", "Meta says: NO_CRM", "Meta says: Assign the app as a CRM"}},
		"dead token":   {page: "1029384756", refuse: no(401, 190, 463), says: []string{"error 190/463"}},
		"no right":     {page: "1029384756", refuse: no(403, 200, 0), says: []string{"error 200"}},
		"another page": {page: "1029384756", refuse: no(400, 100, 33), says: []string{"there is no such Page, or the token may not see it"}},
		"no id":        {page: "acme-page", says: []string{"of digits alone"}},
		"a proxy": {page: "1029384756", refuse: func(*http.Request) *leadfake.Refusal {
			return &leadfake.Refusal{Status: 200, Body: "<html>hello</html>"}
		}, says: []string{"probably not Meta answered"}},
	} {
		r := newRig(t, nil)
		r.fake.Access = func(string) leadfake.Access { return c.access }
		r.fake.Refuse = c.refuse
		config := r.c
		var pages []string
		if c.page != "" {
			pages = []string{c.page}
		}
		found := Check(t.Context(), "tenant acme: leads", &config, pages)
		if len(found) != 2 || (found[0].Level == finding.OK) != c.well || !c.well && found[0].Fix == "" {
			t.Errorf("%s: %+v", name, found)
			continue
		}
		for _, says := range c.says {
			if !strings.Contains(found[0].What, says) {
				t.Errorf("%s: %q is not in %q", name, says, found[0].What)
			}
		}
	}
}
