package sign

import (
	"strings"
	"testing"
)

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
