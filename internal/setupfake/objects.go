package setupfake

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/graphfake"
)

// debug is GET /debug_token: a token that has ended is data, and no error.
func (s *Server) debug(r *http.Request, who caller) (any, *Refusal) {
	form, no := only(r, "input_token")
	switch {
	case no != nil:
		return nil, no
	case r.Method != http.MethodGet:
		return nil, method(r)
	case form.Get("input_token") == "":
		return nil, graphfake.Parameter("The parameter input_token is required")
	case !who.app && who.Type == "PAGE" && form.Get("input_token") != strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "):
		return nil, graphfake.Parameter("You must provide an app access token, or a user access token that is an owner or developer of the app")
	}
	t := s.token(form.Get("input_token"))
	if t == nil {
		return map[string]any{"data": map[string]any{"is_valid": false, "scopes": []string{},
			"error": map[string]any{"code": 190, "message": "The access token could not be decrypted"}}}, nil
	}
	data := map[string]any{
		"app_id": cmp.Or(t.App, s.App.ID), "application": s.App.Name, "type": t.Type, "is_valid": true, "scopes": t.Scopes,
		"expires_at": unix(t.ExpiresAt), "data_access_expires_at": unix(t.DataAccess), "user_id": "122100000000000001",
	}
	if t.Page != "" {
		data["profile_id"] = t.Page
	}
	var granular []map[string]any
	for _, scope := range t.Scopes {
		g := map[string]any{"scope": scope}
		if ids := t.Targets[scope]; len(ids) > 0 {
			g["target_ids"] = ids
		}
		granular = append(granular, g)
	}
	data["granular_scopes"] = granular
	if s.ended(t) {
		data["is_valid"], data["error"] = false, map[string]any{"code": 190, "subcode": 463, "message": "Session has expired"}
	}
	return map[string]any{"data": data}, nil
}

