package caddymodule

import (
	"strings"
	"testing"
)

const goodAds = "access_token EAAsecret\naccount act_11 act_22\naccount act_33\nrefresh 30s\n"

// TestMistakesInAds names each mistake, and what to write; nothing of the token is told.
func TestMistakesInAds(t *testing.T) {
	for options, says := range map[string]string{
		"":                                       "ads needs an access_token: write `access_token {file.",
		"account act_11":                         "ads needs an access_token",
		goodAds + "colour red":                   "ads has no option 'colour': write one of access_token, account, refresh",
		goodAds + "account 1029384756":           "account '1029384756' is no ad account's id: write act_ and its digits",
		goodAds + "account act_":                 "account 'act_' is no ad account's id",
		goodAds + "refresh 1h\nrefresh 2h":       "refresh is already specified",
		"access_token x\nrefresh 0s":             "refresh '0s' is no duration",
		"access_token x\nrefresh soon":           "refresh 'soon' is no duration",
		goodAds + "endpoint ftp://x":             "endpoint \"ftp://x\" is no address",
		goodAds + "graph_version 27":             "graph_version",
		goodAds + "}\nads {\n" + goodAds:         "ads is already specified",
		"access_token {env.LEADGATE_TEST_UNSET}": "access_token",
	} {
		err := validate(t, site("forward http://localhost:1/in\nads {\n"+options+"\n}"))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "EAAsecret") {
			t.Errorf("%q: %v", options, err)
		}
	}
	if err := validate(t, site("forward http://localhost:1/in\nads {\n"+goodAds+"}")); err != nil {
		t.Error(err)
	}
}

// TestAdsPlaces: ads stands where something is stored, once for a tenant.
func TestAdsPlaces(t *testing.T) {
	block := func(path, tenants string) string {
		return "leadgate " + path + " {\n provider meta {\n app_secret s\n verify_token v\n}\n" + tenants + "\n}\n"
	}
	acme := func(ads string) string {
		return "tenant acme {\n match waba_id 1\n forward http://localhost:1/in\n" + ads + "\n}"
	}
	for name, c := range map[string]struct{ blocks, says string }{
		"inline": {block("/a", "ads {\n access_token x\n}"), "ads stands in a leadgate block without a destination"},
		"same":   {block("/a", acme("ads {\n access_token x\n}")) + block("/b", acme("ads {\n access_token x\n}")), ""},
		"another": {block("/a", acme("ads {\n access_token x\n}")) + block("/b", acme("ads {\n access_token y\n}")),
			"in two blocks with other settings"},
		"one of two": {block("/a", acme("ads {\n access_token x\n}")) + block("/b", acme("")), ""},
	} {
		err := validate(t, "{\n admin off\n}\nhttp://localhost:1 {\n"+c.blocks+"respond 404\n}")
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
