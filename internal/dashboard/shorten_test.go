package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestShortenPhones(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"waPhone":"+15551234567","waId":"15551234567","n":1.50,"x":null}`,
			`{"waPhone":"+1555…67","waId":"1555…67","n":1.50,"x":null}`},
		// What was seen is found in ids and texts that come later.
		{`{"waPhone":"+15551234567","message":{"id":"true_15551234567@c.us_3A","text":"mail 15551234567"}}`,
			`{"waPhone":"+1555…67","message":{"id":"true_1555…67@c.us_3A","text":"mail 1555…67"}}`},
		{`{"text":"call +1 (555) 123-4567 or 2026-11-20"}`,
			`{"text":"call +1555…67 or 2026-11-20"}`},
		{`{"From":"whatsapp:+15551234567","Body":"x"}`,
			`{"From":"whatsapp:+1555…67","Body":"x"}`},
		{`"From=whatsapp%3A%2B15551234567&WaId=15551234567&Body=x"`,
			`"From=whatsapp%3A%2B1555…67&WaId=1555…67&Body=x"`},
		{`{"chat_id":"15551234567@s.whatsapp.net"}`,
			`{"chat_id":"1555…67@s.whatsapp.net"}`},
		{`{"phone":15551234567,"timestamp":1736535600,"id":106540352242922}`,
			`{"phone":"1555…67","timestamp":1736535600,"id":106540352242922}`},
		{`{"id":"wamid.HBgLMTU1NTEyMzQ1NjcVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA="}`,
			`{"id":"wamid.…MUMxMAA="}`},
		// The business's own ids, ads and times are no contact's number.
		{`{"phoneNumberId":"106540352242922","adId":"120210000000000001","ctwaClid":"Aff123456789"}`,
			`{"phoneNumberId":"106540352242922","adId":"120210000000000001","ctwaClid":"Aff123456789"}`},
		{`{"contacts":[{"phones":[{"phone":"+1 555 987 6543","wa_id":"15559876543"}]}]}`,
			`{"contacts":[{"phones":[{"phone":"+1555…43","wa_id":"1555…43"}]}]}`},
		{`{"a":{"from":"15551234567"},"from":["1234567"],"a":"<img src=x onerror=alert(1)>"}`,
			`{"a":{"from":"1555…67"},"from":["12…67"],"a":"<img src=x onerror=alert(1)>"}`},
	} {
		got, err := shortenPhones([]byte(c.in))
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\n got %s (%v)\nwant %s", c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{`{`, `{"a":}`, ``} {
		if got, err := shortenPhones([]byte(bad)); err == nil && len(got) > 0 {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// FuzzShortenPhones: what is valid stays valid, and keeps its shape.
func FuzzShortenPhones(f *testing.F) {
	f.Add([]byte(`{"waPhone":"+15551234567","raw":{"from":"15551234567","text":{"body":"+15551234567"}}}`))
	f.Add([]byte(`{"from":1555123456789012345678901234567890,"to":"%2B12345678"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := shortenPhones(in)
		if err != nil {
			return
		}
		if json.Valid(in) && !json.Valid(got) {
			t.Errorf("%q became %q", in, got)
		}
	})
}

// TestShortenerGrows counts how often known numbers are asked for.
func TestShortenerGrows(t *testing.T) {
	phones := func(n int) []byte {
		var b bytes.Buffer
		b.WriteString(`[`)
		for i := range n {
			fmt.Fprintf(&b, `{"wa_id":"1555%07d","id":"m%d","text":"of 1555%07d and 99999999999999999999"},`, i, i, i)
		}
		b.WriteString(`{"waId":"` + strings.Repeat("1", n) + `","x":"` + strings.Repeat("1234567890", n) + `"}]`)
		return b.Bytes()
	}
	looked := func(n int) float64 {
		s := shortener{known: make(map[string]string)}
		if _, err := s.document(phones(n)); err != nil {
			t.Fatal(err)
		}
		return float64(s.looked)
	}
	// Four times as much is four times the work, and not sixteen times.
	if one, four := looked(500), looked(2000); four > 8*one+10_000 {
		t.Errorf("%.0f look-ups for 500, %.0f for 2000", one, four)
	}
	s := shortener{known: make(map[string]string)}
	in := phones(2000)
	if _, err := s.document(in); err != nil || s.looked > 12*len(in) {
		t.Errorf("%d look-ups for %d bytes, %v", s.looked, len(in), err)
	}
}