// accounts is GET /me/accounts: the Pages of a user or a system user, with their tokens.
func (s *Server) accounts(r *http.Request, who caller) (any, *Refusal) {
	form, no := only(r, "fields", "limit", "after")
	switch {
	case no != nil:
		return nil, no
	case r.Method != http.MethodGet:
		return nil, method(r)
	}
	if no := who.may("", "pages_show_list"); no != nil {
		return nil, no
	}
	if who.Type == "PAGE" {
		return nil, graphfake.Parameter("Tried accessing nonexisting field (accounts) on node type (Page)")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []map[string]any{}
	for _, p := range s.pages {
		if targets := who.Targets["pages_show_list"]; len(targets) > 0 && !slices.Contains(targets, p.ID) {
			continue
		}
		row := map[string]any{"id": p.ID}
		for f := range strings.SplitSeq(form.Get("fields"), ",") {
			switch f {
			case "id":
			case "name":
				row[f] = p.Name
			case "access_token":
				row[f] = p.Token
			case "tasks":
				row[f] = []string{"ADVERTISE", "MANAGE", "MESSAGING"}
			default:
				return nil, graphfake.Parameter("Tried accessing nonexisting field (" + f + ")")
			}
		}
		all = append(all, row)
	}
	return s.paged(r, form, all), nil
}

// numbers is GET /{waba}/phone_numbers.
func (s *Server) numbers(r *http.Request, who caller, id string) (any, *Refusal) {
	if r.Method != http.MethodGet {
		return nil, method(r)
	}
	form, no := only(r, "fields", "limit", "after")
	if no == nil {
		no = who.may(id, "whatsapp_business_management")
	}
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waba(id)
	if w == nil {
		return nil, graphfake.Missing(id)
	}
	list := []map[string]any{}
	for _, n := range w.Numbers {
		list = append(list, map[string]any{
			"id": n, "display_phone_number": "+1 555-078-3881", "verified_name": "Summer shop", "quality_rating": "GREEN",
		})
	}
	return s.paged(r, form, list), nil
}

// dataset is GET and POST /{waba, page or instagram}/dataset: POST answers with the one that
// there is.
func (s *Server) dataset(r *http.Request, who caller, id string) (any, *Refusal) {
	if _, no := only(r, "dataset_name"); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var at *string
	scopes := []string{"whatsapp_business_management", "whatsapp_business_manage_events"}
	w, p := s.waba(id), s.page(id)
	instagram, isInstagram := s.instagrams[id]
	switch {
	case w != nil:
		at = &w.Dataset
	case p != nil:
		at, scopes = &p.Dataset, []string{"page_events"}
		if no := s.ofPage(who, id); no != nil {
			return nil, no
		}
	case isInstagram:
		at, scopes = &instagram, []string{"instagram_manage_events"}
	default:
		return nil, graphfake.Missing(id)
	}
	if no := who.may(id, scopes...); no != nil {
		return nil, no
	}
	switch r.Method {
	case http.MethodGet:
		list := []map[string]string{}
		if *at != "" {
			list = append(list, map[string]string{"id": *at})
		}
		return map[string]any{"data": list}, nil
	case http.MethodPost:
		if *at == "" {
			*at = "9" + id
		}
		if isInstagram {
			s.instagrams[id] = *at
		}
		s.write(r, "the dataset of "+id+" is "+*at)
		return map[string]string{"id": *at}, nil
	}
	return nil, method(r)
}

// ofPage refuses a token that is not the Page's own.
func (*Server) ofPage(who caller, id string) *Refusal {
	if who.app || who.Type != "PAGE" || who.Page != id {
		return &Refusal{Status: 400, Code: 210, Message: "(#210) A page access token is required to request this resource."}
	}
	return nil
}

// subscribedApps is /{waba or page}/subscribed_apps.
func (s *Server) subscribedApps(r *http.Request, who caller, id string) (any, *Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waba(id); w != nil {
		return s.wabaApps(r, who, w)
	}
	if p := s.page(id); p != nil {
		return s.pageApps(r, who, p)
	}
	return nil, graphfake.Missing(id)
}

// wabaApps: POST without a body clears an override, as Meta says.
func (s *Server) wabaApps(r *http.Request, who caller, w *WABA) (any, *Refusal) {
	form, no := only(r, "override_callback_uri", "verify_token", "limit", "after")
	if no == nil {
		no = who.may(w.ID, "whatsapp_business_management")
	}
	if no != nil {
		return nil, no
	}
	switch r.Method {
	case http.MethodGet:
		list := []map[string]any{}
		for _, app := range slices.Sorted(maps.Keys(w.Apps)) {
			override := w.Apps[app]
			row := map[string]any{"whatsapp_business_api_data": map[string]string{"id": app, "name": "App " + app, "link": "https://example.com"}}
			if override != "" {
				row["override_callback_uri"] = override
			}
			list = append(list, row)
		}
		return s.paged(r, form, list), nil
	case http.MethodPost:
		uri := form.Get("override_callback_uri")
		if uri != "" {
			if no := challenge(uri, form.Get("verify_token")); no != nil {
				return nil, no
			}
		}
		w.Apps[s.App.ID] = uri
		s.write(r, "WhatsApp account "+w.ID+" is subscribed to the app")
	case http.MethodDelete:
		delete(w.Apps, s.App.ID)
		s.write(r, "WhatsApp account "+w.ID+" is no longer subscribed to the app")
	default:
		return nil, method(r)
	}
	return success, nil
}

// pageApps: POST sets the fields, and adds none to them.
func (s *Server) pageApps(r *http.Request, who caller, p *Page) (any, *Refusal) {
	form, no := only(r, "subscribed_fields", "limit", "after")
	if no == nil {
		no = s.ofPage(who, p.ID)
	}
	if no == nil {
		no = who.may(p.ID, "pages_manage_metadata")
	}
	if no != nil {
		return nil, no
	}
	switch r.Method {
	case http.MethodGet:
		list := []map[string]any{}
		for _, app := range slices.Sorted(maps.Keys(p.Fields)) {
			list = append(list, map[string]any{
				"id": app, "name": "App " + app, "link": "https://example.com", "subscribed_fields": p.Fields[app],
			})
		}
		return s.paged(r, form, list), nil
	case http.MethodPost:
		fields, no := fieldList(form.Get("subscribed_fields"), pageFields)
		for _, f := range fields {
			if no == nil && strings.HasPrefix(f, "messag") {
				no = who.may("", "pages_messaging")
			}
			if no == nil && f == "leadgen" {
				no = who.may("", "leads_retrieval")
			}
		}
		if no != nil {
			return nil, no
		}
		p.Fields[s.App.ID] = fields
		s.write(r, "Page "+p.ID+" has the app, with "+strings.Join(fields, ", "))
		return map[string]string{"success": "true"}, nil // as Meta's documentation of Pages has it
	case http.MethodDelete:
		delete(p.Fields, s.App.ID)
		s.write(r, "Page "+p.ID+" has the app no longer")
	default:
		return nil, method(r)
	}
	return success, nil
}
