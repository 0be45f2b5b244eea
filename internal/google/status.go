package google

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Status is what Google says of a request's events.
type Status struct {
	Open     bool // it does not know yet (PROCESSING): ask again later
	Errors   []Count
	Warnings []Count

	records  int            // how many events the request had; 0 is not said
	failed   bool           // at least one event was refused
	all      bool           // all were (FAILED)
	placed   map[int]string // the reasons of events that are named, by their places
	unplaced int            // how many are refused without being named
	reason   string         // theirs
	mixed    bool           // they have several
}

// Count is how many events have a reason.
type Count struct {
	Reason  string // without its prefix, see [ExplainProcessing] and [ExplainWarning]
	Records int
	Indices []int // which, by their places in the request; Google may leave out some, or all
}

// Outcome is what became of one event of a request.
type Outcome struct {
	Open   bool         // nothing is known yet
	Clean  bool         // Google has it
	Reason *Explanation // it was refused, and for this
	// None of these: some events of the request were refused, and Google does not say
	// which: a dead letter ReasonUnconfirmed.
}

// Of is what became of the event at that place of a request with of events. Where Google
// names no places, all of a request that was refused whole for one reason have it.
func (s *Status) Of(index, of int) Outcome {
	if s.Open {
		return Outcome{Open: true}
	}
	if !s.failed {
		return Outcome{Clean: true}
	}
	if reason, ok := s.placed[index]; ok {
		x := ExplainProcessing(reason)
		return Outcome{Reason: &x}
	}
	rest := max(of, s.records) - len(s.placed)
	switch {
	case s.unplaced == 0 && len(s.placed) > 0 && !s.all:
		return Outcome{Clean: true}
	case s.reason != "" && !s.mixed && (s.unplaced >= rest || s.all):
		x := ExplainProcessing(s.reason)
		return Outcome{Reason: &x}
	}
	return Outcome{}
}

// place finds the reason of each event that is named, and what the others have. A place that
// the request has not names nobody.
func (s *Status) place() {
	s.placed = make(map[int]string)
	for _, e := range s.Errors {
		named := 0
		for _, i := range e.Indices {
			if s.records > 0 && i >= s.records {
				continue
			}
			named++
			if _, ok := s.placed[i]; !ok {
				s.placed[i] = e.Reason
			}
		}
		if missing := e.Records - named; missing > 0 {
			s.unplaced += missing
			s.mixed = s.mixed || s.reason != "" && s.reason != e.Reason
			s.reason = e.Reason
		}
	}
}

// Status asks what became of the events of a request. Taken means that it was learned;
// else the Result says what is wrong, as for Ingest: Dead, with the reason unconfirmed,
// where Google does not know the request.
func (c *Client) Status(ctx context.Context, requestID string) (*Status, Result) {
	target := c.settings.endpoint() + "/v1/requestStatus:retrieve?requestId=" + url.QueryEscape(requestID)
	root, a := c.call(ctx, func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	}, 0)
	if a.Code == "INVALID_REQUEST_ID" {
		a.Fate, a.Reason = Dead, ReasonUnconfirmed
		return nil, a.Result
	}
	if a.Fate == Dead { // of events, of which the question has none
		a.Fate, a.Reason = Retry, transient
	}
	if a.Fate != Taken {
		return nil, a.Result
	}
	s := readStatus(root)
	return s, a.Result
}

// readStatus reads an answer. A request has one destination; of several, all count.
func readStatus(root node) *Status {
	s := new(Status)
	list := root.Get("requestStatusPerDestination")
	s.Open = list.Len() == 0
	for d := list.First(); d.Exists(); d = d.Next() {
		switch state := d.Get("requestStatus").String(); state {
		case "SUCCESS":
		case "PARTIAL_SUCCESS":
			s.failed = true
		case "FAILED", "FAILURE":
			s.failed, s.all = true, true
		default: // PROCESSING, REQUEST_STATUS_UNKNOWN, and what is not known yet
			s.Open = true
		}
		s.records = max(s.records, number(d.Get("eventsIngestionStatus").Get("recordCount")))
		s.Errors = append(s.Errors, readCounts(d.Get("errorInfo").Get("errorCounts"))...)
		s.Warnings = append(s.Warnings, readCounts(d.Get("warningInfo").Get("warningCounts"))...)
	}
	s.place()
	return s
}

func readCounts(list node) (out []Count) {
	for n := list.First(); n.Exists() && len(out) < maxViolations; n = n.Next() {
		c := Count{Reason: Bare(n.Get("reason").String()), Records: number(n.Get("recordCount"))}
		for i := n.Get("recordIndices").First(); i.Exists() && len(c.Indices) < MaxBatch; i = i.Next() {
			if at, ok := i.Int(); ok && at >= 0 && at < MaxBatch {
				c.Indices = append(c.Indices, int(at))
			}
		}
		slices.Sort(c.Indices)
		c.Indices = slices.Compact(c.Indices)
		out = append(out, c)
	}
	return out
}

// number reads a count, which proto-JSON writes as text: "2".
func number(n node) int {
	v, err := strconv.Atoi(n.String())
	if err != nil || v < 0 {
		return 0
	}
	return v
}
