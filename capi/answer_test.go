package capi_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
)

func graphError(code, subcode int, more string) string {
	return fmt.Sprintf(`{"error":{"message":"Said by Meta\n","type":"OAuthException","code":%d,"error_subcode":%d,"fbtrace_id":"T"%s}}`, code,
		subcode, more)
}

func TestAnswers(t *testing.T) {
	header := func(kv ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(kv); i += 2 {
			h.Set(kv[i], kv[i+1])
		}
		return h
	}
	for _, c := range []struct {
		name   string
		answer capitest.Answer
		want   capi.Result // Text: a part of it
	}{
		{"none counted", capitest.Answer{Body: `{"events_received":0,"fbtrace_id":"T"}`},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, Unconfirmed: true, TraceID: "T"}},
		{"empty 200", capitest.Answer{}, capi.Result{Fate: capi.Retry, Class: capi.Transient, Unconfirmed: true, InDoubt: true}},
		{"a proxy's page with 200", capitest.Answer{Body: "<html>"},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, Unconfirmed: true, InDoubt: true}},
		{"half an answer", capitest.Answer{Body: `{"events_rec`},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, Unconfirmed: true, InDoubt: true}},
		{"a gateway that got no answer", capitest.Answer{Status: 504, Body: "<html>"},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, InDoubt: true, Text: "a gateway answered"}},
		{"some counted", capitest.Answer{Body: `{"events_received":1}`}, capi.Result{Fate: capi.Dead, Class: capi.BadEvent,
			Reason: capi.ReasonUnconfirmed, Text: "1 of the batch's 2"}},
		{"more counted", capitest.Answer{Body: `{"events_received":3}`}, capi.Result{Fate: capi.Done}},
		{"limit reached", capitest.Answer{Body: `{"events_received":2}`, Header: header("X-App-Usage",
			`{"call_count":100,"total_time":3,"total_cputime":1}`)}, capi.Result{Fate: capi.Done, After: time.Minute}},
		{"limit near", capitest.Answer{Body: `{"events_received":2}`, Header: header("X-App-Usage", `{"call_count":99.5}`, "X-Ad-Account-Usage",
			`{"acc_id_util_pct":9.6,"reset_time_duration":100}`)}, capi.Result{Fate: capi.Done}},
		{"500", capitest.Answer{Status: 500, Body: "<html>oops"}, capi.Result{Fate: capi.Retry, Class: capi.Transient, Text: "500"}},
		{"503 with a time", capitest.Answer{Status: 503, Header: header("Retry-After", "7")},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, After: 7 * time.Second}},
		{"408", capitest.Answer{Status: 408}, capi.Result{Fate: capi.Retry, Class: capi.Transient}},
		{"429", capitest.Answer{Status: 429}, capi.Result{Fate: capi.Retry, Class: capi.Throttled, Throttled: true, After: time.Minute}},
		{"429 with a date", capitest.Answer{Status: 429, Header: header("Retry-After", now.Add(90*time.Second).UTC().Format(http.TimeFormat))},
			capi.Result{Fate: capi.Retry, Class: capi.Throttled, Throttled: true, After: now.Add(90 * time.Second).Truncate(time.Second).Sub(now)}},
		{"429 with the day after", capitest.Answer{Status: 429, Header: header("Retry-After",
			now.Add(48*time.Hour).UTC().Format(http.TimeFormat))}, capi.Result{Fate: capi.Retry, Class: capi.Throttled, Throttled: true,
			After: time.Hour}},
		{"429 with a day", capitest.Answer{Status: 429, Header: header("Retry-After", "86400")},
			capi.Result{Fate: capi.Retry, Class: capi.Throttled, Throttled: true, After: time.Hour}},
		{"code 1", capitest.Answer{Status: 400, Body: graphError(1, 0, "")},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, Code: 1, TraceID: "T"}},
		{"is_transient wins over a bad token", capitest.Answer{Status: 401, Body: graphError(190, 0, `,"is_transient":true`)},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, Code: 190, TraceID: "T"}},
		{"is_transient wins over a bad event", capitest.Answer{Status: 400, Body: graphError(100, 2804066, `,"is_transient":true`)},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, Code: 100, Subcode: 2804066, TraceID: "T"}},
		{"a parameter error with 500", capitest.Answer{Status: 500, Body: graphError(100, 0, "")},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, Code: 100, TraceID: "T"}},
		{"unknown code", capitest.Answer{Status: 400, Body: graphError(4242, 0, "")},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, Code: 4242, TraceID: "T", Text: "Meta's message: Said by Meta "}},
		{"throttled with 400", capitest.Answer{Status: 400, Body: graphError(80004, 0, ""),
			Header: header("X-Business-Use-Case-Usage", `{"17":[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":9}]}`)},
			capi.Result{Fate: capi.Retry, Class: capi.Throttled, Throttled: true, After: 9 * time.Minute, Code: 80004, TraceID: "T"}},
		{"throttled by the ad account", capitest.Answer{Status: 403, Body: graphError(17, 0, ""),
			Header: header("X-Ad-Account-Usage", `{"acc_id_util_pct":100,"reset_time_duration":130}`)},
			capi.Result{Fate: capi.Retry, Class: capi.Throttled, Throttled: true, After: 130 * time.Second, Code: 17, TraceID: "T"}},
		{"policy", capitest.Answer{Status: 400, Body: graphError(368, 0, "")},
			capi.Result{Fate: capi.Retry, Class: capi.Throttled, Throttled: true, After: time.Hour, Code: 368, TraceID: "T"}},
		{"token", capitest.Answer{Status: 400, Body: graphError(190, 463, "")},
			capi.Result{Fate: capi.Park, Class: capi.Token, Code: 190, Subcode: 463, TraceID: "T", Text: "expired"}},
		{"code as a string", capitest.Answer{Status: 400, Body: `{"error":{"code":"190"}}`},
			capi.Result{Fate: capi.Park, Class: capi.Token, Code: 190}},
		{"permission", capitest.Answer{Status: 403, Body: graphError(200, 0, "")},
			capi.Result{Fate: capi.Park, Class: capi.Permission, Code: 200, TraceID: "T"}},
		{"wrong dataset", capitest.Answer{Status: 400, Body: graphError(100, 33, "")},
			capi.Result{Fate: capi.Park, Class: capi.Permission, Code: 100, Subcode: 33, TraceID: "T"}},
		{"mismatch", capitest.Answer{Status: 400, Body: graphError(100, 2804118, "")},
			capi.Result{Fate: capi.Park, Class: capi.Configuration, Code: 100, Subcode: 2804118, TraceID: "T"}},
		{"a redirect", capitest.Answer{Status: 307, Header: header("Location", "/v27.0/1234567890/events")},
			capi.Result{Fate: capi.Park, Class: capi.Configuration, Text: "redirects"}},
		{"somebody else's 404", capitest.Answer{Status: 404, Body: "<html>"},
			capi.Result{Fate: capi.Park, Class: capi.Configuration, Text: "404"}},
		{"another kind of error", capitest.Answer{Status: 400, Body: `{"error":"no"}`},
			capi.Result{Fate: capi.Park, Class: capi.Configuration, Text: "400"}},
		{"huge page", capitest.Answer{Status: 502, Body: strings.Repeat("x", 1<<20)},
			capi.Result{Fate: capi.Retry, Class: capi.Transient, InDoubt: true, Text: "502"}},
	} {
		meta, client := setup(t, nil)
		meta.Script(1, c.answer)
		got := only(t, send(t, client, items(t, 2)))
		if !strings.Contains(got.Text, c.want.Text) {
			t.Errorf("%s: text %q", c.name, got.Text)
		}
		got.Text, c.want.Text = "", ""
		if got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
		if meta.Requests() != 1 {
			t.Errorf("%s: %d requests", c.name, meta.Requests())
		}
	}
}

