package google_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/google"
)

// noon is a time after the events of these tests.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

const (
	eventID = "e70210fe-620f-555d-bc02-bd88cd34dabc"
	gclid   = "Cj0KCQjw-Test_CaseSensitive"
	plus    = "8a59780bb8cd2ba022bfa5ba2ea3b6e07af17a7d8b30c1f9b3390e36f69019e4" // of +15551234567
)

// at is 10:15:30 and some milliseconds, as UNIX milliseconds.
func at(ms int64) int64 {
	return time.Date(2026, 11, 26, 10, 15, 30, 0, time.UTC).UnixMilli() + ms
}

func settings() *google.Settings { return &google.Settings{Account: "1234567890"} }

// posted is the unified JSON of a posted conversion.
func posted(receivedAt int64, conversion string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"kind":"conversion","receivedAt":%d,"conversion":{%s}}`, eventID, receivedAt, conversion)
}

// built is the event, which must be the appended part and JSON.
func built(t *testing.T, unified []byte, c google.Conversion, s *google.Settings) google.Event {
	t.Helper()
	out, event, err := google.AppendEvent([]byte("before"), unified, &c, s, noon)
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != "before"+string(event.Body) || !json.Valid(event.Body) {
		t.Fatalf("%s is not before and %s", out, event.Body)
	}
	return event
}

// TestEventVectors: the minimal conversion of a click and the one of a phone alone are
// written as Google's guides have them.
func TestEventVectors(t *testing.T) {
	consent := google.Consent{AdUserData: google.Granted}
	got := built(t, posted(at(0), `"value":49.90,"currency":"eur"`), google.Conversion{Touch: google.Touch{GCLID: gclid, Consent: consent}},
		settings())
	want := `{"eventTimestamp":"2026-11-26T10:15:30Z","eventSource":"MESSAGE","transactionId":"` + eventID + `",` +
		`"adIdentifiers":{"gclid":"Cj0KCQjw-Test_CaseSensitive"},"conversionValue":49.9,"currency":"EUR",` +
		`"consent":{"adUserData":"CONSENT_GRANTED"}}`
	if string(got.Body) != want || got.TransactionID != eventID || got.Hashed || got.At != at(0) {
		t.Errorf("%+v\n%s, want\n%s", got, got.Body, want)
	}
	s := settings()
	s.WithoutClick, s.EventSource = true, "WEB"
	got = built(t, posted(at(250), `"orderId":"lead-42","value":null`), google.Conversion{Touch: google.Touch{WaPhone: "+15551234567",
		WaID: "15551234567"}}, s)
	want = `{"eventTimestamp":"2026-11-26T10:15:30.250Z","eventSource":"WEB","transactionId":"lead-42",` +
		`"userData":{"userIdentifiers":[{"phoneNumber":"` + plus + `"}]}}`
	if string(got.Body) != want || !got.Hashed {
		t.Errorf("%s, want\n%s", got.Body, want)
	}
}

// TestLead: of a message with a link's click all that counts stands in the event.
func TestLead(t *testing.T) {
	unified := fmt.Appendf(nil, `{"id":%q,"kind":"message","receivedAt":%d,"waPhone":"+5511987654321","waId":"551187654321",`+
		`"link":{"clickedAt":%d,"params":{"gbraid":"0AAA","wbraid":"ZZ","utm_source":"x"}}}`, eventID, at(0), at(-5000))
	got := built(t, unified, google.Conversion{}, settings())
	second, _ := google.HashPhone("551187654321") // with eight digits, as the wa_id has them
	want := `{"eventTimestamp":"2026-11-26T10:15:30Z","eventSource":"MESSAGE","transactionId":"` + eventID + `",` +
		`"adIdentifiers":{"gbraid":"0AAA"},"userData":{"userIdentifiers":[` +
		`{"phoneNumber":"38225ec3dccec4189659c110ddc4f3dc9c27539850cb6a9ddae31ae03a5cf441"},{"phoneNumber":"` + second + `"}]}}`
	if string(got.Body) != want {
		t.Errorf("%s, want\n%s", got.Body, want)
	}
	s := settings()
	s.NoMatchKeys = true
	if got := built(t, unified, google.Conversion{}, s); got.Hashed || strings.Contains(string(got.Body), "userData") {
		t.Errorf("without match keys: %s", got.Body)
	}
}

// TestTime: an event is a second after its click at the least, and never in the future;
// another second can be asked for.
func TestTime(t *testing.T) {
	for _, c := range []struct {
		name              string
		received, clicked int64
		shift             time.Duration
		want              string
	}{
		{"after the click", at(0), at(-60_000), 0, "2026-11-26T10:15:30Z"},
		{"at the click", at(0), at(0), 0, "2026-11-26T10:15:31Z"},
		{"half a second after", at(0), at(-500), 0, "2026-11-26T10:15:30.500Z"},
		{"before the click", at(0), at(60_000), 0, "2026-11-26T10:16:31Z"},
		{"in the future", noon.Add(time.Hour).UnixMilli(), 0, 0, "2026-11-26T12:00:00Z"},
		{"click in the future", at(0), noon.UnixMilli(), 0, "2026-11-26T12:00:00Z"},
		{"shifted", at(0), at(0), 2 * time.Second, "2026-11-26T10:15:33Z"},
	} {
		got := built(t, posted(c.received, ""), google.Conversion{Touch: google.Touch{GCLID: gclid, ClickedAt: c.clicked}, Shift: c.shift},
			settings())
		if !strings.Contains(string(got.Body), `"eventTimestamp":"`+c.want+`"`) {
			t.Errorf("%s: %s, want %s", c.name, got.Body, c.want)
		}
	}
}

// TestMoneyIsExact: no amount passes through a float, and 0 is sent.
func TestMoneyIsExact(t *testing.T) {
	for in, want := range map[string]string{
		`0`: "0", `"0.00"`: "0", `9007199254740993`: "9007199254740993", `"0.1"`: "0.1", `12.50`: "12.5", `1e3`: "1000",
		`123456789012345678.01`: "123456789012345678.01",
	} {
		got := built(t, posted(at(0), `"currency":"USD","value":`+in), google.Conversion{Touch: google.Touch{GCLID: gclid}}, settings())
		if !strings.Contains(string(got.Body), `"conversionValue":`+want+`,"currency":"USD"`) {
			t.Errorf("%s: %s", in, got.Body)
		}
	}
}

// TestConsent: the click's own consent goes before the account's, part by part.
func TestConsent(t *testing.T) {
	s := settings()
	s.Consent = google.Consent{AdUserData: google.Granted, AdPersonalization: google.Denied}
	for own, want := range map[google.Consent]string{
		{}: `"consent":{"adUserData":"CONSENT_GRANTED","adPersonalization":"CONSENT_DENIED"}`,
		{AdUserData: google.Granted, AdPersonalization: google.Granted}: `"consent":{"adUserData":"CONSENT_GRANTED",` +
			`"adPersonalization":"CONSENT_GRANTED"}`,
	} {
		got := built(t, posted(at(0), ""), google.Conversion{Touch: google.Touch{GCLID: gclid, Consent: own}}, s)
		if !strings.HasSuffix(string(got.Body), want+"}") {
			t.Errorf("%v: %s", own, got.Body)
		}
	}
	if got := built(t, posted(at(0), ""), google.Conversion{Touch: google.Touch{GCLID: gclid}}, settings()); strings.Contains(
		string(got.Body), "consent") {
		t.Errorf("unset: %s", got.Body)
	}
}

// TestGuard: what Google would refuse is refused here, with its reason.
func TestGuard(t *testing.T) {
	click := google.Touch{GCLID: gclid}
	phone := google.Touch{WaPhone: "+15551234567"}
	without, none := settings(), settings()
	without.WithoutClick, none.WithoutClick, none.NoMatchKeys = true, true, true
	for _, c := range []struct {
		name         string
		conversion   string
		touch        google.Touch
		s            *google.Settings
		code, reason string
	}{
		{"no click", "", phone, settings(), "NO_IDENTIFIERS_PROVIDED", google.ReasonRefused},
		{"no match keys", "", phone, none, "NO_IDENTIFIERS_PROVIDED", google.ReasonRefused},
		{"nobody", "", google.Touch{WaPhone: "12"}, without, "NO_IDENTIFIERS_PROVIDED", google.ReasonRefused},
		{"null", "", google.Touch{GCLID: "null"}, settings(), "INVALID_GCLID", google.ReasonRefused},
		{"a hash", "", google.Touch{GBRAID: plus}, settings(), "INVALID_GBRAID", google.ReasonRefused},
		{"a placeholder", "", google.Touch{WBRAID: "{wbraid}"}, settings(), "INVALID_WBRAID", google.ReasonRefused},
		{"too long", "", google.Touch{GCLID: strings.Repeat("x", 513)}, settings(), "INVALID_GCLID", google.ReasonRefused},
		{"old click", "", google.Touch{GCLID: gclid, ClickedAt: noon.Add(-90 * 24 * time.Hour).UnixMilli()}, settings(), "EXPIRED_CLICK",
			google.ReasonExpired},
		{"denied", "", google.Touch{GCLID: gclid, Consent: google.Consent{AdUserData: google.Denied}}, settings(), "DENIED_CONSENT",
			google.ReasonConsent},
		{"negative", `"value":-1,"currency":"USD"`, click, settings(), "INVALID_NUMBER_FORMAT", google.ReasonRefused},
		{"no amount", `"value":"1,50","currency":"USD"`, click, settings(), "INVALID_NUMBER_FORMAT", google.ReasonRefused},
		{"true", `"value":true,"currency":"USD"`, click, settings(), "INVALID_NUMBER_FORMAT", google.ReasonRefused},
		{"no currency", `"value":1`, click, settings(), "REQUIRED_FIELD_MISSING", google.ReasonRefused},
		{"other currency", `"value":1,"currency":"ABC"`, click, settings(), "INVALID_CURRENCY_CODE", google.ReasonRefused},
	} {
		out, _, err := google.AppendEvent([]byte("x"), posted(at(0), c.conversion), &google.Conversion{Touch: c.touch}, c.s, noon)
		refused, ok := errors.AsType[*google.Refusal](err)
		if !ok || refused.Code != c.code || refused.Reason != c.reason || string(out) != "x" || refused.Error() == "" {
			t.Errorf("%s: %q, %#v", c.name, out, err)
		}
	}
	for _, unified := range []string{`{`, `{}`, `{"id":"x","receivedAt":"soon"}`} {
		if _, _, err := google.AppendEvent(nil, []byte(unified), &google.Conversion{Touch: click}, settings(), noon); err == nil {
			t.Errorf("%s is taken", unified)
		}
	}
}

// TestTransactionID: an order of over 64 characters goes as the event's id.
func TestTransactionID(t *testing.T) {
	long := strings.Repeat("ü", 64)
	for order, want := range map[string]string{"": eventID, "A 1": "A 1", long: long, long + "x": eventID, "a\nb": eventID} {
		if got := google.TransactionID(order, eventID); got != want {
			t.Errorf("%q: %q", order, got)
		}
	}
}

// TestHashes are those of the formatting guide, computed elsewhere.
func TestHashes(t *testing.T) {
	for number, want := range map[string]string{
		"+15551234567": plus, "15551234567": plus, plus: plus, strings.ToUpper(plus): plus,
		"+1 (800) 555-0100": "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30",
		"+5511987654321":    "38225ec3dccec4189659c110ddc4f3dc9c27539850cb6a9ddae31ae03a5cf441",
	} {
		if got, ok := google.HashPhone(number); got != want || !ok {
			t.Errorf("%s: %s", number, got)
		}
	}
	for email, want := range map[string]string{
		" Cloudy.SanFrancisco+Shopping@Gmail.com ": "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4",
		"user.name+NYC@Example.com":                "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac",
	} {
		if got, ok := google.HashEmail(email); got != want || !ok {
			t.Errorf("%s: %s", email, got)
		}
	}
	for _, email := range []string{"", "x", "@x", "x@", "+tag@gmail.com", "a@b@c"} {
		if got, ok := google.HashEmail(email); ok {
			t.Errorf("%q: %s", email, got)
		}
	}
	for _, number := range []string{"", "123", "+1234567890123456", "abc"} {
		if got, ok := google.HashPhone(number); ok {
			t.Errorf("%q: %s", number, got)
		}
	}
}

// TestNoHashOfMeta: the hash of the digits alone is in no event.
func TestNoHashOfMeta(t *testing.T) {
	got := built(t, posted(at(0), ""), google.Conversion{Touch: google.Touch{GCLID: gclid, WaPhone: "+15551234567", WaID: "15551234567"},
		EmailHash: "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac"}, settings())
	if strings.Contains(string(got.Body), "d6736136ea896c1bfdc553e0e86e702c70d060d805696ca3e4e9e0961353860a") || !strings.Contains(
		string(got.Body), `"emailAddress":"f109a2a`) {
		t.Errorf("%s", got.Body)
	}
}

// BenchmarkAppendEvent builds a lead from its unified JSON, hashing included.
func BenchmarkAppendEvent(b *testing.B) {
	unified := fmt.Appendf(nil, `{"id":%q,"tenantId":"acme","kind":"message","channel":"whatsapp","receivedAt":%d,`+
		`"waPhone":"+5511987654321","waId":"551187654321","link":{"name":"summer","clickedAt":%d,"params":{"gclid":%q}},`+
		`"raw":{"id":"x","text":%q}}`,
		eventID, at(0), at(-5000), gclid, strings.Repeat("x", 600))
	s, c := settings(), &google.Conversion{}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	b.SetBytes(int64(len(unified)))
	for b.Loop() {
		if _, _, err := google.AppendEvent(buf, unified, c, s, noon); err != nil {
			b.Fatal(err)
		}
	}
}
