package caddymodule

import (
	"net/http"
	"testing"

	"github.com/leadgate/leadgate/internal/verify"
)

// FuzzMetaVerify accepts the one signature that a secret makes of a body, and
// nothing else.
func FuzzMetaVerify(f *testing.F) {
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	f.Add(body, "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756", "")
	f.Add(body, "sha256=DEC6A680679A968E7E0319355B23599CBFC54502C0784668E9618BAA0C633756", "sha1=fc5983fdf1a4e15c8949b8af05322fede4063d27")
	f.Add([]byte(`{"text":"caf\u00e9 \/ x"}`), "sha256=2b0d90487e580dfa9725ba8ae0d348e8a0d945bc4683e56d6690d8684e0d0fac", "")
	f.Add([]byte(nil), "sha256=", "")
	f.Add(body, "sha256=zz", "x")
	f.Fuzz(func(t *testing.T, body []byte, header, legacy string) {
		m := &Meta{secrets: verify.Keys{verify.NewKey("other"), verify.NewKey("test_app_secret")}}
		r := &http.Request{Header: http.Header{}}
		r.Header["X-Hub-Signature-256"], r.Header["X-Hub-Signature"] = []string{header}, []string{legacy}
		err := m.Verify(r, body)
		// Hex may stand in either case; nothing else may differ.
		right := len(header) == 71 && header[:7] == "sha256=" && (lower(header[7:]) == signature("test_app_secret", body)[7:] ||
			lower(header[7:]) == signature("other", body)[7:])
		if (err == nil) != right {
			t.Errorf("%q of %q: %v", header, body, err)
		}
		r.Header["X-Hub-Signature-256"] = []string{signature("test_app_secret", body)}
		if err := m.Verify(r, body); err != nil {
			t.Errorf("the right signature of %q: %v", body, err)
		}
	})
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'F' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