func TestThrottlingWithoutATimeDoubles(t *testing.T) {
	meta, c := setup(t, nil)
	meta.Script(6, capitest.Answer{Status: 400, Body: graphError(4, 0, ""), Header: http.Header{"X-App-Usage": {`{"call_count":101}`}}})
	for _, want := range []time.Duration{1, 2, 4, 8, 15, 15} {
		if r := only(t, send(t, c, items(t, 1))); r.After != want*time.Minute || !r.Throttled {
			t.Errorf("%+v, want %d min", r, want)
		}
	}
	only(t, send(t, c, items(t, 1)))
	meta.Script(1, capitest.Answer{Status: 429})
	if r := only(t, send(t, c, items(t, 1))); r.After != time.Minute {
		t.Errorf("after a success: %+v", r)
	}
}

func TestZeroReceivedThreeTimes(t *testing.T) {
	meta, c := setup(t, nil)
	meta.Script(4, capitest.Answer{Body: `{"events_received":0}`})
	in := items(t, 2)
	in[1].Unconfirmed = 3 // came from an earlier batch
	for n := range 4 {
		in[0].Unconfirmed = n
		r := send(t, c, in)
		if last := n == 3; (r[0].Fate == capi.Dead) != last || !last && r[0].Fate != capi.Retry {
			t.Errorf("answer %d: %+v", n+1, r[0])
		}
		if r[1].Fate != capi.Dead || r[1].Reason != capi.ReasonUnconfirmed {
			t.Errorf("answer %d: %+v", n+1, r[1])
		}
	}
}

// constant answers every request with the same.
type constant struct {
	status       int
	header, body string
}

func (a constant) RoundTrip(r *http.Request) (*http.Response, error) {
	_ = r.Body.Close()
	h := http.Header{}
	for _, name := range []string{"Retry-After", "X-App-Usage", "X-Business-Use-Case-Usage", "X-Ad-Account-Usage"} {
		h.Set(name, a.header)
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

// FuzzAnswer: whatever comes back, every event has a result that makes sense.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "", `{"events_received":2}`)
	f.Add(200, "-1", `{"events_received":1e99}`)
	f.Add(400, `{"call_count":"1e400"}`, graphError(100, 2804066, ""))
	f.Add(400, `{"1":[{"estimated_time_to_regain_access":99999999999999}]}`, graphError(17, 0, ""))
	f.Add(0, `{"acc_id_util_pct":1e3,"reset_time_duration":-5}`, `{"error":{"code":-1,"error_subcode":{},"is_transient":1}}`)
	in := items(f, 2)
	f.Fuzz(func(t *testing.T, status int, header, body string) {
		c := capi.NewClient(settings())
		c.Transport = constant{status, header, body}
		c.Now = func() time.Time { return now }
		for i, r := range send(t, c, in) {
			if r.After < 0 || r.After > time.Hour || (r.Fate == capi.Dead) != (r.Reason != "") || r.Throttled && r.Fate != capi.Retry ||
				r.Unconfirmed && r.Fate != capi.Retry ||
				(r.Fate == capi.Retry || r.Fate == capi.Park) && (r.Text == "" || r.Class == 0) || r.Fate == capi.NotSent && i == 0 {
				t.Fatalf("event %d: %+v", i, r)
			}
		}
	})
}
