package leadfake

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/graphfake"
)

// Rate is how many calls about leads and forms are taken in a time that begins with the first.
// Then all are refused with 80005 until it is over; who calls before begins it anew. Meta's is of
// each Page: 200 calls an hour for each lead of its last 90 days.
type Rate struct {
	Calls int // 0: as many as one likes
	Per   time.Duration
}

// limit is what there was of a Rate.
type limit struct {
	since time.Time
	calls int
	early int
}

// Early is how many calls came while it had asked to wait.
func (s *Server) Early() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limit.early
}

// count counts a call, and returns the header that every answer has, which tells the use of the
// limit in percent and how long to wait in minutes. A refusal has Retry-After, too, in seconds.
func (s *Server) count() (usage string, no *Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, now := &s.limit, s.now()
	if s.Rate.Calls == 0 {
		return businessUse(1, 0), nil
	}
	if now.Sub(l.since) >= s.Rate.Per {
		l.since, l.calls = now, 0
	}
	if l.calls >= s.Rate.Calls {
		l.since = now
		l.early++
		return businessUse(100, s.Rate.Per), &Refusal{
			Status: 400, Code: 80005, Message: "(#80005) There have been too many leadgen api calls to this Page account. Wait a bit and try again.",
			Header: map[string]string{"Retry-After": strconv.Itoa(int(math.Ceil(s.Rate.Per.Seconds())))},
		}
	}
	l.calls++
	if l.calls < s.Rate.Calls {
		return businessUse(l.calls*100/s.Rate.Calls, 0), nil
	}
	return businessUse(100, s.Rate.Per-now.Sub(l.since)), nil
}

func businessUse(percent int, wait time.Duration) string {
	return fmt.Sprintf(`{"1029384756":[{"type":"leadgen","call_count":%d,"total_cputime":1,"total_time":1,`+
		`"estimated_time_to_regain_access":%d}]}`, percent, int(math.Ceil(wait.Minutes())))
}

// asksAs looks at how it is asked: the token in the header, and never in the URL, where logs
// would have it, and a name of who asks.
func (s *Server) asksAs(r *http.Request, right string, edge []string) *Refusal {
	token, no := graphfake.Token(r)
	if no != nil {
		return no
	}
	own := ""
	if s.PageToken != nil && edge != nil {
		own = s.PageToken(s.pageOf(edge[1]))
	}
	switch {
	case own != "" && token == own:
		return nil
	case right != "" && token != right:
		return graphfake.Expired()
	case own != "" && s.OwnAlone:
		return &Refusal{Status: 403, Code: 210, Message: "(#210) A page access token is required to request this resource."}
	}
	return nil
}

// pageOf is the Page of a form, and a Page's of itself.
func (s *Server) pageOf(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.form(id); f != nil {
		return f.Page
	}
	return id
}

// givesToken reports whether a request is for the token of a Page that is there, by GET and with
// no other field than its id.
func (s *Server) givesToken(r *http.Request, page string) bool {
	fields := strings.Split(r.URL.Query().Get("fields"), ",")
	return s.PageToken != nil && r.Method == http.MethodGet && slices.Contains(fields, "access_token") && s.PageToken(page) != "" &&
		!slices.ContainsFunc(fields, func(f string) bool { return f != "access_token" && f != "id" }) && unknown(r, "fields") == nil
}

// number reads a limit; ok is false for what is none.
func number(text string, least, most, otherwise int) (n int, ok bool) {
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= least && n <= most
}

// unknown is the first parameter that is not of these.
func unknown(r *http.Request, known ...string) *Refusal {
	for name := range r.URL.Query() {
		if !slices.Contains(append(known, "appsecret_proof"), name) {
			return graphfake.Parameter("Invalid parameter: " + name)
		}
	}
	return nil
}
