package googletest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

const (
	hash = "8a59780bb8cd2ba022bfa5ba2ea3b6e07af17a7d8b30c1f9b3390e36f69019e4" // of +15551234567
	ads  = `{"operatingAccount":{"accountType":"GOOGLE_ADS","accountId":"1234567890"},"productDestinationId":"777111122"}`
	good = `{"destinations":[` + ads + `],"encoding":"HEX","consent":{"adUserData":"CONSENT_GRANTED"},"events":[` +
		`{"eventTimestamp":"2026-11-26T10:15:30Z","eventSource":"MESSAGE","transactionId":"lead-41","adIdentifiers":{"gclid":"Cj0KCQjw-Test"},` +
		`"conversionValue":49.9,"currency":"EUR"},` +
		`{"eventTimestamp":"2026-11-26T10:15:30.250+01:00","eventSource":"WEB","transactionId":"lead-42",` +
		`"userData":{"userIdentifiers":[{"phoneNumber":"` + hash + `"}]}}]}`
)

// TestCheck: what Google refuses is refused, and by the reason and the field that it gives.
func TestCheck(t *testing.T) {
	s := &Server{Now: func() time.Time { return now }, Accounts: map[string]*Account{
		"1234567890": {Managers: []string{"9876543210"}, Actions: map[string]Action{"777111122": {}, "5": {Webpage: true}}},
		"2222222222": {NoTerms: true, Actions: map[string]Action{"777111122": {}}},
	}}
	if fail := s.Check([]byte(good)); fail != nil {
		t.Fatal(fail)
	}
	manager := `"loginAccount":{"accountType":"GOOGLE_ADS","accountId":"9876543210"},"productDestinationId"`
	if fail := s.Check([]byte(strings.Replace(good, `"productDestinationId"`, manager, 1))); fail != nil {
		t.Error(fail)
	}
	identifiers := `"userIdentifiers":[{"phoneNumber":"` + hash + `"}`
	for _, c := range []struct{ old, new, field, reason string }{
		{`"transactionId":"lead-41"`, `"transaction_id":"lead-41"`, "events[0]", ""},
		{`"eventSource":"MESSAGE"`, `"eventSource":"MESSAGE","event":null`, "events[0]", ""},
		{`"currency":"EUR"`, `"currency":null`, "events[0].currency", ""},
		{`"1234567890"`, `1234567890`, "destinations[0].operating_account.account_id", ""},
		{`"777111122"`, `777111122`, "destinations[0].product_destination_id", ""},
		{`49.9`, `"49.9"`, "events[0].conversion_value", ""},
		{`49.9`, `-1`, "events.events[0].conversion_value", "INVALID_NUMBER_FORMAT"},
		{`[` + ads + `]`, `[]`, "destinations", "REQUIRED_FIELD_MISSING"},
		{`[` + ads + `]`, `[` + strings.Repeat(ads+",", 10) + ads + `]`, "destinations", "TOO_MANY_DESTINATIONS"},
		{`[` + ads + `]`, `[` + ads + "," + ads + `]`, "destinations[1].reference", "DUPLICATE_DESTINATION_REFERENCE"},
		{`"eventSource":"WEB"`, `"eventSource":"WEB","destinationReferences":["x"]`, "events.events[1].destination_references",
			"INVALID_DESTINATION"},
		{`"GOOGLE_ADS"`, `"GOOGLE_ADS_ACCOUNT"`, "destinations[0].operating_account.account_type", "INVALID_ENUM_VALUE"},
		{`"GOOGLE_ADS"`, `"DATA_PARTNER"`, "destinations[0].operating_account.account_type", "INVALID_DESTINATION"},
		{`"1234567890"`, `"123-456-7890"`, "destinations[0].operating_account.account_id", "INVALID_NUMBER_FORMAT"},
		{`"productDestinationId"`, `"linkedAccount":{"accountType":"GOOGLE_ADS","accountId":"1234567890"},"productDestinationId"`,
			"destinations[0].linked_account", "LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT"},
		{`"777111122"`, `"6"`, "destinations[0].product_destination_id", "INVALID_CONVERSION_ACTION_ID"},
		{`"777111122"`, `"5"`, "destinations[0].product_destination_id", "INVALID_CONVERSION_ACTION_TYPE"},
		{identifiers, `"userIdentifiers":[` + strings.Repeat(`{"phoneNumber":"`+hash+`"},`, 10) + `{"phoneNumber":"` + hash + `"}`,
			"events.events[1].user_data.user_identifiers", "TOO_MANY_USER_IDENTIFIERS"},
		{identifiers, `"userIdentifiers":[{}`, "events.events[1].user_data.user_identifiers[0]", "INVALID_EVENT"},
		{identifiers, `"userIdentifiers":[{"phoneNumber":"` + hash + `","emailAddress":"` + hash + `"}`,
			"events.events[1].user_data.user_identifiers[0]", "INVALID_EVENT"},
		{`"adIdentifiers":{"gclid":"Cj0KCQjw-Test"},`, ``, "events.events[0].ad_identifiers", "NO_IDENTIFIERS_PROVIDED"},
		{`{"gclid":"Cj0KCQjw-Test"}`, `{"gclid":"a","wbraid":"b"}`, "events.events[0].ad_identifiers", "INVALID_EVENT"},
		{`"eventTimestamp":"2026-11-26T10:15:30Z",`, ``, "events.events[0].event_timestamp", "REQUIRED_FIELD_MISSING"},
		{`2026-11-26T10:15:30Z`, `2026-11-26 10:15:30+00:00`, "events.events[0].event_timestamp", "INVALID_FORMAT"},
		{`2026-11-26T10:15:30Z`, `2026-11-26T10:15:30.1Z`, "events.events[0].event_timestamp", "INVALID_FORMAT"},
		{`2026-11-26T10:15:30Z`, `2026-11-26T12:01:01Z`, "events.events[0].event_timestamp", "EVENT_TIME_INVALID"},
		{`"eventSource":"MESSAGE",`, ``, "events.events[0].event_source", "REQUIRED_FIELD_MISSING"},
		{`"MESSAGE"`, `"EVENT_SOURCE_UNSPECIFIED"`, "events[0].event_source", "INVALID_ENUM_VALUE"},
		{`"CONSENT_GRANTED"`, `"GRANTED"`, "consent.ad_user_data", "INVALID_ENUM_VALUE"},
		{`"encoding":"HEX",`, ``, "events.events[1].encoding", "REQUIRED_FIELD_MISSING"},
		{hash, `+15551234567`, "events.events[1].user_data.user_identifiers[0].phone_number", "INVALID_HEX_ENCODING"},
		{hash, hash[:62], "events.events[1].user_data.user_identifiers[0].phone_number", "INVALID_SHA256_FORMAT"},
		{hash, "d6736136ea896c1bfdc553e0e86e702c70d060d805696ca3e4e9e0961353860a",
			"events.events[1].user_data.user_identifiers[0].phone_number", "INVALID_FORMAT"},
		{`"1234567890"`, `"2222222222"`, "events.events[1].user_data", "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED"},
		{`,"currency":"EUR"`, ``, "events.events[0].currency", "REQUIRED_FIELD_MISSING"},
		{`"EUR"`, `"eur"`, "events.events[0].currency", "INVALID_CURRENCY_CODE"},
		{`,"transactionId":"lead-41"`, ``, "events.events[0].transaction_id", "REQUIRED_FIELD_MISSING"},
		{`lead-41`, strings.Repeat("x", 65), "events.events[0].transaction_id", "FIELD_VALUE_TOO_LONG"},
		{`lead-41`, `lead-42`, "events.events[1].transaction_id", "INVALID_EVENT"},
	} {
		body := strings.Replace(good, c.old, c.new, 1)
		fail := s.Check([]byte(body))
		if body == good || fail == nil || len(fail.Violations) != 1 || fail.Violations[0].Field != c.field ||
			fail.Violations[0].Reason != c.reason {
			t.Errorf("%s → %s: %+v", c.old, c.new, fail)
		}
	}
	null := strings.Replace(good, `"currency":"EUR"`, `"currency":null`, 1)
	if fail := s.Check([]byte(null)); fail == nil || !strings.HasSuffix(fail.Message, "null instead of a string at 'events[0].currency'") {
		t.Errorf("a null: %+v", fail)
	}
	for _, body := range []string{``, `[]`, `{"events":[]`, good + `x`, good + good,
		strings.Replace(good, `"encoding"`, `"encoding":"HEX","encoding"`, 1)} {
		if s.Check([]byte(body)) == nil {
			t.Errorf("%s is taken", body)
		}
	}
	other := strings.Replace(good, "1234567890", "3333333333", 1)
	if fail := s.Check([]byte(other)); fail == nil || fail.HTTP != 403 {
		t.Errorf("an account that is not granted: %v", fail)
	}
	event := `{"eventTimestamp":"2026-11-26T10:15:30Z","eventSource":"WEB","transactionId":"t%d","adIdentifiers":{"gclid":"x"}},`
	var many strings.Builder
	for i := range 2001 {
		fmt.Fprintf(&many, event, i)
	}
	if fail := s.Check([]byte(`{"destinations":[` + ads + `],"events":[` + strings.TrimSuffix(many.String(), ",") + `]}`)); fail == nil ||
		fail.Violations[0].Reason != "TOO_MANY_EVENTS" {
		t.Errorf("2001 events: %v", fail)
	}
}

