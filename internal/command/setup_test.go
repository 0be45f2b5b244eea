package command

import (
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/setup"
)

// TestCallbackProblem: --callback is an address at which Meta can post, and the block's.
func TestCallbackProblem(t *testing.T) {
	const own = "https://edge.internal/hooks/wa"
	for text, says := range map[string]string{
		"https://bots.example.com/hooks/wa":     "",
		"https://bots.example.com:8443/x/hooks": "",
		"http://127.0.0.1:8080/hooks/wa":        "",
		"http://localhost:8080/hooks/wa":        "",
		"bots.example.com/hooks/wa":             "is no URL: write one like https://bots.example.com/hooks/wa",
		"https:///hooks/wa":                     "is no URL",
		"https://:443/hooks/wa":                 "is no URL",
		"ftp://bots.example.com/hooks/wa":       "is no URL",
		"https://bots.example.com/hooks/wa ":    "is no URL",
		"https://u:p@bots.example.com/hooks/wa": "holds a user or a password",
		"https://bots.example.com/hooks/wa?a=1": "behind its path",
		"https://bots.example.com/hooks/wa?":    "behind its path",
		"https://bots.example.com/hooks/wa#":    "behind its path",
		"http://bots.example.com/hooks/wa":      "write https://bots.example.com/hooks/wa",
		"https://2130706433/hooks/wa":           "odd spelling",
		"https://bots.example.com":              "has no path, and the block's is /hooks/wa: write https://bots.example.com/hooks/wa",
		"https://bots.example.com/":             "has no path",
	} {
		if got := callbackProblem(text, own); says == "" && got != "" || !strings.Contains(got, says) {
			t.Errorf("%s: %s, want %s", text, got, says)
		}
	}
	if got := callbackProblem("https://bots.example.com/", "https://edge.internal/"); got != "" {
		t.Errorf("a block of all paths: %s", got)
	}
}

// TestOfTenant: the blocks that have it, with it alone, and those that have not.
func TestOfTenant(t *testing.T) {
	blocks := []setup.Block{
		{URL: "a", Tenants: []setup.Tenant{{Name: "acme"}, {Name: "globex"}}}, {URL: "b", Tenants: []setup.Tenant{{Name: "globex"}}},
	}
	urls := func(list []setup.Block) (urls []string) {
		for _, b := range list {
			urls = append(urls, b.URL)
		}
		return urls
	}
	for name, want := range map[string][2][]string{"acme": {{"a"}, {"b"}}, "globex": {{"a", "b"}, nil}, "": {{"a", "b"}, nil}} {
		found, others, err := ofTenant(blocks, name)
		if err != nil || !slices.Equal(urls(found), want[0]) || !slices.Equal(urls(others), want[1]) {
			t.Errorf("%q: %v, %v, %v", name, found, others, err)
		}
		if name == "acme" && (len(found[0].Tenants) != 1 || len(blocks[0].Tenants) != 2) {
			t.Errorf("%v of %v", found, blocks)
		}
	}
	if _, _, err := ofTenant(blocks, "acm"); err == nil || !strings.Contains(err.Error(), "there is no tenant acm") {
		t.Error(err)
	}
}
