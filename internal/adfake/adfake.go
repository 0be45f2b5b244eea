// Package adfake answers as Meta's Graph API does where it is asked for ads and what they
// cost: batches of ads by id, ad accounts, insights, at once and as reports. It is for
// rehearsals and tests, shares no code with what asks, and takes less than Meta does. Begin
// at [Server].
package adfake

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/graphfake"
)

// Ad is an ad of an account, which is named by its digits.
type Ad struct{ ID, Name, Account, AdsetID, Adset, CampaignID, Campaign string }

// Day is what an ad did on a day of its account's, YYYY-MM-DD.
type Day struct {
	Ad, Day, Spend                 string // Spend in the account's currency: "12.34"
	Impressions, LinkClicks, Chats int
}

// Account is an ad account.
type Account struct{ ID, Name, Currency, Timezone string }

// Refusal is an error of the Graph API.
type Refusal = graphfake.Refusal

// Server is the fake. Set its fields before the first request; it is safe for concurrent use
// from then on.
type Server struct {
	Next   http.Handler                 // what is not about ads; nil: an error of the Graph API
	MakeUp func(id string) *Ad          // an ad that is not there; nil: 100/33
	Refuse func(*http.Request) *Refusal // asked first; nil: as Meta would have it
	Now    func() time.Time             // nil: time.Now
	Page   int                          // rows of a page at the most; 0: as many as are asked for
	// MostDays is of how many days insights are given at once; of more a report is to be made.
	// 0: of any.
	MostDays int
	Header   map[string]string // of all answers about insights
	NoRights bool              // the token has no right to read ads

	mu       sync.Mutex
	token    string // the one that is right; "" = any
	ads      map[string]*Ad
	refused  map[string]*Refusal // by ad
	accounts map[string]*Account
	days     []Day
	runs     map[string]*run
	asked    []string // what was asked for, a line each
}

// SetToken makes a token the only one that is right.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Put adds ads, or has them be others.
func (s *Server) Put(list ...Ad) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ads == nil {
		s.ads = make(map[string]*Ad)
	}
	for _, a := range list {
		s.ads[a.ID] = &a
	}
}

// Deny has an ad be refused, as what is none or another's; nil: no more.
func (s *Server) Deny(id string, no *Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == nil {
		s.refused = make(map[string]*Refusal)
	}
	s.refused[id] = no
}

// Remove has an ad, or an account, be none that the token may see.
func (s *Server) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ads, id)
	delete(s.accounts, id)
}

// AddAccount adds an ad account.
func (s *Server) AddAccount(a Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts == nil {
		s.accounts = make(map[string]*Account)
	}
	s.accounts[a.ID] = &a
}

// SetDays has ads have done this, and nothing else.
func (s *Server) SetDays(list ...Day) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.days = list
}

// Asked is what was asked for since the last time: "batch 2", "account 1", "insights 1
// 2026-11-21 2026-11-27", "report 1 …".
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.asked
	s.asked = nil
	return list
}

func (s *Server) note(words ...string) { s.asked = append(s.asked, strings.Join(words, " ")) }

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

var (
	accountPath  = regexp.MustCompile(`^/v[1-9][0-9]?\.[0-9]/act_([0-9]{1,20})$`)
	insightsPath = regexp.MustCompile(`^/v[1-9][0-9]?\.[0-9]/act_([0-9]{1,20})/insights$`)
	runPath      = regexp.MustCompile(`^/v[1-9][0-9]?\.[0-9]/(77[0-9]{14})(/insights)?$`)
	rightsPath   = regexp.MustCompile(`^/v[1-9][0-9]?\.[0-9]/me/permissions$`)
)

