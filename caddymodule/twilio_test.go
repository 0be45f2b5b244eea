package caddymodule

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/queue/redistest"
	"github.com/leadgate/leadgate/internal/samples"
	"github.com/leadgate/leadgate/internal/verify"
)

// twilioText is what Twilio signs of a form, as its documentation tells it.
func twilioText(form url.Values) (text string) {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, v := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			text += name + v
		}
	}
	return text
}

// signTwilio is Twilio's algorithm as its documentation tells it.
func signTwilio(algorithm func() hash.Hash, secret, target string, form url.Values) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write([]byte(target + twilioText(form)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// TestTwilioSignature holds the algorithm to the values that Twilio's own
// libraries are tested with.
// https://www.twilio.com/docs/usage/security#explore-the-algorithm-yourself
func TestTwilioSignature(t *testing.T) {
	for want, form := range map[string]url.Values{
		"RSOYDt4T1cUTdK1PDd93/VVr8B8=": {"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"},
			"From": {"+14158675309"}, "To": {"+18005551212"}},
		"IK+Dwps556ElfBT0I3Rgjkr1wJU=": {"Sid": {"CA123"}, "SidAccount": {"AC123"}, "Digits": {"5678", "1234", "1234"}},
	} {
		const target = "https://mycompany.com/myapp.php?foo=1&bar=2"
		r := &http.Request{URL: &url.URL{Scheme: "https", Host: "mycompany.com", Path: "/myapp.php", RawQuery: "foo=1&bar=2"},
			Header: http.Header{}}
		verify.SignTwilio(r, []byte(form.Encode()), "12345")
		if got := r.Header.Get("X-Twilio-Signature"); got != want {
			t.Errorf("%v: %s, want %s", form, got, want)
		}
		if got := signTwilio(sha1.New, "12345", target, form); got != want {
			t.Errorf("the test's own: %v: %s, want %s", form, got, want)
		}
	}
}

const (
	testSID     = "SM0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	otherSID    = "SMffffffffffffffffffffffffffffffff"
	testAccount = "AC00112233445566778899aabbccddeeff"
)

// twilioForm is a WhatsApp message as Twilio posts it.
func twilioForm(sid, text string) url.Values {
	return url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "AccountSid": {testAccount}, "ApiVersion": {"2010-04-01"},
		"From": {"whatsapp:+15551234567"}, "To": {"whatsapp:+15550783881"}, "WaId": {"15551234567"}, "ProfileName": {"Maria"},
		"Body": {text}, "NumMedia": {"0"}, "SmsStatus": {"received"}, "MessageType": {"text"},
	}
}

// postTwilio posts a form with a signature, none for "".
func (e *edge) postTwilio(form url.Values, signature string, edit ...func(*http.Request)) (int, string) {
	e.t.Helper()
	resp, answer := e.post("/webhooks/twilio?x=1", []byte(form.Encode()), append([]func(*http.Request){func(r *http.Request) {
		r.Header.Del("X-Hub-Signature-256")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if signature != "" {
			r.Header.Set("X-Twilio-Signature", signature)
		}
	}}, edit...)...)
	if resp.StatusCode == 200 && (answer != "<Response/>" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml")) {
		e.t.Errorf("answer: %q, %q", answer, resp.Header.Get("Content-Type"))
	}
	return resp.StatusCode, answer
}

func signatureSettings(value string) func(*http.Request) {
	return func(r *http.Request) {
		if value != "" {
			r.Header.Set("X-Twilio-Webhooks-Signature-Settings", value)
		}
	}
}

