package googletest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestOutcomes: what becomes of events is known later, by rule.
func TestOutcomes(t *testing.T) {
	s := &Server{Now: func() time.Time { return now }, Clicks: map[string]Click{
		"Good": {At: now.Add(-7 * time.Hour)}, "Young": {At: now.Add(-time.Hour)}, "Old": {At: now.Add(-91 * 24 * time.Hour)},
		"Foreign": {Account: "9"}, "Braid": {},
	}, Accounts: map[string]*Account{"1234567890": {Actions: map[string]Action{"777111122": {OnePerClick: true}}}}}
	event := func(id, name, click, timestamp, more string) string {
		return fmt.Sprintf(`{"eventTimestamp":%q,"eventSource":"WEB","transactionId":%q,"adIdentifiers":{%q:%q}%s}`,
			timestamp, id, name, click, more)
	}
	const at = "2026-11-26T10:15:30Z"
	for _, c := range []struct{ event, want string }{
		{event("1", "gclid", "Good", at, ""), success},
		{event("1", "gclid", "Good", at, ""), "DUPLICATE_TRANSACTION_ID"},
		{event("1", "gclid", "Good", at, `,"conversionValue":2,"currency":"EUR"`), success},
		{event("2", "gclid", "Good", at, ""), "DUPLICATE_GCLID"},
		{event("2", "gclid", "Good", "2026-11-26T10:15:31Z", ""), success},
		{event("3", "gclid", "Young", at, ""), "TOO_RECENT_CLICK"},
		{event("4", "gclid", "Old", at, ""), "EXPIRED_CLICK"},
		{event("5", "gclid", "nobody's", at, ""), "CLICK_NOT_FOUND"},
		{event("6", "gclid", "good", at, ""), "INVALID_GCLID"},
		{event("7", "gclid", "Foreign", at, ""), "INVALID_OPERATING_ACCOUNT_FOR_CLICK"},
		{event("8", "gclid", "Good", "2026-11-26T04:00:00Z", ""), "CONVERSION_PRECEDES_CLICK"},
		{event("9", "wbraid", "Braid", at, ""), "ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID"},
		{event("10", "gclid", "Good", at, `,"consent":{"adUserData":"CONSENT_DENIED"}`), "DENIED_CONSENT"},
	} {
		body := `{"destinations":[` + ads + `],"events":[` + c.event + `]}`
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if _, fail := s.ingest(r, []byte(body)); fail != nil {
			t.Fatal(fail)
		}
		if got := s.Accepted()[len(s.Accepted())-1].Outcome; got != c.want {
			t.Errorf("%s: %s, want %s", c.event, got, c.want)
		}
	}
}

// TestStatus: processing for half an hour, then with places or without.
func TestStatus(t *testing.T) {
	clock := now
	s := &Server{Now: func() time.Time { return clock }, Reasons: map[string]string{"lead-42": "BRAND_NEW"}}
	ask := func(query string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, fail := s.status(r, nil)
		if fail != nil {
			return fail.Error()
		}
		b, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	in := func(body string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, fail := s.ingest(r, []byte(body))
		if fail != nil {
			t.Fatal(fail)
		}
		return "requestId=" + answer.(map[string]string)["requestId"]
	}
	id, dry := in(good), in(strings.Replace(good, `"encoding"`, `"validateOnly":true,"encoding"`, 1))
	wants := func(query string, parts ...string) {
		t.Helper()
		answer := ask(query)
		for _, part := range parts {
			if !strings.Contains(answer, part) {
				t.Errorf("%s is not in %s", part, answer)
			}
		}
	}
	wants(id, `"requestStatus":"PROCESSING"`, `"recordCount":"2"`)
	clock = now.Add(30 * time.Minute)
	wants(id, `"PARTIAL_SUCCESS"`, `"reason":"PROCESSING_ERROR_REASON_BRAND_NEW"`, `"recordIndices":[1]`, `"errorCounts":[{"recordCount":"1"`)
	if s.NoIndices = true; strings.Contains(ask(id), "recordIndices") {
		t.Error("places, though there are none")
	}
	wants(dry, "INVALID_REQUEST_ID")
	wants("requestId=x", "INVALID_REQUEST_ID")
	wants(id+"&x=1", "REQUIRED_FIELD_MISSING")
	if n := len(s.Accepted()); n != 2 {
		t.Errorf("%d accepted, one of the two requests was to be checked only", n)
	}
}
