package googletest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// success is the outcome of an event that counts.
const success = "SUCCESS"

// stored is a request that got a receipt.
type stored struct {
	at           time.Time
	destinations []destination
	outcomes     [][]string // of each destination's events: success, a reason, or "" where the event is not for it
}

// take keeps a request, and says by which id. Of validateOnly nothing is kept.
func (s *Server) take(in *ingestRequest, events []*checked) string {
	id := "fake-" + strings.ToLower(rand.Text()[:20])
	if in.ValidateOnly {
		return id
	}
	s.mu.Lock()
	r := &stored{at: s.now(), destinations: in.Destinations, outcomes: make([][]string, len(in.Destinations))}
	if s.stored == nil {
		s.stored, s.sales, s.seconds = make(map[string]*stored), make(map[string]string), make(map[string]string)
	}
	s.stored[id] = r
	var fresh []Accepted
	for i := range in.Destinations {
		d := &in.Destinations[i]
		for _, c := range events {
			outcome := ""
			if len(c.DestinationReferences) == 0 || slices.Contains(c.DestinationReferences, d.Reference) {
				outcome = s.outcome(d, c)
				a := Accepted{Request: s.ingests, RequestID: id, Account: d.OperatingAccount.AccountID, Action: d.ProductDestinationID,
					Outcome: outcome, Event: c.raw}
				if d.LoginAccount != nil {
					a.LoginAccount = d.LoginAccount.AccountID
				}
				fresh = append(fresh, a)
			}
			r.outcomes[i] = append(r.outcomes[i], outcome)
		}
	}
	s.accepted.Add(s.Keep, fresh...)
	s.mu.Unlock()
	if s.OnAccept != nil {
		for _, a := range fresh {
			s.OnAccept(a)
		}
	}
	return id
}

// outcome is what becomes of an event, by rule; with s.mu.
func (s *Server) outcome(d *destination, c *checked) string {
	account := d.OperatingAccount.AccountID
	if reason, ok := s.Reasons[c.TransactionID]; ok {
		return reason
	}
	if c.Consent.AdUserData == "CONSENT_DENIED" || c.Consent.AdUserData == "" && c.in.Consent.AdUserData == "CONSENT_DENIED" ||
		s.Denied[c.TransactionID] {
		return "DENIED_CONSENT"
	}
	for name, id := range c.AdIdentifiers {
		if reason := s.click(account, name, id, c); reason != "" {
			return reason
		}
		if a := s.Accounts[account]; a != nil && name != "gclid" && a.Actions[d.ProductDestinationID].OnePerClick {
			return "ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID"
		}
	}
	sale := account + "/" + d.ProductDestinationID + "/" + c.TransactionID
	content, again := s.sales[sale]
	if again && content == string(c.raw) {
		return "DUPLICATE_TRANSACTION_ID"
	}
	for _, id := range c.AdIdentifiers {
		second := account + "/" + id + "/" + strconv.FormatInt(c.at.Unix(), 10)
		if other, taken := s.seconds[second]; taken && other != c.TransactionID {
			return "DUPLICATE_GCLID"
		}
		s.seconds[second] = c.TransactionID
	}
	s.sales[sale] = string(c.raw) // new, or a correction
	return success
}

// click judges a click id: known, of this account, of the right age.
func (s *Server) click(account, name, id string, c *checked) string {
	if s.Clicks == nil {
		return ""
	}
	k, known := s.Clicks[id]
	if !known {
		for real := range s.Clicks {
			if strings.EqualFold(real, id) {
				return "INVALID_" + strings.ToUpper(name)
			}
		}
		return "CLICK_NOT_FOUND"
	}
	now := s.now()
	switch {
	case k.Account != "" && k.Account != account:
		return "INVALID_OPERATING_ACCOUNT_FOR_CLICK"
	case k.At.IsZero():
		return ""
	case now.Sub(k.At) < 6*time.Hour:
		return "TOO_RECENT_CLICK"
	case now.Sub(k.At) > 90*24*time.Hour:
		return "EXPIRED_CLICK"
	case !c.at.After(k.At):
		return "CONVERSION_PRECEDES_CLICK"
	}
	return ""
}

// count is how many events have a reason, as a status says it.
type count struct {
	RecordCount   string `json:"recordCount"`
	Reason        string `json:"reason"`
	RecordIndices []int  `json:"recordIndices,omitempty"`
}

// status answers what became of a request's events.
func (s *Server) status(r *http.Request, _ []byte) (any, *Error) {
	query := r.URL.Query()
	if len(query) != 1 || len(query["requestId"]) != 1 {
		return nil, violation("REQUIRED_FIELD_MISSING", "request_id", "ask for one requestId, and nothing else")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of, known := s.stored[query.Get("requestId")]
	if !known {
		return nil, violation("INVALID_REQUEST_ID", "request_id", "no request of that id is processed")
	}
	ready := s.ReadyAfter
	if ready == 0 {
		ready = 30 * time.Minute
	}
	open := s.now().Sub(of.at) < ready
	list := []any{}
	for i := range of.destinations {
		list = append(list, s.statusOf(&of.destinations[i], of.outcomes[i], open))
	}
	return map[string]any{"requestStatusPerDestination": list}, nil
}

func (s *Server) statusOf(d *destination, outcomes []string, open bool) map[string]any {
	var counts []*count
	total, bad := 0, 0
	for i, outcome := range outcomes {
		if outcome == "" {
			continue
		}
		if total++; outcome == success {
			continue
		}
		bad++
		reason := spelled(outcome)
		at := slices.IndexFunc(counts, func(c *count) bool { return c.Reason == reason })
		if at < 0 {
			counts = append(counts, &count{Reason: reason})
			at = len(counts) - 1
		}
		c := counts[at]
		n, _ := strconv.Atoi(c.RecordCount)
		c.RecordCount = strconv.Itoa(n + 1)
		if !s.NoIndices {
			c.RecordIndices = append(c.RecordIndices, i)
		}
	}
	state := "SUCCESS"
	switch {
	case open:
		state, counts = "PROCESSING", nil
	case bad > 0 && bad == total:
		state = "FAILED"
	case bad > 0:
		state = "PARTIAL_SUCCESS"
	}
	out := map[string]any{"destination": d, "requestStatus": state,
		"eventsIngestionStatus": map[string]string{"recordCount": strconv.Itoa(total)}}
	if len(counts) > 0 {
		out["errorInfo"] = map[string]any{"errorCounts": counts}
	}
	return out
}

// spelled is a reason as Google writes it: one of them without REASON.
func spelled(reason string) string {
	if reason == "OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER" {
		return "PROCESSING_ERROR_" + reason
	}
	return "PROCESSING_ERROR_REASON_" + reason
}
