package setupfake

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/graphfake"
)

// The fields of each object that the fake knows.
var (
	pageFields = strings.Fields("messages messaging_postbacks messaging_referrals messaging_optins message_deliveries message_reads " +
		"message_echoes message_edits message_reactions messaging_handovers standby leadgen leadgen_update feed")
	objects = map[string][]string{
		"page": pageFields,
		"whatsapp_business_account": strings.Fields("messages automatic_events smb_message_echoes smb_app_state_sync history account_update " +
			"account_alerts standby messaging_handovers user_preferences message_template_status_update phone_number_quality_update calls flows"),
		"instagram": strings.Fields("messages messaging_postbacks messaging_referral messaging_seen message_reactions message_edit standby " +
			"messaging_handover comments mentions"),
	}
)

// fieldList reads a list of fields, each once.
func fieldList(text string, known []string) ([]string, *Refusal) {
	if text == "" {
		return nil, graphfake.Parameter("The parameter fields is required")
	}
	fields := strings.Split(text, ",")
	for i, f := range fields {
		if !slices.Contains(known, f) {
			return nil, graphfake.Parameter("Param fields[" + strconv.Itoa(i) + "] must be one of the object's, and is " + f)
		}
		if slices.Contains(fields[:i], f) {
			return nil, graphfake.Parameter("Param fields has " + f + " twice")
		}
	}
	return fields, nil
}

// appSubscriptions is /{app}/subscriptions: POST replaces what there is of the object, once the
// address has answered the challenge.
func (s *Server) appSubscriptions(r *http.Request, who caller, id string) (any, *Refusal) {
	form, no := only(r, "object", "callback_url", "fields", "verify_token", "include_values", "include_client_certificate",
		"limit", "after")
	switch {
	case no != nil:
		return nil, no
	case id != s.App.ID:
		return nil, graphfake.Missing(id)
	case !who.app:
		return nil, &Refusal{Status: 400, Code: 15, Message: "(#15) This method must be called with an app access_token."}
	}
	switch r.Method {
	case http.MethodGet:
		return s.listSubscriptions(r, form), nil
	case http.MethodPost:
		return s.setSubscription(r, form)
	case http.MethodDelete:
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscriptions, form.Get("object"))
		s.write(r, "the app gets nothing of object "+form.Get("object"))
		return success, nil
	}
	return nil, method(r)
}

func (s *Server) listSubscriptions(r *http.Request, form url.Values) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []map[string]any{}
	for _, object := range slices.Sorted(maps.Keys(s.subscriptions)) {
		sub := s.subscriptions[object]
		fields := []map[string]string{}
		for _, f := range sub.Fields {
			fields = append(fields, map[string]string{"name": f, "version": "v27.0"})
		}
		list = append(list, map[string]any{"object": object, "callback_url": sub.CallbackURL, "active": sub.Active, "fields": fields})
	}
	return s.paged(r, form, list)
}

func (s *Server) setSubscription(r *http.Request, form url.Values) (any, *Refusal) {
	object, callback := form.Get("object"), form.Get("callback_url")
	known, ok := objects[object]
	switch {
	case !ok:
		return nil, graphfake.Parameter("Param object must be one of page, instagram, whatsapp_business_account")
	case r.URL.Query().Has("verify_token"):
		return nil, &Refusal{Status: 400, Code: 1, Message: "The fake takes no verify token in a URL"}
	case callback == "" || form.Get("verify_token") == "":
		return nil, graphfake.Parameter("The parameters callback_url and verify_token are required")
	}
	fields, no := fieldList(form.Get("fields"), known)
	if no == nil {
		no = challenge(callback, form.Get("verify_token"))
	}
	if no != nil {
		return nil, no
	}
	s.Subscribe(object, Subscription{callback, true, fields})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(r, "the app gets "+strings.Join(fields, ", ")+" of object "+object+" at "+callback)
	return success, nil
}

// challenge asks an address for the challenge, as Meta does whenever one is set.
func challenge(address, token string) *Refusal {
	failed := func(why string) *Refusal {
		return &Refusal{Status: 400, Code: 2200, Message: "(#2200) Callback verification failed with the following errors: " + why}
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || len(address) > 200 {
		return graphfake.Parameter("The callback is no URL")
	}
	const word = "1158201444"
	query := u.Query()
	query.Set("hub.mode", "subscribe")
	query.Set("hub.challenge", word)
	query.Set("hub.verify_token", token)
	u.RawQuery = query.Encode()
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := http.Client{Timeout: 5 * time.Second, CheckRedirect: stay}
	resp, err := client.Get(u.String()) //nolint:noctx // it ends by its own time
	if err != nil {
		return failed("curl_errno = 7; Couldn't connect to server")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	switch {
	case err != nil || resp.StatusCode != http.StatusOK:
		return failed("HTTP Status Code = " + strconv.Itoa(resp.StatusCode))
	case string(body) != word:
		return failed("The challenge was not echoed")
	}
	return nil
}
