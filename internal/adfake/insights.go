package adfake

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/graphfake"
)

// run is a report that is made.
type run struct {
	rows  []map[string]any
	looks int
}

var states = []string{"Job Not Started", "Job Running", "Job Completed", "Job Completed"}

var insightFields = strings.Fields("account_currency ad_id ad_name adset_id adset_name campaign_id campaign_name spend impressions " +
	"clicks inline_link_clicks actions")

// insights answers for what an account's ads cost: at once by GET, as a report by POST.
func (s *Server) insights(w http.ResponseWriter, r *http.Request, id string) {
	account := s.accounts[id]
	if account == nil {
		graphfake.Refuse(w, &Refusal{Status: 403, Code: 200,
			Message: "(#200) Ad account owner has NOT grant ads_management or ads_read permission"})
		return
	}
	query := r.URL.Query()
	if r.Method == http.MethodPost {
		if r.ParseForm() != nil {
			graphfake.Refuse(w, graphfake.Parameter("no form"))
			return
		}
		query = r.PostForm
	}
	since, until, no := s.span(query)
	if no == nil {
		no = asked(query)
	}
	if no != nil {
		graphfake.Refuse(w, no)
		return
	}
	rows := s.rows(account, since, until)
	days := int(until.Sub(since)/(24*time.Hour)) + 1
	switch {
	case r.Method == http.MethodPost:
		if s.runs == nil {
			s.runs = make(map[string]*run)
		}
		name := strconv.Itoa(7700000000000000 + len(s.runs))
		s.runs[name] = &run{rows: rows}
		s.note("report", id, since.Format(time.DateOnly), until.Format(time.DateOnly))
		graphfake.Answer(w, map[string]string{"report_run_id": name})
	case s.MostDays > 0 && days > s.MostDays:
		graphfake.Refuse(w, &Refusal{Status: 500, Code: 1, Subcode: 99,
			Message: "Please reduce the amount of data you're asking for, then retry your request"})
	default:
		if !query.Has("after") {
			s.note("insights", id, since.Format(time.DateOnly), until.Format(time.DateOnly))
		}
		s.list(w, query, rows)
	}
}

// span reads time_range, which includes both days.
func (s *Server) span(query url.Values) (since, until time.Time, no *Refusal) {
	var span struct{ Since, Until string }
	if json.Unmarshal([]byte(query.Get("time_range")), &span) != nil {
		return since, until, graphfake.Parameter("time_range must be an object")
	}
	since, err := time.Parse(time.DateOnly, span.Since)
	until, err2 := time.Parse(time.DateOnly, span.Until)
	switch {
	case err != nil || err2 != nil || until.Before(since):
		return since, until, graphfake.Parameter("time_range is none")
	case until.After(s.now().Add(14 * time.Hour)):
		return since, until, graphfake.Parameter("time_range is in the future")
	case since.Before(s.now().AddDate(0, -37, 0)):
		return since, until, &Refusal{Status: 400, Code: 3018, Message: "(#3018) The start date of the time range cannot be beyond 37 months"}
	}
	return since, until, nil
}

// asked checks what else is asked for.
func asked(query url.Values) *Refusal {
	for name := range query {
		if !slices.Contains([]string{"level", "time_increment", "time_range", "limit", "fields", "after", "appsecret_proof"}, name) {
			return graphfake.Parameter("Invalid parameter: " + name)
		}
	}
	if query.Get("level") != "ad" || query.Get("time_increment") != "1" {
		return graphfake.Parameter("The fake has figures by ad and day alone")
	}
	for f := range strings.SplitSeq(query.Get("fields"), ",") {
		if !slices.Contains(insightFields, f) {
			return graphfake.Parameter("(" + f + ") is not valid for fields param")
		}
	}
	return nil
}

// rows are the account's of these days. What is 0 is left out, as Meta does; what a week
// later was an action has other words, too.
func (s *Server) rows(account *Account, since, until time.Time) (rows []map[string]any) {
	days := slices.Clone(s.days)
	slices.SortStableFunc(days, func(a, b Day) int { return cmp.Compare(a.Day, b.Day) })
	for _, d := range days {
		ad := s.ads[d.Ad]
		if ad == nil || ad.Account != account.ID || d.Day < since.Format(time.DateOnly) || d.Day > until.Format(time.DateOnly) {
			continue
		}
		row := map[string]any{
			"account_currency": account.Currency, "ad_id": ad.ID, "ad_name": ad.Name, "adset_id": ad.AdsetID, "adset_name": ad.Adset,
			"campaign_id": ad.CampaignID, "campaign_name": ad.Campaign, "spend": d.Spend, "impressions": strconv.Itoa(d.Impressions),
			"date_start": d.Day, "date_stop": d.Day,
		}
		if d.LinkClicks > 0 {
			row["inline_link_clicks"] = strconv.Itoa(d.LinkClicks)
		}
		if d.Chats > 0 {
			row["actions"] = []map[string]string{
				{"action_type": "lead", "value": "99"},
				{"action_type": "onsite_conversion.messaging_conversation_started_7d", "value": strconv.Itoa(d.Chats)},
				{"action_type": "onsite_conversion.total_messaging_connection", "value": "98"},
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// list answers with a page. The address of the next one has the token in it, as Meta's has:
// who follows it is found out.
func (s *Server) list(w http.ResponseWriter, query url.Values, rows []map[string]any) {
	limit := 25
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			graphfake.Refuse(w, graphfake.Parameter("limit is none"))
			return
		}
		limit = n
	}
	if s.Page > 0 {
		limit = min(limit, s.Page)
	}
	from := 0
	if text := query.Get("after"); text != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(text, "cursor"))
		if err != nil || n < 0 || n > len(rows) {
			graphfake.Refuse(w, graphfake.Parameter("after is no cursor"))
			return
		}
		from = n
	}
	end := min(from+limit, len(rows))
	out := map[string]any{"data": append([]map[string]any{}, rows[from:end]...)}
	paging := map[string]any{"cursors": map[string]string{"before": "cursor" + strconv.Itoa(from), "after": "cursor" + strconv.Itoa(end)}}
	if end < len(rows) {
		paging["next"] = "https://graph.facebook.com/next?access_token=EAAsecretInTheNextPage&after=cursor" + strconv.Itoa(end)
	}
	if len(rows) > 0 {
		out["paging"] = paging
	}
	for name, value := range s.Header {
		w.Header().Set(name, value)
	}
	graphfake.Answer(w, out)
}

// report answers for a report, which is ready at the last of a few looks.
func (s *Server) report(w http.ResponseWriter, r *http.Request, name string, rows bool) {
	made := s.runs[name]
	switch {
	case r.Method != http.MethodGet:
		graphfake.Refuse(w, graphfake.Missing(name))
	case rows && made.looks < len(states):
		graphfake.Refuse(w, graphfake.Parameter("The report is not ready"))
	case rows:
		s.list(w, r.URL.Query(), made.rows)
	default:
		made.looks++
		state := min(made.looks, len(states)) - 1
		// It says 100 % a moment before it is complete, and the other way round.
		graphfake.Answer(w, map[string]any{"id": name, "async_status": states[state], "async_percent_completion": []int{0, 100, 99, 100}[state]})
	}
}
