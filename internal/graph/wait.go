package graph

import (
	"net/http"
	"strconv"
	"time"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/retryafter"
)

// Wait returns how long an answer's headers ask to wait, at most an hour, 0 where
// they give no time. Usage is in percent, and at 100 calls are refused:
// X-Business-Use-Case-Usage gives minutes, X-Ad-Account-Usage seconds,
// X-App-Usage no time; Retry-After has seconds or a date. atLimit reports whether
// they say that a limit is reached, with a time or without.
func Wait(h http.Header, now time.Time) (wait time.Duration, atLimit bool) {
	wait = retryafter.Parse(h.Get("Retry-After"), now)
	var doc jsondoc.Doc
	if v := h.Get("X-Business-Use-Case-Usage"); v != "" && doc.Parse([]byte(v)) == nil {
		for account := doc.Root().First(); account.Exists(); account = account.Next() {
			for u := account.First(); u.Exists(); u = u.Next() {
				if n, ok := u.Get("estimated_time_to_regain_access").Int(); ok && n > 0 {
					wait = max(wait, time.Duration(min(n, 60))*time.Minute)
				}
				atLimit = atLimit || spent(u)
			}
		}
	}
	if v := h.Get("X-Ad-Account-Usage"); v != "" && doc.Parse([]byte(v)) == nil && percent(doc.Root().Get("acc_id_util_pct")) >= 100 {
		atLimit = true
		if n, ok := doc.Root().Get("reset_time_duration").Int(); ok && n > 0 {
			wait = max(wait, time.Duration(min(n, 3600))*time.Second)
		}
	}
	if v := h.Get("X-App-Usage"); v != "" && doc.Parse([]byte(v)) == nil {
		atLimit = atLimit || spent(doc.Root())
	}
	return min(wait, retryafter.Longest), atLimit
}

func spent(usage jsondoc.Node) bool {
	return percent(usage.Get("call_count")) >= 100 || percent(usage.Get("total_cputime")) >= 100 || percent(usage.Get("total_time")) >= 100
}

func percent(n jsondoc.Node) float64 {
	v, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return 0
	}
	return v
}
