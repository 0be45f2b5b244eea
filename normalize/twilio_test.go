package normalize

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// twilioBodies are the forms of testdata/twilio, by name.
func twilioBodies(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/twilio/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no payloads: %v", err)
	}
	bodies := make(map[string][]byte)
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bodies[strings.TrimSuffix(filepath.Base(file), ".txt")] = bytes.TrimSuffix(body, []byte("\n"))
	}
	return bodies
}

// twilioEvent normalizes a form and checks what holds for every one: there is
// one event, it validates, its id is the same another time, and its raw is an
// object of exactly the form's fields, as net/url reads them.
func twilioEvent(t testing.TB, b *Batch, body []byte) []byte {
	t.Helper()
	if err := Twilio(b, body, ingested); err != nil {
		t.Fatal(err)
	}
	if len(b.Events) != 1 {
		t.Fatalf("%d events of %s", len(b.Events), body)
	}
	e := &b.Events[0]
	e.SetTenant("acme")
	out, _ := e.AppendJSON(nil)
	validate(t, out)
	if cap(e.Raw) != len(e.Raw) {
		t.Fatal("appending to raw would write over something else")
	}
	checkRaw(t, e.Raw, body)
	var again Batch
	if err := Twilio(&again, bytes.Clone(body), ingested+5000); err != nil {
		t.Fatal(err)
	}
	again.Events[0].SetTenant("acme")
	if again.Events[0].ID() != e.ID() {
		t.Fatalf("the id is %s, then %s", e.ID(), again.Events[0].ID())
	}
	return out
}

func TestGoldenTwilio(t *testing.T) {
	for name, body := range twilioBodies(t) {
		t.Run(name, func(t *testing.T) {
			var b Batch
			compareGolden(t, filepath.Join("testdata/twilio", name+".golden.json"), twilioEvent(t, &b, body))
		})
	}
}

