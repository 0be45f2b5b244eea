package admin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/httperr"
)

// TestOnlyParams: a query says each thing once, in a form that can be read, and nothing that is not known.
func TestOnlyParams(t *testing.T) {
	for query, says := range map[string]string{
		"": "", "destination=n8n": "", "id=1&id=2&destination=n8n": "", "destination=a%26b": "",
		"destination=a&destination=b": "parameter destination stands 2 times: write it once",
		"destination=":                "parameter destination is empty: give it a value, or leave it out",
		"desination=n8n":              "unknown parameter desination: write destination",
		"x=1":                         "unknown parameter x: write one of destination, id",
		"destination=%zz":             "the parameters cannot be read", "destination=n8n;id=1": "the parameters cannot be read",
	} {
		err := OnlyParams(query, "destination", "id")
		if (err == nil) != (says == "") || err != nil && !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%s: %v, want %q", query, err, says)
		}
	}
	if err := OnlyParams("x=1"); err == nil || err.Error() != "unknown parameter x: there is none here" {
		t.Error(err)
	}
}

// TestReadAction: what is wrong with a body is said in words that those know who wrote it.
func TestReadAction(t *testing.T) {
	for text, says := range map[string]string{
		`{"destination":"n8n","all":true}`: "", " {} \n": "", `{"since":"2026-01-31T00:00:00Z"}`: "",
		"": "the body is empty", "null": "the body is empty", "[]": "the body is no JSON object", `"x"`: "the body is no JSON object",
		`{"destination":5}`:               "destination cannot be a number",
		`{"all":"yes"}`:                   "all cannot be a string",
		`{"ids":{}}`:                      "ids cannot be an object",
		`{"resaon":"x"}`:                  "unknown field resaon: write reason",
		`{"x":1}`:                         "unknown field x: write one of destination, ids, all, reason, since",
		`{"Destination":"n8n"}`:           "unknown field Destination: write destination",
		`{"all":true,"all":false}`:        "all stands twice: write it once",
		`{"\u0061ll":true,"all":false}`:   "all stands twice: write it once",
		`{"since":"yesterday"}`:           "since is UNIX milliseconds or RFC 3339",
		`{} {}`:                           "something follows the body's JSON object",
		`{"destination":`:                 "the body is no JSON: it ends too early",
		`{destination}`:                   "the body is no JSON: ",
		strings.Repeat(" ", 1<<20) + "{}": "the body is over 1 MiB",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
		err := readAction(r, new(DeadSelection))
		if (err == nil) != (says == "") || err != nil && !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%.40s: %v, want %q", text, err, says)
		}
		if err == nil {
			continue
		}
		if e, ok := errors.AsType[*httperr.Error](err); !ok || e.Status != http.StatusBadRequest && len(text) < 1<<20 {
			t.Errorf("%.40s: %#v", text, err)
		}
	}
}

// TestReadNothing: an empty body, an empty object and null say nothing; all else would be taken for said.
func TestReadNothing(t *testing.T) {
	for text, right := range map[string]bool{"": true, " ": true, "{}": true, "null": true, "[]": false, `{"for":"1h"}`: false, "x": false} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
		if err := readNothing(r); (err == nil) != right {
			t.Errorf("%q: %v", text, err)
		}
	}
}