// TestTwilio checks who may sign, how, and for which spelling of the URL.
func TestTwilio(t *testing.T) {
	const uri = "/webhooks/twilio?x=1"
	const shared = "key=SK00112233445566778899aabbccddeeff,algorithm=HMAC_SHA256"
	both := "twilio {\n auth_token old new\n shared_key SK1 one\n shared_key SK2 two\n public_url %s\n}"
	for _, c := range []struct {
		name, public, target string
		algorithm            func() hash.Hash
		secret, settings     string
		status               int
	}{
		{"old token", "https://a.example", "https://a.example", sha1.New, "old", "", 200},
		{"new token", "https://a.example", "https://a.example", sha1.New, "new", "", 200},
		{"other token", "https://a.example", "https://a.example", sha1.New, "other", "", 401},
		{"default port", "https://a.example", "https://a.example:443", sha1.New, "new", "", 200},
		{"configured default port, signed without", "https://a.example:443", "https://a.example", sha1.New, "new", "", 200},
		{"configured port", "https://a.example:8443", "https://a.example:8443", sha1.New, "new", "", 200},
		{"configured port, signed without", "https://a.example:8443", "https://a.example", sha1.New, "new", "", 200},
		{"configured port, signed with the default one", "https://a.example:8443", "https://a.example:443", sha1.New, "new", "", 200},
		{"http", "http://a.example", "http://a.example:80", sha1.New, "new", "", 200},
		{"another port", "https://a.example", "https://a.example:8443", sha1.New, "new", "", 401},
		{"another scheme", "https://a.example", "http://a.example", sha1.New, "new", "", 401},
		{"another host", "https://a.example", "https://b.example", sha1.New, "new", "", 401},
		{"IPv6", "https://[2001:db8::1]:8443", "https://[2001:db8::1]", sha1.New, "new", "", 200},
		{"shared key", "https://a.example", "https://a.example", sha256.New, "one", shared, 200},
		{"second shared key, without port", "https://a.example:8443", "https://a.example", sha256.New, "two", shared, 200},
		{"shared key, spaces", "https://a.example", "https://a.example", sha256.New, "two", "algorithm=HMAC_SHA256, key=SK2", 200},
		{"shared key without the header", "https://a.example", "https://a.example", sha256.New, "two", "", 200},
		{"unknown shared key", "https://a.example", "https://a.example", sha256.New, "three", shared, 401},
		{"another algorithm", "https://a.example", "https://a.example", sha256.New, "one", "key=SK1,algorithm=HMAC_SHA512", 401},
		{"no algorithm", "https://a.example", "https://a.example", sha256.New, "one", "key=SK1", 401},
		{"a token with a shared key's algorithm", "https://a.example", "https://a.example", sha256.New, "new", shared, 401},
		{"a token with a shared key's algorithm, no header", "https://a.example", "https://a.example", sha256.New, "new", "", 401},
		{"a shared key with a token's algorithm", "https://a.example", "https://a.example", sha1.New, "one", "", 401},
		{"a token's signature as a shared key's", "https://a.example", "https://a.example", sha1.New, "new", shared, 401},
		{"the empty secret", "https://a.example", "https://a.example", sha1.New, "", "", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t)
			e := startEdge(t, otherSite(fmt.Sprintf(both, c.public), "forward "+s.URL))
			form := twilioForm(testSID, "Hi & bye")
			if status, _ := e.postTwilio(form, signTwilio(c.algorithm, c.secret, c.target+uri, form),
				signatureSettings(c.settings)); status != c.status {
				t.Errorf("%d, want %d", status, c.status)
			}
			if c.status == 200 {
				if d := s.next(t); d.event["channel"] != "whatsapp" || d.event["waPhone"] != "+15551234567" {
					t.Errorf("event: %s", d.body)
				}
			}
			s.expectNone(t)
		})
	}
}

// TestTwilioKeys is what each combination of secrets asks for.
func TestTwilioKeys(t *testing.T) {
	const target = "https://a.example/webhooks/twilio?x=1"
	token := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Token", value) }
	}
	form := twilioForm(testSID, "Hi")
	byToken, byKey := signTwilio(sha1.New, "auth", target, form), signTwilio(sha256.New, "shared", target, form)
	shared := signatureSettings("key=SK1,algorithm=HMAC_SHA256")
	for options, cases := range map[string][]struct {
		signature string
		edit      func(*http.Request)
		status    int
	}{
		"auth_token auth":        {{byToken, nil, 200}, {byKey, shared, 401}, {"", nil, 401}, {"", token("t"), 401}},
		"shared_key SK1 shared":  {{byKey, shared, 200}, {byToken, nil, 401}, {"", nil, 401}},
		"token header X-Token t": {{"", token("t"), 200}, {"wrong", token("t"), 200}, {byToken, nil, 401}},
		"auth_token auth\n token header X-Token t": {{byToken, token("t"), 200}, {byToken, nil, 401}, {byToken, token("x"), 401},
			{"", token("t"), 401}},
		"shared_key SK1 shared\ntoken header X-Token t": {{byKey, token("t"), 200}, {byKey, nil, 401}, {"", token("t"), 401}},
	} {
		s := newSink(t)
		e := startEdge(t, otherSite("twilio {\n public_url https://a.example\n "+options+"\n}", "forward "+s.URL))
		for i, c := range cases {
			edit := c.edit
			if edit == nil {
				edit = func(*http.Request) {}
			}
			if status, _ := e.postTwilio(form, c.signature, edit); status != c.status {
				t.Errorf("%s, case %d: %d, want %d", options, i, status, c.status)
			}
		}
	}
}

