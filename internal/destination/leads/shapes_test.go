package leads

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/leadfake"
)

// TestListsOfOtherShapes: a part that is empty is not the end, and where an answer has no cursors the
// address of the next part says where that begins; that address itself is never asked.
func TestListsOfOtherShapes(t *testing.T) {
	parts := map[string]string{
		"":    `{"data":[{"id":"1"}],"paging":{"cursors":{"after":"a b"},"next":"https://127.0.0.1:1/?access_token=x"}}`,
		"a b": `{"data":[],"paging":{"cursors":{"after":"c"},"next":"https://127.0.0.1:1/?access_token=x"}}`,
		"c":   `{"data":[{"id":2,"more":{}}],"paging":{"next":"https://127.0.0.1:1/v27.0/1/leads?access_token=x&limit=100&after=d%3D"}}`,
		"d=":  `{"data":[{"id":"3"}],"paging":{"cursors":{"before":"d=","after":"e"}}}`,
	}
	r := newRig(t, nil)
	asked := 0
	r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
		asked++
		return &leadfake.Refusal{Status: http.StatusOK, Body: parts[req.URL.Query().Get("after")]}
	}
	var got []string
	err := r.leadsOf(t.Context(), &pageAccess{page: page}, "771234567890123", 0, "", func(found []Found, _ string) (bool, error) {
		for _, l := range found {
			got = append(got, l.ID)
		}
		return true, nil
	})
	if err != nil || !slices.Equal(got, []string{"1", "2", "3"}) || asked != len(parts) {
		t.Errorf("%q in %d parts, %v", got, asked, err)
	}
	parts["d="] = `{"data":[{"id":"3"}],"paging":{"next":"https://127.0.0.1:1/?access_token=x"}}`
	err = r.leadsOf(t.Context(), &pageAccess{page: page}, "771234567890123", 0, "",
		func([]Found, string) (bool, error) { return true, nil })
	if err == nil || !strings.Contains(err.Error(), "does not say where") {
		t.Errorf("a list that goes on nobody knows where: %v", err)
	}
}

// TestFormsOfOtherShapes: a form whose status is not said is read.
func TestFormsOfOtherShapes(t *testing.T) {
	r := newRig(t, nil)
	r.fake.Refuse = func(*http.Request) *leadfake.Refusal {
		return &leadfake.Refusal{Status: http.StatusOK, Body: `{"data":[{"id":1,"status":"ACTIVE"},{"id":"2"},{"id":"3","status":"ARCHIVED"},` +
			`{"id":"4","status":"active"},{"id":"x","status":"ACTIVE"},{"status":"ACTIVE"},{"id":"5","status":null}]}`}
	}
	active, access := "", &pageAccess{page: page}
	err := r.formsOf(t.Context(), access)
	for _, f := range access.forms {
		if f.Active {
			active += f.ID
		}
	}
	if err != nil || active != "1245" {
		t.Errorf("active are %q, %v", active, err)
	}
}

// TestManyAnswers: a form of many questions with long answers is no broken one.
func TestManyAnswers(t *testing.T) {
	r := newRig(t, nil)
	lead := leadfake.Sample(leadID, now)
	for i := range 20 {
		lead.Fields = append(lead.Fields, leadfake.Field{Name: "q" + strconv.Itoa(i), Values: []string{strings.Repeat("ü", 10000)}})
	}
	r.fake.Add(lead)
	if v := r.send(t, ""); v.Action != destination.Done || !strings.Contains(r.events[0], `"name":"q19"`) {
		t.Errorf("%+v", v)
	}
}

// TestAnswersWithoutID: answers are a lead's whose id the answer leaves out; null is none.
func TestAnswersWithoutID(t *testing.T) {
	for body, want := range map[string]destination.Action{
		`{"field_data":[{"name":"full_name","values":["Ana"]}]}`: destination.Done,
		`{"field_data":[],"id":null}`:                            destination.Retry,
		`{"field_data":null}`:                                    destination.Retry,
		`{"id":` + leadID + `}`:                                  destination.Done,
		`[{"id":"` + leadID + `"}]`:                              destination.Retry,
	} {
		r := newRig(t, nil)
		r.fake.Refuse = func(*http.Request) *leadfake.Refusal { return &leadfake.Refusal{Status: 200, Body: body} }
		if v := r.send(t, ""); v.Action != want || len(r.events) > 0 != (want == destination.Done) {
			t.Errorf("%s: %+v", body, v)
		}
	}
}
