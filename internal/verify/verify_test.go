package verify

import (
	"net/http"
	"testing"
)

func TestBearer(t *testing.T) {
	var secrets Secrets
	secrets.Add("one")
	secrets.Add("two three")
	for header, want := range map[string]bool{
		"Bearer one": true, "bearer   two three": true, "BEARER one": true,
		"": false, "one": false, "Bearer": false, "Bearer ": false, "Bearer One": false, "Bearer one ": false, "Basic one": false,
		"Bearer two": false,
	} {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		if got := secrets.Bearer(r); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
	if Secrets(nil).Has("") || Secrets(nil).Bearer(&http.Request{Header: http.Header{"Authorization": {"Bearer "}}}) {
		t.Error("no secrets let something pass")
	}
}