// edit returns a copy of a form, with fields replaced and, where they are empty,
// removed.
func edited(form url.Values, fields map[string]string) url.Values {
	form = maps.Clone(form)
	for name, value := range fields {
		if value == "" {
			delete(form, name)
		} else {
			form[name] = []string{value}
		}
	}
	return form
}

// TestTwilioCutOtherwise cuts a captured webhook's signed text into other fields,
// which Twilio's signature allows, on both queues: nothing new comes of it, after
// a restart neither, while the webhook itself is answered as a redelivery.
func TestTwilioCutOtherwise(t *testing.T) {
	const target = "https://a.example/webhooks/twilio?x=1"
	for name, queue := range map[string]string{"embedded": "queue embedded %DIR%/queue", "redis": "queue redis " + redistest.Start(t).URL()} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t)
			config := strings.Replace(otherSite("twilio {\n auth_token secret\n public_url https://a.example\n}",
				"forward "+s.URL+" {\n only all\n}"),
				"queue embedded %DIR%/queue", queue, 1)
			e := startEdge(t, config)
			// The customer may choose the text and the name.
			form := twilioForm(testSID, "Hi")
			signature := signTwilio(sha1.New, "secret", target, form)
			status := twilioForm(otherSID, "")
			for _, field := range []string{"Body", "ProfileName", "WaId", "MessageType", "NumMedia", "SmsMessageSid"} {
				delete(status, field)
			}
			status["MessageStatus"], status["SmsStatus"] = []string{"delivered"}, []string{"delivered"}
			statusSignature := signTwilio(sha1.New, "secret", target, status)
			for _, w := range []struct {
				form      url.Values
				signature string
			}{{form, signature}, {status, statusSignature}} {
				if code, _ := e.postTwilio(w.form, w.signature); code != 200 {
					t.Fatalf("the real one: %d", code)
				}
				s.next(t)
			}
			altered := map[string]url.Values{
				"all ids hidden in names": edited(form, map[string]string{
					"MessageSid": "", "MessageS": "id" + testSID, "SmsMessageSid": "", "SmsMessageS": "id" + testSID, "SmsSid": "", "SmsS": "id" +
						testSID}),
				"one id hidden in a name": edited(form, map[string]string{"MessageSid": "", "Message": "Sid" + testSID}),
				"one id swallowed by the number before it": edited(form, map[string]string{
					"MessageSid": "", "From": "whatsapp:+15551234567MessageSid" + testSID}),
				"the whole in one field": {"A": {twilioText(form)[1:]}},
			}
			statuses := map[string]url.Values{
				"a state less": edited(status, map[string]string{"MessageStatus": "", "MessageSt": "atusdelivered", "SmsStatus": "",
					"SmsStatusd": "elivered"}),
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			for len(altered) < 100 {
				altered[fmt.Sprint("random ", len(altered))] = cutOtherwise(rnd, form)
			}
			for len(statuses) < 100 {
				statuses[fmt.Sprint("random ", len(statuses))] = cutOtherwise(rnd, status)
			}
			attack := func() {
				t.Helper()
				for name, form := range altered {
					if code, _ := e.postTwilio(form, signature); code != 200 && code != 401 {
						t.Errorf("%s: %d", name, code)
					}
					if signTwilio(sha1.New, "secret", target, form) != signature {
						t.Fatalf("%s: this is not the same text", name)
					}
				}
				for name, form := range statuses {
					if code, _ := e.postTwilio(form, statusSignature); code != 200 && code != 401 {
						t.Errorf("%s: %d", name, code)
					}
					if signTwilio(sha1.New, "secret", target, form) != statusSignature {
						t.Fatalf("%s: this is not the same text", name)
					}
				}
				if code, _ := e.postTwilio(form, signature); code != 200 {
					t.Errorf("a redelivery: %d", code)
				}
				// What comes after it comes next.
				marker := twilioForm(randomSID(), "marker")
				if code, _ := e.postTwilio(marker, signTwilio(sha1.New, "secret", target, marker)); code != 200 {
					t.Fatalf("marker: %d", code)
				}
				if d := s.next(t); d.event["message"] == nil || d.event["message"].(map[string]any)["text"] != "marker" {
					t.Errorf("an altered webhook came through: %s", d.body)
				}
				s.expectNone(t)
			}
			attack()
			if err := caddy.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := e.load(config); err != nil {
				t.Fatal(err)
			}
			attack()
		})
	}
}

