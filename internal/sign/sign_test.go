package sign

import (
	"strings"
	"testing"
)

// The vector of the Standard Webhooks libraries' own tests.
func TestSignVector(t *testing.T) {
	s, err := New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time with a pooled state
		got := s.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`))
		if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
			t.Fatalf("signature %s, want %s", got, want)
		}
	}
}

func TestSignSecrets(t *testing.T) {
	plain, err := New("secret")
	if err != nil {
		t.Fatal(err)
	}
	coded, err := New("whsec_c2VjcmV0")
	if err != nil {
		t.Fatal(err)
	}
	if plain.Sign("id", 1, nil) != coded.Sign("id", 1, nil) {
		t.Error("a secret as its bytes and as base64 sign differently")
	}
	if plain.Sign("id", 1, nil) == plain.Sign("id", 2, nil) || plain.Sign("id", 1, nil) == plain.Sign("ie", 1, nil) {
		t.Error("id or timestamp is not signed")
	}
	for _, bad := range []string{"", "whsec_", "whsec_%%hidden%%"} {
		if _, err := New(bad); err == nil {
			t.Errorf("secret %q is accepted", bad)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}