// ServeHTTP answers like the Graph API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	account, insights := accountPath.FindStringSubmatch(r.URL.Path), insightsPath.FindStringSubmatch(r.URL.Path)
	report, batch := runPath.FindStringSubmatch(r.URL.Path), r.URL.Path == "/" && (r.Method == http.MethodPost || r.URL.Query().Has("ids"))
	rights := rightsPath.MatchString(r.URL.Path)
	if report != nil && !s.hasRun(report[1]) {
		report = nil // a lead's id may look the same
	}
	if account == nil && insights == nil && report == nil && !batch && !rights {
		if s.Next != nil {
			s.Next.ServeHTTP(w, r)
			return
		}
		graphfake.Refuse(w, &Refusal{Status: 400, Code: 2500, Message: "Unknown path components"})
		return
	}
	if s.Refuse != nil {
		if no := s.Refuse(r); no != nil {
			graphfake.Refuse(w, no)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token, no := graphfake.Token(r)
	if no == nil && s.token != "" && token != s.token {
		no = graphfake.Expired()
	}
	if no != nil {
		graphfake.Refuse(w, no)
		return
	}
	switch {
	case r.URL.Query().Has("ids"):
		graphfake.Refuse(w, graphfake.Parameter("The parameter ids is no longer supported"))
	case batch:
		s.batch(w, r)
	case rights:
		status := "granted"
		if s.NoRights {
			status = "declined"
		}
		graphfake.Answer(w, map[string]any{"data": []map[string]string{{"permission": "ads_read", "status": status}}})
	case account != nil:
		s.account(w, r, account[1])
	case insights != nil:
		s.insights(w, r, insights[1])
	default:
		s.report(w, r, report[1], report[2] != "")
	}
}

func (s *Server) hasRun(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[name] != nil
}

// account answers for an account; s.mu is held, as it is in all that follows.
func (s *Server) account(w http.ResponseWriter, r *http.Request, id string) {
	a := s.accounts[id]
	if a == nil {
		graphfake.Refuse(w, graphfake.Missing("act_"+id))
		return
	}
	all := map[string]any{"account_id": id, "name": a.Name, "currency": a.Currency, "timezone_name": a.Timezone, "account_status": 1}
	out := map[string]any{"id": "act_" + id}
	for f := range strings.SplitSeq(r.URL.Query().Get("fields"), ",") {
		v, ok := all[f]
		if !ok && f != "id" {
			graphfake.Refuse(w, graphfake.Parameter("Tried accessing nonexisting field ("+f+")"))
			return
		}
		if ok {
			out[f] = v
		}
	}
	s.note("account", id)
	graphfake.Answer(w, out)
}

var adURL = regexp.MustCompile(`^v[1-9][0-9]?\.[0-9]/([0-9]{1,20})\?fields=(.*)$`)

// adFields are what a part of a batch may ask for; of adset and campaign id and name.
var adFields = []string{"id", "name", "account_id", "effective_status", "adset{}", "campaign{}"}

// batch answers a batch of ads.
func (s *Server) batch(w http.ResponseWriter, r *http.Request) {
	var parts []struct {
		Method string `json:"method"`
		URL    string `json:"relative_url"`
	}
	if r.ParseForm() != nil || json.Unmarshal([]byte(r.PostForm.Get("batch")), &parts) != nil || len(parts) == 0 {
		graphfake.Refuse(w, graphfake.Parameter("batch parameter must be a JSON array"))
		return
	}
	if len(parts) > 50 {
		graphfake.Refuse(w, &Refusal{Status: 400, Code: 100, Message: "Too many requests in batch message. Maximum batch size is 50"})
		return
	}
	type part struct {
		Code    int                 `json:"code"`
		Headers []map[string]string `json:"headers"`
		Body    string              `json:"body"`
	}
	s.note("batch", strconv.Itoa(len(parts)))
	out := make([]*part, len(parts))
	for i, p := range parts {
		body, no := s.ad(p.Method, p.URL)
		code := 200
		if no != nil {
			body, code = no.Object(), no.Status
		}
		if body == nil {
			continue // null: it took too long
		}
		text, _ := json.Marshal(body)
		out[i] = &part{code, []map[string]string{{"name": "Content-Type", "value": "text/javascript; charset=UTF-8"}}, string(text)}
	}
	graphfake.Answer(w, out)
}

func (s *Server) ad(method, url string) (map[string]any, *Refusal) {
	asked := adURL.FindStringSubmatch(url)
	if method != http.MethodGet || asked == nil {
		return nil, graphfake.Parameter("Invalid relative_url")
	}
	for f := range strings.SplitSeq(strings.NewReplacer("{id,name}", "{}").Replace(asked[2]), ",") {
		if !slices.Contains(adFields, f) {
			return nil, graphfake.Parameter("Tried accessing nonexisting field (" + f + ")")
		}
	}
	a := s.ads[asked[1]]
	if a == nil && s.MakeUp != nil {
		a = s.MakeUp(asked[1])
	}
	switch {
	case s.refused[asked[1]] != nil:
		return nil, s.refused[asked[1]]
	case s.NoRights:
		return nil, &Refusal{Status: 403, Code: 200, Message: "(#200) Missing Permissions"}
	case a == nil:
		return nil, graphfake.Missing(asked[1])
	case a.Name == Slow:
		return nil, nil
	}
	return map[string]any{
		"id": a.ID, "name": a.Name, "account_id": a.Account, "effective_status": "ACTIVE",
		"adset":    map[string]string{"id": a.AdsetID, "name": a.Adset},
		"campaign": map[string]string{"id": a.CampaignID, "name": a.Campaign},
	}, nil
}

// Slow is the name of an ad for which a batch has no time.
const Slow = "slow"