// cutOtherwise moves and removes some of the boundaries between names and values,
// so that the signed text stays the same.
func cutOtherwise(rnd *rand.Rand, form url.Values) url.Values {
	text := twilioText(form)
	for {
		var cuts []int // a name begins, a value begins, a name begins…
		at := 0
		for _, name := range slices.Sorted(maps.Keys(form)) {
			cuts = append(cuts, at, at+len(name))
			at += len(name) + len(form.Get(name))
		}
		for range 1 + rnd.IntN(3) {
			switch i := 1 + rnd.IntN(len(cuts)-1); rnd.IntN(3) {
			case 0:
				cuts[i] += 1 + rnd.IntN(12)
			case 1:
				cuts[i] -= 1 + rnd.IntN(12)
			case 2: // a field becomes part of the one before
				i = i / 2 * 2
				if i > 0 {
					cuts = slices.Delete(cuts, i, i+2)
				}
			}
		}
		if !slices.IsSorted(cuts) || cuts[len(cuts)-1] > len(text) {
			continue
		}
		cuts = append(cuts, len(text))
		other := url.Values{}
		for i := 0; i+2 < len(cuts); i += 2 {
			other.Add(text[cuts[i]:cuts[i+1]], text[cuts[i+1]:cuts[i+2]])
		}
		if !other.Has("") && twilioText(other) == text && !maps.EqualFunc(other, form, slices.Equal) {
			return other
		}
	}
}

