package sites

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// tenantsOf reads {"tenants":[{"name":…,"forward":[…]}]}.
func tenantsOf(handler []byte) (list []Tenant, err error) {
	var h struct {
		Tenants []struct {
			Name          string
			Forward, CAPI []json.RawMessage
		}
	}
	err = json.Unmarshal(handler, &h)
	for _, t := range h.Tenants {
		tenant := Tenant{Name: t.Name}
		for range t.Forward {
			tenant.Destinations = append(tenant.Destinations, Destination{Kind: "forward"})
		}
		for range t.CAPI {
			tenant.Destinations = append(tenant.Destinations, Destination{Kind: "capi", Reports: true})
		}
		list = append(list, tenant)
	}
	return list, err
}

// factsOf is what a provider says, of the one that posts below its path.
func factsOf(provider string, _ []byte) (f Facts) {
	if provider == "whapi" {
		f.Below = "/messages"
	}
	return f
}

func read(t *testing.T, routes string) *Sites {
	t.Helper()
	s, err := Read(fmt.Appendf(nil, `{"apps":{"http":{"servers":{"srv0":{"listen":[":443"],"routes":[%s]}}}}}`, routes), tenantsOf, factsOf)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// site is the route of a host, with these routes in it.
func site(host string, routes ...string) string {
	return fmt.Sprintf(`{"match":[{"host":[%q]}],"terminal":true,"handle":[{"handler":"subroute","routes":[%s]}]}`, host,
		strings.Join(routes, ","))
}

const respond404 = `{"handle":[{"handler":"static_response","status_code":404}]}`

func block(path, provider, tenants string) string {
	return fmt.Sprintf(`{"match":[{"path":[%q]}],"handle":[{"handler":"leadgate","provider":{"name":%q},"tenants":[%s]}]}`, path, provider,
		tenants)
}

// TestMistakes finds each in the JSON of a site, and none in one that has none.
func TestMistakes(t *testing.T) {
	const (
		acme  = `{"name":"acme","forward":[{}]}`
		links = `{"match":[{"path":["/go/*"]}],"handle":[{"handler":"leadgate_link","tenant":"acme","links":[{"name":"summer"}]}]}`
	)
	for name, c := range map[string]struct {
		routes []string
		says   string
	}{
		"none":               {[]string{block("/in", "meta", acme), respond404}, ""},
		"behind a catch-all": {[]string{respond404, block("/in", "meta", acme)}, "is never reached"},
		"twice on a path": {[]string{block("/in", "meta", acme), block("/in", "twilio", acme), respond404},
			"leadgate stands twice for this path"},
		"links twice on a path": {[]string{links, links, respond404}, "leadgate_link stands twice for this path"},
		"without a star":        {[]string{block("/in", "whapi", acme), respond404}, "Whapi also posts to paths below"},
		"with a query":          {[]string{block("/in?a=b", "meta", acme), respond404}, "never sees what stands behind a question mark"},
		"without destination":   {[]string{block("/in", "meta", acme+`,{"name":"globex"}`), respond404}, "tenant globex has no destination"},
		"destinations apart": {
			[]string{block("/in", "meta", acme), block("/other", "meta", `{"name":"acme"}`), respond404},
			"tenant acme has destinations in another block",
		},
		"open": {[]string{block("/in", "meta", acme)}, "the site answers 200 to every path"},
	} {
		found := read(t, site("edge.example.com", c.routes...)).Mistakes()
		switch {
		case c.says == "" && len(found) > 0, c.says != "" && (len(found) != 1 || !strings.Contains(found[0].What, c.says)):
			t.Errorf("%s: %q, want %q", name, found, c.says)
		}
	}
}

// TestKnowsTenant names the tenants that there are.
func TestKnowsTenant(t *testing.T) {
	s := read(t, site("edge.example.com", block("/in", "meta", `{"name":"acme","capi":[{}]},{"name":"globex","forward":[{}]}`)))
	for _, c := range []struct {
		name    string
		reports bool
		says    string
	}{
		{"acme", true, ""},
		{"globex", false, ""},
		{"globex", true, "tenant globex has neither capi nor google"},
		{"initech", false, "there are acme, globex"},
	} {
		err := s.KnowsTenant("leadgate_media", c.name, c.reports)
		if (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
	if err := read(t, site("edge.example.com", respond404)).KnowsTenant("leadgate_media", "acme", false); err == nil {
		t.Error("a tenant of no block is known")
	}
}
