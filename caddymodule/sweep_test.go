package caddymodule

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/verify"
	"github.com/leadgate/leadgate/normalize"
)

// grows measures a function on its worst input at n, 2n and 4n, by a count of
// steps or bytes, and fails where the work grows faster than the input: four
// times as much is four times the work, with room for memory that comes in powers
// of two; a quadratic function would need sixteen times.
func grows(t *testing.T, name string, n int, measure func(n int) float64) {
	t.Helper()
	one, two, four := measure(n), measure(2*n), measure(4*n)
	if four > 8*one+10_000 {
		t.Errorf("%s grows too fast: %.0f, %.0f, %.0f for %d, %d, %d", name, one, two, four, n, 2*n, 4*n)
	}
}

// allocated is how many bytes a call allocates, the least of a few, since other
// goroutines of the process allocate too.
func allocated(f func()) float64 {
	least := math.Inf(1)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.TotalAlloc-before.TotalAlloc))
	}
	return least
}

// TestTextsGrow measures what text goes through on its way to a person.
func TestTextsGrow(t *testing.T) {
	for name, f := range map[string]func(string) any{
		"HidePhones": func(s string) any { return printable.HidePhones(s) },
		"Wrap":       func(s string) any { return printable.Wrap(s, "", "", printable.Width) },
		"Fit":        func(s string) any { return printable.Fit(s, 20) },
		"redactURL":  func(s string) any { return printable.URL(s) },
		"phone":      func(s string) any { return normalize.PhoneFromWaID(s) },
		"decimal": func(s string) any {
			_, _, err := capi.AppendConversion(nil, []byte(`{"value":`+s+`}`), &capi.Conversion{}, &capi.Settings{}, time.Now())
			return err
		},
		"code": func(s string) any { _, _, err := capi.ParseCode(s); return err },
		"signed URL": func(s string) any {
			r := &http.Request{URL: &url.URL{Path: "/"}, Header: http.Header{}}
			verify.SignTwilio(r, []byte(url.Values{s: {s}, "b": {s}}.Encode()), "x")
			return r
		},
	} {
		for _, unit := range []string{"1", "1 ", "+", "\x1b", "\xff", "a1555123456 ", "%2B1", "\u202e", ":", ";", "{", "&a="} {
			grows(t, fmt.Sprintf("%s of %q", name, unit), 1000, func(n int) float64 {
				text := strings.Repeat(unit, n)
				return allocated(func() { f(text) })
			})
		}
	}
}

// TestVerifiersGrow feeds every provider's verifier and normalizer bodies of many
// small parts, and headers and queries of many values.
func TestVerifiersGrow(t *testing.T) {
	repeat := func(unit string) func(int) string { return func(n int) string { return strings.Repeat(unit, n) } }
	bodies := map[string]func(n int) string{
		"fields": func(n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "f%d=v&", i)
			}
			return b.String() + "z=1"
		},
		"one field": repeat("a=1&"), "escapes": func(n int) string { return "a=" + repeat("%41+")(n) },
		"brackets": repeat("["), "objects": func(n int) string { return "[" + repeat("{},")(n) + "{}]" },
		"members":    func(n int) string { return `{"entry":{` + repeat(`"a":1,`)(n) + `"b":2}}` },
		"surrogates": func(n int) string { return `{"a":"` + repeat(`\ud83d`)(n) + `"}` },
		"signatures": func(n int) string { return "Body=" + repeat("MessageSidSM0a1b2c3d4e5f60718293a4b5c6d7e8f9")(n) },
	}
	secret := "x"
	for _, p := range []Provider{
		&Meta{secrets: verify.Keys{verify.NewKey(secret)}}, &Dialog360{secrets: verify.Keys{verify.NewKey(secret)}},
		&Twilio{AuthToken: []string{secret}, signed: verify.Twilio{AuthTokens: []string{secret}}}, &Gupshup{}, &Whapi{},
	} {
		for name, body := range bodies {
			for _, step := range []string{"verify", "normalize"} {
				grows(t, fmt.Sprintf("%T: %s of %s", p, step, name), 200, func(n int) float64 {
					text := []byte(body(n))
					r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/x?"+strings.Repeat("a=b&", n), nil)
					if err != nil {
						t.Fatal(err)
					}
					for range n {
						r.Header.Add("Authorization", "x")
					}
					if s, ok := p.(RequestSigner); ok {
						s.SignRequest(r, text, secret)
					}
					return allocated(func() {
						if step == "verify" {
							_ = p.Verify(r, text)
							return
						}
						var batch normalize.Batch
						_ = p.Normalize(r, text, 1736535600000, &batch)
					})
				})
			}
		}
	}
}
