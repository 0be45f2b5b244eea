package google_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/google/googletest"
)

// TestAnswers: what an answer means for all of a request.
func TestAnswers(t *testing.T) {
	failed := func(code int, status, details string) string {
		return fmt.Sprintf(`{"error":{"code":%d,"message":"m","status":%q,"details":[%s]}}`, code, status, details)
	}
	info := func(reason, metadata string) string {
		return fmt.Sprintf(`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":%q,"metadata":{%s}}`, reason, metadata)
	}
	field := func(name, reason string) string {
		return fmt.Sprintf(`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":%q,"reason":%q}]}`, name, reason)
	}
	for _, c := range []struct {
		name         string
		status       int
		body         string
		fate         string
		reason, code string
	}{
		{"no action", 400, failed(400, "INVALID_ARGUMENT", field("destinations[0].product_destination_id", "INVALID_CONVERSION_ACTION_ID")),
			"PP", "configuration", "INVALID_CONVERSION_ACTION_ID"},
		{"no manager", 400, failed(400, "INVALID_ARGUMENT", field("destinations[0].login_account.account_id", "INVALID_NUMBER_FORMAT")),
			"PP", "configuration", "INVALID_NUMBER_FORMAT"},
		{"terms", 400, failed(400, "INVALID_ARGUMENT", field("events.events[0].user_data",
			"DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED")), "PP", "configuration",
			"DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED"},
		{"unknown, of no event", 400, failed(400, "INVALID_ARGUMENT", info("NEW_REASON", "")), "PP", "configuration", "NEW_REASON"},
		{"unknown, of an event", 400, failed(400, "INVALID_ARGUMENT", field("events[1].x", "NEW_REASON")), "TD", "refused", "NEW_REASON"},
		{"JSON of an event", 400, failed(400, "INVALID_ARGUMENT", field("events[1].x", "")), "TD", "refused", ""},
		{"precondition", 400, failed(400, "FAILED_PRECONDITION", ""), "PP", "configuration", "FAILED_PRECONDITION"},
		{"disabled", 403, failed(403, "PERMISSION_DENIED", info("SERVICE_DISABLED", `"activationUrl":"https://x.test/on"`)), "PP", "permission",
			"SERVICE_DISABLED"},
		{"not found", 404, failed(404, "NOT_FOUND", ""), "PP", "permission", "NOT_FOUND"},
		{"no account", 403, failed(403, "PERMISSION_DENIED", ""), "PP", "permission", "PERMISSION_DENIED"},
		{"aborted", 409, failed(409, "ABORTED", ""), "RR", "transient", ""},
		{"internal", 500, failed(500, "INTERNAL", ""), "RR", "transient", ""},
		{"away", 503, "<html>", "RR", "transient", ""},
		{"internal, of an event", 400, failed(400, "INVALID_ARGUMENT", field("events.events[0]", "INTERNAL_ERROR")), "RR", "transient",
			"INTERNAL_ERROR"},
		{"a limit", 429, failed(429, "RESOURCE_EXHAUSTED", info("RATE_LIMIT_EXCEEDED", `"quota_limit":"RequestsPerMinute"`)), "RR", "throttled",
			"RATE_LIMIT_EXCEEDED"},
		{"redirect", 302, "", "PP", "configuration", ""},
		{"somebody else", 404, "not here", "PP", "configuration", ""},
		{"not Google's 200", 200, "ok", "RR", "transient", ""},
		{"no receipt", 200, "{}", "RR", "transient", ""},
	} {
		fake, client, _ := start(t)
		fake.Script(1, googletest.Answer{Status: c.status, Body: c.body, Header: http.Header{"Location": {"/elsewhere"}}})
		results := ingest(t, client, sales(t, 2)...)
		bad := results[strings.IndexFunc(c.fate, func(r rune) bool { return r != 'T' })]
		if fates(results) != c.fate || bad.Reason != c.reason || bad.Code != c.code || bad.Text == "" {
			t.Errorf("%s: %s, %+v", c.name, fates(results), bad)
		}
		if c.name == "disabled" && !strings.Contains(bad.Text, "https://x.test/on") {
			t.Errorf("it is not said where the API is switched on: %s", bad.Text)
		}
		if c.name == "no manager" && (!strings.Contains(bad.Text, "check `account`, `login_account`") || strings.Contains(bad.Text, "replay")) {
			t.Errorf("the destination is at fault, and not an event: %s", bad.Text)
		}
	}
}

// TestThrottled: Google's own time counts; without one the wait doubles; a day's quota is
// not asked for again within the hour.
func TestThrottled(t *testing.T) {
	fake, c, _ := start(t)
	fake.Script(1, googletest.Answer{Status: 429, Header: http.Header{"Retry-After": {"7"}}})
	fake.Script(2, googletest.Answer{Status: 429})
	fake.Script(1, googletest.Answer{Status: 429, Body: `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"@type":` +
		`"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","metadata":{"quota_limit":"RequestsPerDay"}}]}}`})
	for _, want := range []time.Duration{7 * time.Second, 2 * time.Minute, 4 * time.Minute, time.Hour} {
		if r := ingest(t, c, sale(t, "x"))[0]; !r.Throttled || r.Fate != google.Retry || r.After != want {
			t.Errorf("%+v, want %v", r, want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) *http.Response {
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	_, _ = w.WriteString(body)
	return w.Result()
}

func read(r *http.Request) string {
	body, err := r.GetBody()
	if err != nil {
		return err.Error()
	}
	defer body.Close()
	var b strings.Builder
	buf := make([]byte, 1<<16)
	for {
		n, err := body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}