// TestCorpusTwilio runs forms that none of us wrote: *.txt in the corpus's
// twilio folder, where there is one. The JSON bodies of other providers that
// the corpus holds are no forms, and must be refused.
func TestCorpusTwilio(t *testing.T) {
	corpus := os.Getenv("LEADGATE_CORPUS")
	if corpus == "" {
		t.Skip("LEADGATE_CORPUS IS NOT SET: the bodies found in public repositories were NOT tried")
	}
	forms, err := filepath.Glob(filepath.Join(corpus, "twilio", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range forms {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var b Batch
		twilioEvent(t, &b, bytes.TrimSpace(body))
	}
	others, err := filepath.Glob(filepath.Join(corpus, "*", "*.json"))
	if err != nil || len(others) == 0 {
		t.Fatalf("no files in %s: %v", corpus, err)
	}
	for _, file := range others {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var b Batch
		if err := Twilio(&b, body, ingested); err == nil {
			t.Errorf("%s passes for a form", file)
		}
	}
}

// TestTwilioAttribution: a click by its fields, none without them.
func TestTwilioAttribution(t *testing.T) {
	const message = "MessageSid=SM1&From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15550783881&SmsStatus=received&Body=x"
	for _, c := range []struct{ fields, clid, adID string }{
		{"&ReferralCtwaClid=Aff1&ReferralSourceId=9&ReferralSourceType=ad", "Aff1", "9"},
		{"&ReferralSourceId=9&ReferralSourceType=ad", "", "9"},
		{"&ReferralCtwaClid=Aff1", "Aff1", ""},
		{"&ReferralCtwaClid=Aff%2B1&ReferralSourceUrl=https%3A%2F%2Fx.example%2F%3Fad_id%3D7", "Aff+1", "7"},
		{"&ReferralSourceId=9&ReferralSourceType=post", "", ""},
		{"&ReferralCtwaClid=&ReferralSourceId=&ReferralSourceType=ad", "", ""},
		{"&ReferralNumMedia=0", "", ""},
		{"&referralctwaclid=Aff1", "", ""},
		{"", "", ""},
	} {
		for _, kind := range []string{"", "&MessageType=text", "&MessageType=image&MediaUrl0=u&MediaContentType0=image%2Fpng",
			"&MessageType=unsupported", "&MessageType=button&ButtonText=Hi"} {
			var b Batch
			twilioEvent(t, &b, []byte(message+kind+c.fields))
			r := b.Events[0].Referral
			if r.CtwaClid.String() != c.clid || r.AdID.String() != c.adID || r.IsAd() != (c.clid+c.adID != "") {
				t.Errorf("%s%s: clid %s, ad %s", kind, c.fields, r.CtwaClid, r.AdID)
			}
		}
	}
}

// TestTwilioOneContact: a message and the status of its answer have one contact,
// or order and clicks would not hold.
func TestTwilioOneContact(t *testing.T) {
	for body, want := range map[string]string{
		"MessageSid=1&From=whatsapp%3A%2B15551234567&WaId=15551234567&Body=x":                  "15551234567 +15551234567 whatsapp",
		"MessageSid=1&From=whatsapp%3A%2B15551234567&Body=x":                                   "15551234567 +15551234567 whatsapp",
		"MessageSid=1&From=whatsapp:+15551234567&Body=x":                                       "15551234567 +15551234567 whatsapp",
		"MessageSid=1&MessageStatus=read&To=whatsapp%3A%2B15551234567&From=whatsapp%3A%2B1":    "15551234567 +15551234567 whatsapp",
		"MessageSid=1&From=%2B15551234567&Body=x":                                              "+15551234567 +15551234567 sms",
		"MessageSid=1&MessageStatus=sent&To=%2B15551234567&From=%2B15550783881":                "+15551234567 +15551234567 sms",
		"MessageSid=1&From=whatsapp%3AUS.1349&Body=x":                                          "US.1349  whatsapp",
		"MessageSid=1&MessageStatus=sent&To=whatsapp%3AUS.1349":                                "US.1349  whatsapp",
		"MessageSid=1&From=whatsapp%3A%2B15551234567&ExternalUserId=whatsapp%3AUS.1349&Body=x": "US.1349 +15551234567 whatsapp",
	} {
		var b Batch
		twilioEvent(t, &b, []byte(body))
		e := &b.Events[0]
		if got := e.ContactKey() + " " + e.WaPhone.String() + " " + e.Channel.String(); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// TestTwilioAccount: what a tenant's match compares.
func TestTwilioAccount(t *testing.T) {
	for _, body := range []string{
		"MessageSid=1&AccountSid=AC1&From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15550783881&Body=x",
		"MessageSid=1&AccountSid=AC1&To=%2B15551234567&From=%2B15550783881&MessageStatus=sent",
	} {
		var b Batch
		twilioEvent(t, &b, []byte(body))
		if a := b.Events[0].Account; a.routing.AccountSID.String() != "AC1" || a.DisplayPhoneNumber.String() != "15550783881" {
			t.Errorf("%s: %s and %s", body, a.routing.AccountSID, a.DisplayPhoneNumber)
		}
	}
}

// TestReusedBatchTwilio: nothing of one webhook may show up in another.
func TestReusedBatchTwilio(t *testing.T) {
	var reused Batch
	for name, body := range twilioBodies(t) {
		var fresh Batch
		want := twilioEvent(t, &fresh, body)
		reused.Reset()
		if got := twilioEvent(t, &reused, body); !bytes.Equal(got, want) {
			t.Errorf("%s: a reused batch gives\n%s\na new one\n%s", name, got, want)
		}
	}
}

// FuzzTwilio: what is accepted is a form, gives one valid event with a stable
// id, and loses no field.
func FuzzTwilio(f *testing.F) {
	for _, body := range twilioBodies(f) {
		f.Add(body)
	}
	f.Add([]byte("a=%FF&a=%C3%28&%E2=1"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var b Batch
		if err := Twilio(&b, body, ingested); err != nil {
			if len(b.Events) != 0 {
				t.Fatalf("%d events and %v", len(b.Events), err)
			}
			return
		}
		b.Reset()
		twilioEvent(t, &b, body)
	})
}

func runTwilio(t testing.TB, b *Batch, out, body []byte) []byte {
	b.Reset()
	if err := Twilio(b, body, ingested); err != nil {
		t.Fatal(err)
	}
	b.Events[0].SetTenant("acme")
	out, _ = b.Events[0].AppendJSON(out[:0])
	return out
}

// TestAllocationsTwilio: at most 4 for an event, none for what comes all day.
// Ten files, repeated fields and an answer that is no JSON are the exceptions.
func TestAllocationsTwilio(t *testing.T) {
	limits := map[string]float64{"click": 0, "text": 0, "status-delivered": 0, "image": 0, "mms": 8, "repeated": 1000,
		"interactive-flow-broken": 10}
	for name, body := range twilioBodies(t) {
		limit, ok := limits[name]
		if !ok {
			limit = 4
		}
		var b Batch
		out := runTwilio(t, &b, nil, body)
		if n := testing.AllocsPerRun(100, func() { out = runTwilio(t, &b, out, body) }); n > limit {
			t.Errorf("%s: %v allocations, want at most %v", name, n, limit)
		}
	}
}

func BenchmarkTwilioClick(b *testing.B)  { benchmarkTwilio(b, "click") }
func BenchmarkTwilioStatus(b *testing.B) { benchmarkTwilio(b, "status-delivered") }

// benchmarkTwilio has beside it the HMAC-SHA1 of as many bytes.
func benchmarkTwilio(b *testing.B, name string) {
	body := twilioBodies(b)[name]
	b.Run("normalize", func(b *testing.B) {
		var batch Batch
		var out []byte
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			out = runTwilio(b, &batch, out, body)
		}
	})
	b.Run("hmac", func(b *testing.B) {
		mac := hmac.New(sha1.New, []byte("test_auth_token"))
		var sum [sha1.Size]byte
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			mac.Reset()
			mac.Write(body)
			mac.Sum(sum[:0])
		}
	})
}
