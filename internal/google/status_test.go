package google

import (
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// outcomes are what a status says of the events of a request: a dot for open, + for
// clean, ? for not known which, else the reason.
func outcomes(t *testing.T, answer string, of int) string {
	t.Helper()
	var doc jsondoc.Doc
	if err := doc.Parse([]byte(answer)); err != nil {
		t.Fatal(err)
	}
	s := readStatus(doc.Root())
	var all []string
	for i := range of {
		switch o := s.Of(i, of); {
		case o.Open:
			all = append(all, ".")
		case o.Clean:
			all = append(all, "+")
		case o.Reason != nil:
			all = append(all, o.Reason.Reason)
		default:
			all = append(all, "?")
		}
	}
	return strings.Join(all, " ")
}

// TestOutcomes: by their places where Google names them; without, as far as there is one
// answer.
func TestOutcomes(t *testing.T) {
	const (
		click   = `{"recordCount":"1","reason":"PROCESSING_ERROR_REASON_INVALID_GCLID"`
		consent = `{"recordCount":"1","reason":"PROCESSING_ERROR_REASON_DENIED_CONSENT"`
	)
	status := func(state, counts string) string {
		return `{"requestStatusPerDestination":[{"requestStatus":"` + state + `","errorInfo":{"errorCounts":[` + counts + `]}}]}`
	}
	for _, c := range []struct {
		name, answer string
		of           int
		want         string
	}{
		{"processing", status("PROCESSING", ""), 2, ". ."},
		{"unknown", status("REQUEST_STATUS_UNKNOWN", ""), 1, "."},
		{"new", status("PAUSED", ""), 1, "."},
		{"nothing", `{}`, 1, "."},
		{"success", status("SUCCESS", ""), 2, "+ +"},
		{"places", status("PARTIAL_SUCCESS", click+`,"recordIndices":[1]},`+consent+`,"recordIndices":[2]}`), 3,
			"+ INVALID_GCLID DENIED_CONSENT"},
		{"no places, one of two", status("PARTIAL_SUCCESS", click+`}`), 2, "? ?"},
		{"no places, alone", status("FAILED", click+`}`), 1, "INVALID_GCLID"},
		{"no places, all", status("FAILURE", strings.Replace(click, `"1"`, `"3"`, 1)+`}`), 3, "INVALID_GCLID INVALID_GCLID INVALID_GCLID"},
		{"no places, two reasons", status("FAILED", click+`},`+consent+`}`), 2, "? ?"},
		{"a place for one of two", status("FAILED", click+`,"recordIndices":[0]},`+consent+`}`), 2, "INVALID_GCLID DENIED_CONSENT"},
		{"fewer places than records", status("PARTIAL_SUCCESS", strings.Replace(click, `"1"`, `"2"`, 1)+`,"recordIndices":[0]}`), 3,
			"INVALID_GCLID ? ?"},
		{"a place that the request has not", `{"requestStatusPerDestination":[{"requestStatus":"PARTIAL_SUCCESS","errorInfo":{"errorCounts":[` +
			click + `,"recordIndices":[7]}]},"eventsIngestionStatus":{"recordCount":"2"}}]}`, 2, "? ?"},
		{"failed for no reason", status("FAILED", ""), 1, "?"},
		{"partly for no reason", status("PARTIAL_SUCCESS", ""), 2, "? ?"},
		{"numbers", status("FAILED", `{"recordCount":1,"reason":"X","recordIndices":["0"]}`), 1, "X"},
		{"two destinations", `{"requestStatusPerDestination":[{"requestStatus":"SUCCESS"},{"requestStatus":"PROCESSING"}]}`, 1, "."},
	} {
		if got := outcomes(t, c.answer, c.of); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestTables: every row says what happened and what to do, no name stands twice, and each
// reason of Google's discovery document is known.
func TestTables(t *testing.T) {
	for _, table := range Tables() {
		seen := map[string]bool{}
		for _, x := range table.Rows {
			if x.Sentence == "" || x.Fix == "" || x.Action == 0 || seen[x.Reason] || x.Action.String() == "" ||
				x.Action == Die && x.Letter == "" || x.Action == SendAgain && (len(x.Again) == 0 || x.Letter == "") {
				t.Errorf("%s: %+v", table.Title, x)
			}
			seen[x.Reason] = true
		}
	}
	for reason, want := range map[string]Action{
		"PROCESSING_ERROR_REASON_DUPLICATE_TRANSACTION_ID":              Done,
		"PROCESSING_ERROR_REASON_TOO_RECENT_CLICK":                      SendAgain,
		"PROCESSING_ERROR_OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER": Die,
		"PROCESSING_ERROR_REASON_USER_NOT_FOUND_FOR_CALL":               Die,
		"PROCESSING_ERROR_REASON_INVALID_WIP_FORMAT":                    Die,
		"PROCESSING_ERROR_REASON_MATCH_ID_EXPIRED":                      Die,
		"PROCESSING_ERROR_REASON_INSUFFICIENT_DATA":                     Die,
		"PROCESSING_ERROR_REASON_NEW":                                   Die,
		"PROCESSING_ERROR_REASON_EXTERNAL_ATTRIBUTION_DATA_MISSING":     Halt,
		"PROCESSING_ERROR_REASON_DUPLICATE_GCLID":                       Shift,
		"INTERNAL_ERROR": SendAgain,
		"DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED":                        Halt,
		"PROCESSING_ERROR_REASON_ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID": Die,
	} {
		if x := ExplainProcessing(reason); x.Action != want || (x.Where == "") != strings.HasSuffix(reason, "_NEW") {
			t.Errorf("%s: %+v", reason, x)
		}
	}
	if x := ExplainError("UNSUPPORTED_OPERATION_FOR_DATA_PARTNER", false); x.Action != Halt || x.Where == "" {
		t.Errorf("%+v", x)
	}
	if got := Explain("internal_error"); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	for _, none := range []string{"", "*", "404", "NOTHING"} {
		if got := Explain(none); got != nil {
			t.Errorf("%q: %+v", none, got)
		}
	}
}

// FuzzError: an error of any shape is read without a panic, and names only events that
// the request has.
func FuzzError(f *testing.F) {
	f.Add([]byte(`{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[` +
		`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"INVALID_ARGUMENT","metadata":{"requestId":"t-1"}},` +
		`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[` +
		`{"field":"events.events[1].user_data.user_identifiers[2]","description":"d","reason":"INVALID_HEX_ENCODING"},` +
		`{"field":"events[0]","description":"d"},{"field":"destinations[0].login_account.account_id"}]}]}}`))
	f.Add([]byte(`{"error":{"details":[{"fieldViolations":[{"field":"events.events[99999999999999999999]"},{"field":"events[]"}]}]}}`))
	f.Add([]byte(`{"error":{"details":{"fieldViolations":7}}}`))
	f.Add([]byte(`{"requestStatusPerDestination":[{"requestStatus":"FAILED","errorInfo":` +
		`{"errorCounts":[{"recordCount":"-1","recordIndices":[-1,3]}]}}]}`))
	c := NewClient(&Settings{Account: "1234567890"}, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		if e := readError(body); e != nil {
			a := c.refused(e, 400, 0, 3)
			for i, r := range a.named {
				if i < 0 || i >= 3 || r.Fate != Dead || r.Text == "" {
					t.Errorf("event %d: %+v", i, r)
				}
			}
			if len(a.named) == 0 && (a.Fate == NotSent || a.Fate == Taken || a.Text == "") {
				t.Errorf("%+v", a)
			}
		}
		var doc jsondoc.Doc
		if doc.Parse(body) == nil {
			s := readStatus(doc.Root())
			for i := range 3 {
				s.Of(i, 3)
			}
		}
	})
}

// TestEventIndex: both of Google's spellings, and nothing else.
func TestEventIndex(t *testing.T) {
	for field, want := range map[string]int{
		"events.events[1].user_data.user_identifiers[2]": 1, "events[0].event_source": 0, "events[17]": 17, "events.events[3]": 3,
		"events": -1, "events[x]": -1, "events[]": -1, "events[1": -1, "events[-1]": -1, "events[1]x": -1, "destinations[0].x": -1,
		"x.events[1]": -1, "events[99999999999999999999]": -1, "": -1,
	} {
		v := Violation{Field: field}
		if i, ok := v.Event(); ok != (want >= 0) || ok && i != want {
			t.Errorf("%s: %d, %v", field, i, ok)
		}
	}
}
