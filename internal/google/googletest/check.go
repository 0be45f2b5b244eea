package googletest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	tenDigits = regexp.MustCompile(`^[0-9]{10}$`)
	number    = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	hexHash   = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	currency  = regexp.MustCompile(`^[A-Z]{3}$`)
	amount    = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	rfc3339   = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?(Z|[+-]\d\d:\d\d)$`)
)

// noCurrencies look like ISO 4217 and are none.
var noCurrencies = []string{"XXX", "XTS", "ABC", "AAA", "EURO"}

// ingest takes a request with events.
func (s *Server) ingest(r *http.Request, body []byte) (any, *Error) {
	for _, name := range [...]string{"developer-token", "login-customer-id", "linked-customer-id"} {
		if r.Header.Get(name) != "" {
			return nil, refuse("the header %s does nothing here: what it says stands in the body", name)
		}
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		return nil, refuse("the Content-Type is not application/json")
	}
	if fail := strict(body); fail != nil {
		return nil, fail
	}
	var in ingestRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, refuse("Invalid JSON payload received: %v", err)
	}
	events, fail := s.check(&in)
	if fail != nil {
		return nil, fail
	}
	return map[string]string{"requestId": s.take(&in, events)}, nil
}

// Check says what would be answered to a request with that body; nil = 200.
func (s *Server) Check(body []byte) *Error {
	if fail := strict(body); fail != nil {
		return fail
	}
	var in ingestRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse("Invalid JSON payload received: %v", err)
	}
	_, fail := s.check(&in)
	return fail
}

// check is all of a request; the violations of its events are told together.
func (s *Server) check(in *ingestRequest) ([]*checked, *Error) {
	if fail := s.checkDestinations(in.Destinations); fail != nil {
		return nil, fail
	}
	switch n := len(in.Events); {
	case n == 0:
		return nil, violation("REQUIRED_FIELD_MISSING", "events", "there are no events")
	case n > 2000:
		return nil, violation("TOO_MANY_EVENTS", "events", "%d events", n)
	}
	var all []Violation
	events := make([]*checked, len(in.Events))
	ids := make(map[string]bool)
	for i, raw := range in.Events {
		c := &checked{s: s, in: in, raw: raw, path: fmt.Sprintf("events.events[%d]", i)}
		c.check()
		if ids[c.TransactionID] {
			c.refuse("INVALID_EVENT", "transaction_id", "another event of the request has it")
		}
		ids[c.TransactionID] = true
		events[i] = c
		if len(c.violations) > 0 && (s.MaxNamed == 0 || len(all) < s.MaxNamed) {
			all = append(all, c.violations...)
		}
	}
	if len(all) > 0 {
		return nil, &Error{Message: "There was a problem with the request.", Reason: "INVALID_ARGUMENT", Violations: all}
	}
	return events, nil
}

func (s *Server) checkDestinations(all []destination) *Error {
	if len(all) == 0 {
		return violation("REQUIRED_FIELD_MISSING", "destinations", "there is no destination")
	}
	if len(all) > 10 {
		return violation("TOO_MANY_DESTINATIONS", "destinations", "%d destinations", len(all))
	}
	seen := make(map[string]bool)
	for i := range all {
		d := &all[i]
		path := fmt.Sprintf("destinations[%d]", i)
		if seen[d.Reference] {
			return violation("DUPLICATE_DESTINATION_REFERENCE", path+".reference", "%q is another's", d.Reference)
		}
		seen[d.Reference] = true
		if fail := s.checkDestination(d, path); fail != nil {
			return fail
		}
	}
	return nil
}

func (s *Server) checkDestination(d *destination, path string) *Error {
	if d.LinkedAccount != nil {
		return violation("LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT", path+".linked_account", "is for data partners")
	}
	accounts := map[string]*adsAccount{"operating_account": &d.OperatingAccount}
	if d.LoginAccount != nil {
		accounts["login_account"] = d.LoginAccount
	}
	for name, a := range accounts {
		switch {
		case a.AccountType != "GOOGLE_ADS" || a.Product != "":
			return violation("INVALID_DESTINATION", path+"."+name+".account_type", "is not GOOGLE_ADS alone")
		case !tenDigits.MatchString(a.AccountID):
			return violation("INVALID_NUMBER_FORMAT", path+"."+name+".account_id", "%q is not ten digits", a.AccountID)
		}
	}
	if !number.MatchString(d.ProductDestinationID) {
		return violation("INVALID_CONVERSION_ACTION_ID", path+".product_destination_id", "%q is no number", d.ProductDestinationID)
	}
	if s.Accounts == nil {
		return nil
	}
	owner, known := s.Accounts[d.OperatingAccount.AccountID]
	login := d.OperatingAccount.AccountID
	if d.LoginAccount != nil {
		login = d.LoginAccount.AccountID
	}
	if !known || login != d.OperatingAccount.AccountID && !slices.Contains(owner.Managers, login) {
		return &Error{HTTP: 403, Status: "PERMISSION_DENIED", Message: "The caller does not have permission", Reason: "PERMISSION_DENIED"}
	}
	switch action, known := owner.Actions[d.ProductDestinationID]; {
	case !known:
		return violation("INVALID_CONVERSION_ACTION_ID", path+".product_destination_id", "the account has no such conversion action")
	case action.Webpage:
		return violation("INVALID_CONVERSION_ACTION_TYPE", path+".product_destination_id", "the conversion action is of type WEBPAGE")
	}
	return nil
}

// checked is an event, and what is wrong with it.
type checked struct {
	ingestEvent
	s          *Server
	in         *ingestRequest
	raw        json.RawMessage
	path       string
	at         time.Time
	violations []Violation
}

func (c *checked) refuse(reason, field, format string, args ...any) {
	c.violations = append(c.violations, Violation{Field: c.path + "." + field, Description: fmt.Sprintf(format, args...), Reason: reason})
}

func (c *checked) check() {
	if err := json.Unmarshal(c.raw, &c.ingestEvent); err != nil {
		c.refuse("INVALID_FORMAT", "event", "%v", err)
		return
	}
	c.checkTime()
	if c.EventSource == "" {
		c.refuse("REQUIRED_FIELD_MISSING", "event_source", "is missing")
	}
	switch n := len([]rune(c.TransactionID)); {
	case n == 0:
		c.refuse("REQUIRED_FIELD_MISSING", "transaction_id", "is missing")
	case n > 64:
		c.refuse("FIELD_VALUE_TOO_LONG", "transaction_id", "has %d characters", n)
	}
	for _, reference := range c.DestinationReferences {
		if !slices.ContainsFunc(c.in.Destinations, func(d destination) bool { return d.Reference == reference }) {
			c.refuse("INVALID_DESTINATION", "destination_references", "there is no destination %q", reference)
		}
	}
	c.checkMoney()
	c.checkIdentifiers()
}

func (c *checked) checkTime() {
	if c.EventTimestamp == "" {
		c.refuse("REQUIRED_FIELD_MISSING", "event_timestamp", "is missing")
		return
	}
	at, err := time.Parse(time.RFC3339Nano, c.EventTimestamp)
	if err != nil || !rfc3339.MatchString(c.EventTimestamp) {
		c.refuse("INVALID_FORMAT", "event_timestamp", "%q is no RFC 3339", c.EventTimestamp)
		return
	}
	if at.After(c.s.now().Add(60 * time.Second)) {
		c.refuse("EVENT_TIME_INVALID", "event_timestamp", "is in the future")
	}
	c.at = at
}

func (c *checked) checkMoney() {
	if c.Currency != "" && (!currency.MatchString(c.Currency) || slices.Contains(noCurrencies, c.Currency)) {
		c.refuse("INVALID_CURRENCY_CODE", "currency", "%q", c.Currency)
	}
	if c.ConversionValue == nil {
		return
	}
	if !amount.MatchString(c.ConversionValue.String()) {
		c.refuse("INVALID_NUMBER_FORMAT", "conversion_value", "%s is no amount", c.ConversionValue)
	}
	if c.Currency == "" {
		c.refuse("REQUIRED_FIELD_MISSING", "currency", "is missing beside the value")
	}
}

func (c *checked) checkIdentifiers() {
	for name, id := range c.AdIdentifiers {
		if id == "" || strings.ContainsAny(id, " \t\r\n&%") {
			c.refuse("INVALID_FORMAT", "ad_identifiers."+name, "%q is no click id", id)
		}
	}
	switch {
	case len(c.AdIdentifiers) > 1:
		c.refuse("INVALID_EVENT", "ad_identifiers", "%d click ids: send one", len(c.AdIdentifiers))
	case c.UserData == nil && len(c.AdIdentifiers) == 0:
		c.refuse("NO_IDENTIFIERS_PROVIDED", "ad_identifiers", "there is neither a click id nor a hash")
	}
	if c.UserData == nil {
		return
	}
	if c.in.Encoding != "HEX" {
		c.refuse("REQUIRED_FIELD_MISSING", "encoding", "is not HEX, and hashes are in hex")
	}
	switch n := len(c.UserData.UserIdentifiers); {
	case n == 0:
		c.refuse("NO_IDENTIFIERS_PROVIDED", "user_data.user_identifiers", "there are none")
	case n > 10:
		c.refuse("TOO_MANY_USER_IDENTIFIERS", "user_data.user_identifiers", "%d", n)
	}
	for i, identifier := range c.UserData.UserIdentifiers {
		c.checkHash(fmt.Sprintf("user_data.user_identifiers[%d]", i), identifier)
	}
	for _, d := range c.in.Destinations {
		if a := c.s.Accounts[d.OperatingAccount.AccountID]; a != nil && a.NoTerms {
			c.refuse("DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED", "user_data", "the customer data terms are not accepted")
		}
	}
}

func (c *checked) checkHash(path string, identifier map[string]json.RawMessage) {
	if len(identifier) != 1 {
		c.refuse("INVALID_EVENT", path, "%d kinds of identifier instead of one", len(identifier))
		return
	}
	for name, raw := range identifier {
		var hash string
		if name == "address" {
			c.refuse("INVALID_EVENT", path, "nobody has an address in a chat")
		} else if json.Unmarshal(raw, &hash) != nil || strings.Trim(strings.ToLower(hash), "0123456789abcdef") != "" {
			c.refuse("INVALID_HEX_ENCODING", path+"."+snake(name), "%q is no hex", hash)
		} else if !hexHash.MatchString(hash) {
			c.refuse("INVALID_SHA256_FORMAT", path+"."+snake(name), "%q is no SHA-256", hash)
		} else if name == "phoneNumber" && c.s.withoutPlus(hash) {
			c.refuse("INVALID_FORMAT", path+".phone_number", "the hash is of a number without its plus")
		}
	}
}

// testNumbers are those that examples have.
var testNumbers = []string{"15551234567", "15550783881", "5511987654321", "551187654321", "5215512345678", "525512345678"}

// withoutPlus reports whether a hash is of a known number's digits alone.
func (s *Server) withoutPlus(hash string) bool {
	for _, n := range append(append([]string(nil), testNumbers...), s.Numbers...) {
		sum := sha256.Sum256([]byte(n))
		if hex.EncodeToString(sum[:]) == strings.ToLower(hash) {
			return true
		}
	}
	return false
}
