package google_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/google"
)

// nameless is an error that names no event.
const nameless = `{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}`

// TestHalved: where Google names no event, the bad one is found by halves.
func TestHalved(t *testing.T) {
	_, c, _ := start(t)
	next := c.Transport
	var bad = `"transactionId":"order-9"`
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/token" {
			return next.RoundTrip(r)
		}
		if body := read(r); strings.Contains(body, bad) {
			return answer(400, nameless), nil
		}
		return next.RoundTrip(r)
	})
	open := sales(t, 16)
	for range 16 {
		results := ingest(t, c, open...)
		var rest []google.Event
		for i, r := range results {
			switch r.Fate {
			case google.NotSent:
				rest = append(rest, open[i])
			case google.Dead:
				if open[i].TransactionID != "order-9" {
					t.Fatalf("%s died", open[i].TransactionID)
				}
				bad = "nothing"
			case google.Taken:
			default:
				t.Fatalf("%+v", r)
			}
		}
		if open = rest; len(open) == 0 {
			break
		}
	}
	if len(open) != 0 || bad != "nothing" {
		t.Fatalf("%d events are left, bad is %s", len(open), bad)
	}
}

// TestTooLarge: a request that is too large for somebody is halved until it is not; no
// event dies of it.
func TestTooLarge(t *testing.T) {
	_, c, _ := start(t)
	next := c.Transport
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.ContentLength > 2500 && r.URL.Path != "/token" {
			return answer(413, "too large"), nil
		}
		return next.RoundTrip(r)
	})
	if got := fates(ingest(t, c, sales(t, 20)...)); got != "TTTTT"+strings.Repeat("N", 15) {
		t.Error(got)
	}
}
