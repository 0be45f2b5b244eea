package capi

import "testing"

// The hashes are Meta's and capi-param-builder's published vectors.
func TestMatchKeyVectors(t *testing.T) {
	const h64 = "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"
	const upper = "A665A45920422F9D417E4867EFDC4FB8A04A1F3FFF1FA07E998E86F7F7A27AE3"
	cases := []struct {
		f        func(string) (string, bool)
		in, want string
	}{
		{HashEmail, "     John_Smith@gmail.com    ", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"},
		{HashEmail, "    SomeOne@domain.com  ", "508a7286f88555648990c08a1002657a28ba330379e8b47f3291120e6c80580d"},
		{HashEmail, "\tTEST@EXAMPLE.COM\n", "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"},
		{HashEmail, "user.name+tag@domain.co.uk", "1d3bd71df1147a514334111e1a37145ec4f5a0ad34eec1c15cbad15547e8844a"},
		{HashPhone, "+1 (616) 954-78 88", "bb2fa2e6d2cea4746530c99686d0c7886ab2019875dca2d7e9e171c0e6ada00d"},
		{HashPhone, "+001 (616) 954-78 88", "bb2fa2e6d2cea4746530c99686d0c7886ab2019875dca2d7e9e171c0e6ada00d"},
		{HashPhone, "01(650)123-4567", "1f41a6876308cc581e7c096db4b342524d51f06f1df35537e30859e3956b5e89"},
		{HashPhone, "4792813113", "f42306983821e408cada89d0f1840682989439e2b0c5e169b8e0808e807930c9"},
		{HashPhone, "1(650)555-1212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"},
		{HashEmail, upper, h64}, {HashPhone, upper, h64}, {HashExternalID, upper, h64},
		{HashExternalID, " 12 3 ", h64}, // SHA-256 of 123
	}
	for _, c := range cases {
		if got, ok := c.f(c.in); !ok || got != c.want {
			t.Errorf("%q: %s, %v, want %s", c.in, got, ok, c.want)
		}
	}
	for _, in := range []string{"", "nobody", "@x.com", "x@", "a@b@c", "a b@c.d"} {
		if got, ok := HashEmail(in); ok {
			t.Errorf("e-mail %q gives %s", in, got)
		}
	}
	for _, in := range []string{"", "+", "000", "abc"} {
		if got, ok := HashPhone(in); ok {
			t.Errorf("phone %q gives %s", in, got)
		}
	}
	if got, ok := HashExternalID(" \t"); ok {
		t.Errorf("an empty external id gives %s", got)
	}
}

func TestPhones(t *testing.T) {
	hash := func(s string) string {
		h, _ := HashPhone(s)
		return `"` + h + `"`
	}
	for _, c := range []struct{ phone, id, want string }{
		{"+15551234567", "15551234567", hash("15551234567")},
		{"+15551234567", "", hash("15551234567")},
		{"+5511987654321", "551187654321", hash("5511987654321") + "," + hash("551187654321")},
		{"+525512345678", "5215512345678", hash("525512345678") + "," + hash("5215512345678")},
		{"+15551234567", "US.13491208655302741918", hash("15551234567")},
		{"+15551234567", "US.1349", hash("15551234567")},
		{"+15551234567", "15551234567@s.whatsapp.net", hash("15551234567")},
		{"", "15551234567", ""},
	} {
		if got := string(appendPhones(nil, []byte(c.phone), []byte(c.id))); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.phone, c.id, got, c.want)
		}
	}
}