func randomSID() string {
	body, err := samples.Render("twilio-click", time.Now())
	if err != nil {
		panic(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		panic(err)
	}
	return form.Get("MessageSid")
}

// TestTwilioForgedTenant writes another tenant's webhook into the text of a
// message, and cuts it out of the signed text.
func TestTwilioForgedTenant(t *testing.T) {
	const target = "https://a.example/webhooks/twilio?x=1"
	acme, globex := newSink(t), newSink(t)
	e := startEdge(t, otherSite("twilio {\n auth_token secret\n public_url https://a.example\n}", `
		tenant acme {
			match phone +15550783881
			forward `+acme.URL+`
		}
		tenant globex {
			match phone +15550000002
			forward `+globex.URL+`
		}`))
	forged := url.Values{"AccountSid": {testAccount}, "ApiVersion": {"2010-04-01"}, "Body": {"Hi"}, "From": {"whatsapp:+15550009999"},
		"MessageSid": {otherSID}, "To": {"whatsapp:+15550000002"}}
	text := "Hi" + "From" + forged.Get("From") + "MessageSid" + otherSID + "To" + forged.Get("To") + "Zz"
	form := twilioForm(testSID, text)
	signature := signTwilio(sha1.New, "secret", target, form)
	_, rest, _ := strings.Cut(twilioText(form), "Zz")
	forged["Zz"] = []string{rest}
	if signTwilio(sha1.New, "secret", target, forged) != signature {
		t.Fatal("this is not the same text")
	}
	if code, _ := e.postTwilio(forged, signature); code != 401 {
		t.Errorf("the forged one: %d", code)
	}
	globex.expectNone(t)
}

// TestTwilioIDs refuses ids that are none where the signature is all there is,
// beside one that is; a form of somebody who tries the edge out may have none.
func TestTwilioIDs(t *testing.T) {
	const target = "https://a.example/webhooks/twilio?x=1"
	for name, c := range map[string]struct {
		change func(url.Values)
		status int
	}{
		"short":        {func(f url.Values) { f.Set("MessageSid", "SM123") }, 401},
		"long":         {func(f url.Values) { f.Set("SmsSid", testSID+"0") }, 401},
		"no hex":       {func(f url.Values) { f.Set("SmsMessageSid", "SMzz1b2c3d4e5f60718293a4b5c6d7e8f9") }, 401},
		"another sort": {func(f url.Values) { f.Set("MessageSid", "IM"+testSID[2:]) }, 401},
		"account":      {func(f url.Values) { f.Set("AccountSid", "SM"+testAccount[2:]) }, 401},
		"none of Twilio's": {func(f url.Values) {
			f.Set("AccountSid", "AC1")
			f.Set("MessageSid", "SMxyz")
			f.Del("SmsSid")
			f.Del("SmsMessageSid")
		}, 200},
		"twice":                   {func(f url.Values) { f.Add("MessageSid", otherSID) }, 401},
		"MMS":                     {func(f url.Values) { f.Set("MessageSid", "MM"+testSID[2:]) }, 200},
		"upper case":              {func(f url.Values) { f.Set("MessageSid", "SM"+strings.ToUpper(testSID[2:])) }, 200},
		"a conversation's":        {func(f url.Values) { f.Set("EventType", "onMessageAdded"); f.Set("MessageSid", "IM"+testSID[2:]) }, 200},
		"without account":         {func(f url.Values) { f.Del("AccountSid") }, 200},
		"the old names alone":     {func(f url.Values) { f.Del("MessageSid"); f.Del("SmsSid") }, 200},
		"a field that is new":     {func(f url.Values) { f.Set("ParentMessageSid", otherSID); f.Set("Zone", "eu") }, 200},
		"a reply":                 {func(f url.Values) { f.Set("OriginalRepliedMessageSid", otherSID) }, 200},
		"a text that tells of it": {func(f url.Values) { f.Set("Body", "MessageSid: "+otherSID+", MessageSid="+otherSID) }, 200},
		"a text that is one":      {func(f url.Values) { f.Set("Body", "xMessageSid"+otherSID) }, 401},
		"a number in a name":      {func(f url.Values) { f.Del("To"); f.Set("SmsStatus", "receivedTowhatsapp:+15550783881") }, 401},
		"very many fields": {func(f url.Values) {
			for i := range 1000 {
				f.Set(fmt.Sprint("F", i), "")
			}
		}, 401},
	} {
		s := newSink(t)
		e := startEdge(t, otherSite("twilio {\n auth_token secret\n public_url https://a.example\n}", "forward "+s.URL+" {\n only all\n}"))
		form := twilioForm(testSID, "Hi")
		c.change(form)
		if code, _ := e.postTwilio(form, signTwilio(sha1.New, "secret", target, form)); code != c.status {
			t.Errorf("%s: %d, want %d", name, code, c.status)
		}
		if c.status == 200 {
			s.next(t)
		}
		s.expectNone(t)
		// A token proves the fields, too.
		e = startEdge(t, otherSite("twilio {\n token query x 1\n}", "forward "+s.URL))
		if code, _ := e.postTwilio(form, ""); code != 200 {
			t.Errorf("%s, by token: %d", name, code)
		}
	}
}

// TestTwilioFile takes a file of form fields that ends with a line end.
func TestTwilioFile(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, otherSite("twilio {\n auth_token secret\n}", "forward "+s.URL))
	form := twilioForm(testSID, "Hi")
	delete(form, "WaId") // the last one would be To
	for i, end := range []string{"\n", "\r\n", ""} {
		form.Set("MessageSid", fmt.Sprintf("SM%032x", i))
		file := filepath.Join(t.TempDir(), "form.txt")
		if err := os.WriteFile(file, []byte(form.Encode()+end), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := cli(t, "normalize", "--provider", "twilio", file)
		if err != nil || !strings.Contains(out, `"To":"whatsapp:+15550783881"`) {
			t.Errorf("%q: %v, %s", end, err, out)
		}
		if out, err := cli(t, "send", "--provider", "twilio", "--to", e.url("/webhooks/x"), "--secret", "secret", file); err != nil {
			t.Errorf("%q: %v, %s", end, err, out)
		}
		if d := s.next(t); d.event["raw"].(map[string]any)["To"] != "whatsapp:+15550783881" {
			t.Errorf("%q: %s", end, d.body)
		}
	}
}
