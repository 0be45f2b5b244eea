package intake

import "testing"

// TestPlace names a block by its provider, its server and the matchers before it.
func TestPlace(t *testing.T) {
	through := []string{`{"host":["bots.example.com"]}`, `{"path":["/webhooks/*"]}`, `{"path":["/webhooks/meta"]}`}
	p := NewPlace("meta", ":443", through)
	if len(p.ID) != 16 || p.Shown != "meta bots.example.com/webhooks/meta" {
		t.Errorf("%+v", p)
	}
	seen := map[string]bool{p.ID: true}
	for _, other := range []Place{
		NewPlace("whapi", ":443", through), NewPlace("meta", ":8443", through), NewPlace("meta", ":443", through[:2]),
	} {
		if seen[other.ID] {
			t.Errorf("%+v has another's id", other)
		}
		seen[other.ID] = true
	}
	if p := NewPlace("meta", "", nil); p.Shown != "meta of no path" {
		t.Errorf("%+v", p)
	}
}
