package sign

import (
	"encoding/json"
	"os"
	"testing"
)

// vectors are what the edge signs; the n8n node's tests read the same file, so that both
// mean the same by a secret and a signature.
type vectors struct {
	Signatures []struct {
		What, Secret, ID, Body, Signature string
		Timestamp                         int64
	}
	Secrets []struct{ Secret, Error string }
}

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Signatures) == 0 || len(v.Secrets) == 0 {
		t.Fatal("there are no vectors")
	}
	for _, s := range v.Signatures {
		key, err := New(s.Secret)
		if err != nil {
			t.Errorf("%s: %v", s.What, err)
			continue
		}
		for range 2 { // the second time with a pooled state
			if got := key.Sign(s.ID, s.Timestamp, []byte(s.Body)); got != s.Signature {
				t.Errorf("%s: signed %s, want %s", s.What, got, s.Signature)
			}
		}
	}
	for _, s := range v.Secrets {
		if _, err := New(s.Secret); err == nil || err.Error() != s.Error {
			t.Errorf("the secret %q: %v, want %s", s.Secret, err, s.Error)
		}
	}
}
