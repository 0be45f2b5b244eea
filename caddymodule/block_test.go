package caddymodule

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestPlaces: each leadgate block has an identity of its own, wherever it stands,
// which a reload with other tenants, secrets and order keeps.
func TestPlaces(t *testing.T) {
	block := func(matcher, provider, tenant string) string {
		return "leadgate " + matcher + " {\nprovider " + provider + "\ntenant " + tenant + "\nforward http://127.0.0.1:9/" + tenant +
			" {\nname " + tenant + "\n}\n}\n"
	}
	site := func(blocks ...string) string {
		return "{\nadmin off\nleadgate {\nqueue embedded %DIR%/queue\n}\n}\nhttp://127.0.0.1:%PORT% {\n@old {\npath /m\nheader X-Old " +
			"*\nmethod POST\n}\n" + strings.Join(blocks, "") + "respond 404\n}\n"
	}
	other := "http://localhost:%PORT% {\n" + block("/a", wallMeta, "eight") + "}\n"
	shown := func() map[string]string {
		app, _, err := activeQueue()
		if err != nil {
			t.Fatal(err)
		}
		found := make(map[string]string)
		for _, h := range app.blocks {
			p := app.place(h)
			found[p.ID] = p.Shown
		}
		if len(found) != len(app.blocks) {
			t.Errorf("%d blocks, but %v", len(app.blocks), found)
		}
		return found
	}
	e := startEdge(t, site(
		block("/a", wallMeta, "one"), block("/a", wallGupshup, "two"), block("/b*", wallMeta, "three"), block("@old", wallMeta, "four"),
		"handle /c/* {\n"+block("", wallMeta, "five")+"}\n", "handle_path /d/* {\n"+block("/a", wallMeta, "six")+"}\n",
		"handle_errors {\n"+block("/a", wallMeta, "seven")+"}\n")+other)
	before := shown()
	want := []string{
		"gupshup 127.0.0.1/a", "meta 127.0.0.1/a", "meta 127.0.0.1/a", "meta 127.0.0.1/a", "meta 127.0.0.1/b*", "meta 127.0.0.1/c/*",
		"meta 127.0.0.1/m", "meta localhost/a",
	}
	if got := slices.Sorted(maps.Values(before)); !slices.Equal(got, want) {
		t.Errorf("blocks %q, want %q", got, want)
	}
	changed := strings.ReplaceAll(wallMeta, testSecret, "changed")
	if err := e.load(site(
		block("@old", changed, "4"), "handle_path /d/* {\n"+block("/a", changed, "6")+"}\n", block("/b*", changed, "3"), block("/a", changed,
			"1"), block("/a", wallGupshup, "2"),
		"handle_errors {\n"+block("/a", changed, "7")+"}\n", "handle /c/* {\n"+block("", changed, "5")+"}\n") + other); err != nil {
		t.Fatal(err)
	}
	if after := shown(); !maps.Equal(after, before) {
		t.Errorf("blocks %v, before %v", after, before)
	}
}
