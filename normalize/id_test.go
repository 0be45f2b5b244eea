package normalize

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// TestID holds the contract's test vector and the form of keys.
func TestID(t *testing.T) {
	e := Event{Kind: KindMessage, Channel: ChannelWhatsApp}
	e.SetKey("wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=")
	e.SetTenant("acme")
	if got := e.ID().String(); got != "e70210fe-620f-555d-bc02-bd88cd34dabc" {
		t.Errorf("id %s", got)
	}
	text, err := e.ID().AppendText([]byte("x"))
	if err != nil || string(text) != "xe70210fe-620f-555d-bc02-bd88cd34dabc" {
		t.Errorf("AppendText: %s, %v", text, err)
	}
	a, b := Event{Kind: KindStatus}, Event{Kind: KindStatus, key: []byte("m\nread")}
	a.SetKey("m", "read")
	a.SetTenant("acme")
	b.SetTenant("acme")
	if a.ID() != b.ID() || a.ID() == e.ID() {
		t.Errorf("ids %s, %s", a.ID(), b.ID())
	}
}

// TestRawID was computed with Python: uuid.uuid5(namespace, hashlib.sha256(body).hexdigest()).
func TestRawID(t *testing.T) {
	if got := RawID([]byte(`{"object":"whatsapp_business_account","entry":[]}`)).String(); got != "0cbd4e96-82d5-5d24-bb24-9c269efe13c7" {
		t.Errorf("id %s", got)
	}
}

func TestContactKey(t *testing.T) {
	for _, c := range []struct {
		e    Event
		want string
	}{
		{Event{}, ""},
		{Event{WaID: Text(`"15551234567"`)}, "15551234567"},
		{Event{WaID: Text(`"15551234567"`), UserID: Text(`"US.1\/2"`)}, "US.1/2"},
	} {
		if got := c.e.ContactKey(); got != c.want {
			t.Errorf("contact %q, want %q", got, c.want)
		}
	}
}

func TestNewText(t *testing.T) {
	for in, want := range map[string]string{"": `""`, "a\"b\n": `"a\"b\n"`, "é\xff": `"é�"`} {
		if got := NewText(in); string(got) != want {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	}
	if got := Text(nil).String() + string(Text(nil).AppendJSON(nil)); got != "null" {
		t.Errorf("nil is %s", got)
	}
}

// A store may hold what a newer version has queued.
func TestUnknownNames(t *testing.T) {
	for n := range 256 {
		if kind := Kind(n).String(); n >= len(kindNames) && kind != "" || n > 0 && n < len(kindNames) && kind == "" {
			t.Errorf("kind %d is %q", n, kind)
		}
		if channel := Channel(n).String(); n >= len(channelNames) && channel != "" {
			t.Errorf("channel %d is %q", n, channel)
		}
	}
}

func hexSHA(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