// assertion is a JWT with those claims, signed by the key of a file.
func assertion(t *testing.T, file []byte, header string, claims map[string]any) string {
	t.Helper()
	var k struct {
		PrivateKey string `json:"private_key"`
	}
	if err := json.Unmarshal(file, &k); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(k.PrivateKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// TestToken: an assertion must be all that Google wants of one.
func TestToken(t *testing.T) {
	s := New(t)
	file := s.KeyFile(t)
	const header = `{"alg":"RS256","typ":"JWT","kid":"k"}`
	iat := time.Now().Unix()
	claims := func(change ...any) map[string]any {
		c := map[string]any{"iss": ServiceAccount, "scope": Scope, "aud": s.URL() + "/token", "iat": iat, "exp": iat + 3600}
		for i := 0; i < len(change); i += 2 {
			c[change[i].(string)] = change[i+1]
		}
		return c
	}
	right := assertion(t, file, header, claims())
	for name, c := range map[string]struct{ assertion, code string }{
		"right":        {right, ""},
		"signature":    {right[:len(right)-8] + "AAAAAAAA", "invalid_grant"},
		"no JWT":       {"x.y", "invalid_grant"},
		"algorithm":    {assertion(t, file, `{"alg":"HS256","typ":"JWT","kid":"k"}`, claims()), "invalid_grant"},
		"audience":     {assertion(t, file, header, claims("aud", "https://oauth2.googleapis.com/token")), "invalid_grant"},
		"too long":     {assertion(t, file, header, claims("exp", iat+3601)), "invalid_grant"},
		"in future":    {assertion(t, file, header, claims("iat", iat+120, "exp", iat+240)), "invalid_grant"},
		"over":         {assertion(t, file, header, claims("iat", iat-4000, "exp", iat-400)), "invalid_grant"},
		"issuer":       {assertion(t, file, header, claims("iss", "x@y")), "invalid_grant"},
		"another":      {assertion(t, file, header, claims("sub", "x@y")), "invalid_grant"},
		"no scope":     {assertion(t, file, header, claims("scope", "")), "invalid_scope"},
		"a word":       {assertion(t, file, header, claims("scope", "email")), "invalid_scope"},
		"wrong grant":  {"", "unsupported_grant_type"},
		"other scope ": {assertion(t, file, header, claims("scope", "https://www.googleapis.com/auth/adwords")), ""},
	} {
		grant := assertionGrant
		if c.assertion == "" {
			grant = "password"
		}
		code, answer := post(t, s.URL()+"/token", "application/x-www-form-urlencoded", "",
			url.Values{"grant_type": {grant}, "assertion": {c.assertion}}.Encode())
		if c.code == "" && (code != 200 || !strings.Contains(answer, `"access_token":"ya29.`)) || c.code != "" && (code != 400 ||
			!strings.Contains(answer, `"error":"`+c.code+`"`)) {
			t.Errorf("%s: %d %s", name, code, answer)
		}
	}
	if code, _ := post(t, s.URL()+"/token", "application/json", "", `{}`); code != 400 {
		t.Errorf("JSON for a form: %d", code)
	}
}

func post(t *testing.T, target, kind, bearer, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// TestRequests: who may ask, how often, and by which headers.
func TestRequests(t *testing.T) {
	s := New(t, func(s *Server) {
		s.Now, s.PerMinute = func() time.Time { return now }, 7
		s.tokens = map[string]token{"good": {time.Now().Add(time.Hour), []string{Scope}}, "old": {scopes: []string{Scope}},
			"other": {time.Now().Add(time.Hour), []string{"https://www.googleapis.com/auth/adwords"}}}
	})
	target := s.URL() + "/v1/events:ingest"
	const kind = "application/json"
	for _, c := range []struct {
		name, kind, bearer string
		headers            []string
		want               int
		reason             string
	}{
		{"right", kind, "good", nil, 200, "requestId"},
		{"no token", kind, "", nil, 401, "CREDENTIALS_MISSING"},
		{"foreign token", kind, "x", nil, 401, "UNAUTHENTICATED"},
		{"old token", kind, "old", nil, 401, "ACCESS_TOKEN_EXPIRED"},
		{"other scope", kind, "other", nil, 403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"},
		{"content type", "text/plain", "good", nil, 400, "Content-Type"},
		{"old header", kind, "good", []string{"login-customer-id", "1"}, 400, "login-customer-id"},
		{"too often", kind, "good", nil, 429, "quota_limit"},
	} {
		if code, answer := post(t, target, c.kind, c.bearer, good, c.headers...); code != c.want || !strings.Contains(answer, c.reason) {
			t.Errorf("%s: %d %s", c.name, code, answer)
		}
	}
	resp, err := http.Get(target)
	if err != nil || resp.StatusCode != 404 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	if n := len(s.Accepted()); n != 2 {
		t.Errorf("%d accepted", n)
	}
}
