package leadfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/graphfake"
)

var (
	leadFields = strings.Fields("id created_time ad_id ad_name adset_id adset_name campaign_id campaign_name form_id field_data is_organic " +
		"platform custom_disclaimer_responses home_listing partner_name post post_submission_check_result retailer_item_id vehicle")
	adFields   = strings.Fields("ad_id ad_name adset_id adset_name campaign_id campaign_name")
	formFields = strings.Fields("id name status locale created_time leads_count organic_leads_count expired_leads_count questions " +
		"tracking_parameters allow_organic_lead is_optimized_for_quality")
)

// fieldsOf are the fields that are asked for, of those that there are.
func fieldsOf(r *http.Request, known []string) ([]string, *Refusal) {
	text := r.URL.Query().Get("fields")
	if text == "" {
		return nil, nil
	}
	fields := strings.Split(text, ",")
	for _, f := range fields {
		if !slices.Contains(known, f) {
			return nil, graphfake.Parameter("Tried accessing nonexisting field (" + f + ")")
		}
	}
	return fields, nil
}

// node answers for a lead, a form or a Page.
func (s *Server) node(w http.ResponseWriter, r *http.Request, id string) {
	if !digits.MatchString(id) && id != "me" {
		graphfake.Refuse(w, graphfake.NoAlias(id))
		return
	}
	if strings.Contains(r.URL.Query().Get("fields"), "has_lead_access") {
		s.access(w, id)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodDelete {
		s.remove(w, id)
		return
	}
	if r.Method != http.MethodGet {
		graphfake.Refuse(w, graphfake.Parameter("Unsupported method"))
		return
	}
	if no := unknown(r, "fields"); no != nil {
		graphfake.Refuse(w, no)
		return
	}
	if f := s.form(id); f != nil {
		fields, no := fieldsOf(r, formFields)
		if no != nil {
			graphfake.Refuse(w, no)
			return
		}
		graphfake.Answer(w, f.show(fields))
		return
	}
	if s.asked == nil {
		s.asked = make(map[string]int)
	}
	s.asked[id]++
	l := s.lead(id)
	if l == nil && s.MakeUp != nil {
		l = s.MakeUp(id)
	}
	if l == nil {
		graphfake.Refuse(w, graphfake.Missing(id))
		return
	}
	s.show(w, r, l)
}

// show answers with a lead.
func (s *Server) show(w http.ResponseWriter, r *http.Request, l *Lead) {
	fields, no := fieldsOf(r, leadFields)
	if no == nil && s.NoAds && slices.ContainsFunc(fields, func(f string) bool { return slices.Contains(adFields, f) }) {
		no = &Refusal{Status: 403, Code: 200, Message: "(#200) Ad account owner has NOT grant ads_management or ads_read permission"}
	}
	if no != nil {
		graphfake.Refuse(w, no)
		return
	}
	graphfake.Answer(w, l.show(fields))
}

// show is a lead with these fields; what is not set is left out, and without fields there are
// three.
func (l *Lead) show(fields []string) map[string]any {
	all := map[string]any{
		"id": l.ID, "created_time": l.Created.UTC().Format("2006-01-02T15:04:05-0700"), "field_data": l.Fields, "form_id": l.Form,
		"is_organic": l.Ad == "", "platform": "fb",
	}
	if l.Ad != "" {
		all["ad_id"], all["ad_name"] = l.Ad, "Ad "+l.Ad
		all["adset_id"], all["adset_name"] = "120210000000000002", "Women 25-40"
		all["campaign_id"], all["campaign_name"] = "120210000000000003", "Summer"
	}
	if fields == nil {
		fields = []string{"created_time", "field_data"}
	}
	out := map[string]any{"id": l.ID}
	for _, f := range fields {
		if v, ok := all[f]; ok {
			out[f] = v
		}
	}
	return out
}

func (f *Form) show(fields []string) map[string]any {
	all := map[string]any{"id": f.ID, "name": f.Name, "status": f.Status, "locale": "en_US", "leads_count": 1}
	out := map[string]any{"id": f.ID}
	for _, name := range fields {
		if v, ok := all[name]; ok {
			out[name] = v
		}
	}
	return out
}

// access answers who may read leads.
func (s *Server) access(w http.ResponseWriter, page string) {
	has := Access{Can: true}
	if s.Access != nil {
		has = s.Access(page)
	}
	if page == "me" {
		page = "1029384756"
	}
	says := map[string]any{
		"can_access_lead": has.Can, "app_has_leads_permission": has.Can, "user_has_leads_permission": true,
		"enabled_lead_access_manager": !has.Can, "is_page_admin": true, "user_id": "1",
	}
	if has.Reason != "" {
		says["failure_reason"], says["failure_resolution"] = has.Reason, has.Resolution
	}
	graphfake.Answer(w, map[string]any{"id": page, "name": "Summer shop", "has_lead_access": says})
}

// remove deletes a test lead, and no other; s.mu is held.
func (s *Server) remove(w http.ResponseWriter, id string) {
	at := slices.IndexFunc(s.leads, func(l *Lead) bool { return l.ID == id })
	switch {
	case at < 0:
		graphfake.Refuse(w, graphfake.Missing(id))
	case !s.leads[at].Test:
		graphfake.Refuse(w, &Refusal{Status: 403, Code: 200, Message: "(#200) Only test leads can be deleted"})
	default:
		s.leads = slices.Delete(s.leads, at, at+1)
		graphfake.Answer(w, map[string]bool{"success": true})
	}
}

func (s *Server) listForms(w http.ResponseWriter, r *http.Request, page string) {
	no := unknown(r, "fields", "limit", "after")
	fields, bad := fieldsOf(r, formFields)
	if no == nil {
		no = bad
	}
	if no != nil {
		graphfake.Refuse(w, no)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []map[string]any
	for _, f := range s.forms {
		if f.Page == page {
			all = append(all, f.show(fields))
		}
	}
	if all == nil {
		graphfake.Refuse(w, graphfake.Missing(page))
		return
	}
	paged(w, r, all, "")
}

// paged answers with a part of a list. The address of the next part has the token in it, as
// Meta's has: who follows it, or logs it, is found out. A cursor is of one list alone.
func paged(w http.ResponseWriter, r *http.Request, all []map[string]any, of string) {
	limit, ok := number(r.URL.Query().Get("limit"), 1, 500, 25)
	after := r.URL.Query().Get("after")
	rest, ours := strings.CutSuffix(after, of)
	ok = ok && (ours || after == "")
	from, fine := number(strings.TrimPrefix(rest, "cursor"), 0, len(all), 0)
	if !ok || !fine {
		graphfake.Refuse(w, graphfake.Parameter("limit or after is none"))
		return
	}
	end := min(from+limit, len(all))
	list := all[from:end]
	out := map[string]any{"data": append([]map[string]any{}, list...)}
	if len(list) > 0 {
		cursor := func(at int) string { return "cursor" + strconv.Itoa(at) + of }
		paging := map[string]any{"cursors": map[string]string{"before": cursor(from), "after": cursor(end)}}
		if end < len(all) {
			paging["next"] = "https://graph.example/v27.0/1/leads?access_token=" + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		}
		out["paging"] = paging
	}
	graphfake.Answer(w, out)
}

func (s *Server) listLeads(w http.ResponseWriter, r *http.Request, form string) {
	no := unknown(r, "fields", "limit", "after", "filtering")
	fields, bad := fieldsOf(r, leadFields)
	since, worse := sinceOf(r.URL.Query().Get("filtering"))
	for _, one := range []*Refusal{bad, worse} {
		if no == nil {
			no = one
		}
	}
	if no == nil && s.NoAds && slices.ContainsFunc(fields, func(f string) bool { return slices.Contains(adFields, f) }) {
		no = &Refusal{Status: 403, Code: 200, Message: "(#200) Ad account owner has NOT grant ads_management or ads_read permission"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if no == nil && s.form(form) == nil {
		no = graphfake.Missing(form)
	}
	if no != nil {
		graphfake.Refuse(w, no)
		return
	}
	var of []*Lead
	for _, l := range s.leads {
		if l.Form == form && l.Created.After(since) && s.now().Sub(l.Created) < 90*24*time.Hour {
			of = append(of, l)
		}
	}
	sort.SliceStable(of, func(i, j int) bool { return of[i].Created.After(of[j].Created) }) // newest first
	var all []map[string]any
	for _, l := range of {
		all = append(all, l.show(fields))
	}
	paged(w, r, all, "since"+strconv.FormatInt(since.Unix(), 10))
}

// sinceOf reads filtering=[{"field":"time_created","operator":"GREATER_THAN","value":1700000000}].
func sinceOf(text string) (time.Time, *Refusal) {
	if text == "" {
		return time.Time{}, nil
	}
	var list []struct {
		Field, Operator string
		Value           json.Number
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&list); err != nil || len(list) != 1 || list[0].Field != "time_created" ||
		list[0].Operator != "GREATER_THAN" && list[0].Operator != "GREATER_THAN_OR_EQUAL" || strings.Contains(text, `"value":"`) {
		return time.Time{}, graphfake.Parameter("filtering must be a list of field, operator and value")
	}
	seconds, err := list[0].Value.Int64()
	if err != nil || seconds > 4e9 {
		return time.Time{}, graphfake.Parameter("time_created is in seconds")
	}
	if list[0].Operator == "GREATER_THAN_OR_EQUAL" {
		seconds--
	}
	return time.Unix(seconds, 0), nil
}

// testLeads makes the one test lead that a form may have, and shows it.
func (s *Server) testLeads(w http.ResponseWriter, r *http.Request, form string) {
	s.mu.Lock()
	f := s.form(form)
	at := slices.IndexFunc(s.leads, func(l *Lead) bool { return l.Form == form && l.Test })
	switch {
	case f == nil:
		s.mu.Unlock()
		graphfake.Refuse(w, graphfake.Missing(form))
		return
	case r.Method == http.MethodGet:
		list := []map[string]any{}
		if at >= 0 {
			list = append(list, s.leads[at].show(nil))
		}
		s.mu.Unlock()
		graphfake.Answer(w, map[string]any{"data": list})
		return
	case r.Method != http.MethodPost || at >= 0:
		s.mu.Unlock()
		graphfake.Refuse(w, graphfake.Parameter("This form has a test lead already: delete it first"))
		return
	}
	l := &Lead{ID: strconv.FormatInt(s.now().UnixNano()/1000, 10), Form: form, Created: s.now(), Test: true, Fields: dummy}
	if text := r.FormValue("field_data"); text != "" {
		l.Fields = nil
		if json.Unmarshal([]byte(text), &l.Fields) != nil || len(l.Fields) == 0 {
			s.mu.Unlock()
			graphfake.Refuse(w, graphfake.Parameter("field_data must be a list of name and values"))
			return
		}
	}
	s.leads = append(s.leads, l)
	s.mu.Unlock()
	if s.Post != nil {
		s.Post(l, f)
	}
	graphfake.Answer(w, map[string]string{"id": l.ID})
}

// dummy is what Meta's testing tool writes into a form.
var dummy = []Field{
	{"full_name", []string{"<test lead: dummy data for full_name>"}}, {"email", []string{"test@meta.com"}},
	{"phone_number", []string{"<test lead: dummy data for phone_number>"}},
}

// Sample is a lead that nobody sent, as if a person in Brazil had.
func Sample(id string, now time.Time) *Lead {
	return &Lead{ID: id, Form: "771234567890123", Ad: "120210000000000001", Created: now, Fields: []Field{
		{"full_name", []string{"Ana Souza"}}, {"phone_number", []string{"+5511987654321"}}, {"email", []string{"ana@example.com"}},
		{"qual_o_seu_bairro?", []string{"centro"}},
	}}
}
