package caddymodule

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/freeport"
)

// linkSite is a Caddyfile with a leadgate block of the tenant acme, and this in its
// site.
func linkSite(directives string) string {
	return strings.Replace(site("tenant acme\n forward http://127.0.0.1:9/"), `	respond "next"`, directives+"\n	respond \"next\"", 1)
}

const goodLink = "link summer {\nto whatsapp +15550783881\ntext \"Ref {code}. Hi!\"\n}\n"

// TestMistakesInLinks names each mistake, and what to write.
func TestMistakesInLinks(t *testing.T) {
	block := func(options string) string { return linkSite("leadgate_link /go/* {\n" + options + "\n}") }
	link := func(options string) string { return "tenant acme\nlink summer {\n" + options + "\n}" }
	const to = "to whatsapp +15550783881\n"
	t.Setenv("LG_NUMBER", "+15550783881")
	t.Setenv("LG_BAD_NUMBER", "555")
	t.Setenv("LG_TEXT", "Hi!")
	for _, c := range [][2]string{
		{"", "needs a tenant: write `tenant <name>`"},
		{"tenant acme", "needs a link: write `link summer {"},
		{"tenant a/b\n" + goodLink, "tenant 'a/b' is not of letters"},
		{"tenant acme\ntenant b\n" + goodLink, "tenant is already specified"},
		{"tenant acme\ncolour red", "leadgate_link has no option 'colour': write one of tenant, link"},
		{"tenant acme\nmode page", "leadgate_link has no option 'mode', which is one of link: is the brace before it missing"},
		{"tenant acme\nlink {\n" + to + "}", "link"},
		{"tenant acme\nlink a b {\n" + to + "}", "link takes one value"},
		{"tenant acme\nlink sum_mer {\n" + to + "}", "link 'sum_mer': a name is of a-z, 0-9 and hyphens, at most 40"},
		{"tenant acme\nlink " + strings.Repeat("x", 41) + " {\n" + to + "}", "at most 40"},
		{"tenant acme\nlink été {\n" + to + "}", "link 'été'"},
		{"tenant acme\nlink summer", "link summer: it leads nowhere: write `to whatsapp +15550783881`"},
		{"tenant acme\n" + goodLink + strings.ToUpper("link") + " x", "has no option 'LINK'"},
		{"tenant acme\n" + goodLink + goodLink, "link summer stands twice: give one of them another name"},
		{"tenant acme\n" + goodLink + strings.Replace(goodLink, "s", "S", 1), "link summer stands twice"},
		{link("colour red"), "link summer has no option 'colour': write one of to, text, mode"},
		{link("mode page\ntext \"{code}\""), "it leads nowhere"},
		{link(to + "text Hi"), "link summer: its text has no {code}, where the code would come: write `text \"Ref {code}."},
		{link(to), "link summer: it has no text, in which the code would come"},
		{link(to + "text \"Ref {Code}\""), "link summer: text: unrecognized placeholder {Code}"},
		{link(to + "text \"{env.LG_TEXT}\""), "link summer: its text has no {code}"},
		{link(to + "text \"Hi\" \"{code}\""), "text takes one value, not 2"},
		{link(to + to), "to is already specified"},
		{link("to whatsapp 15550783881"), "to whatsapp '15550783881': write the number as +15550783881"},
		{link("to whatsapp +1 555 078 3881"), "to whatsapp takes one value behind it, not 4"},
		{link("to whatsapp \"+1 555 078 3881\""), "write the number as +15550783881"},
		{link("to whatsapp +0155507838"), "write the number as +15550783881"},
		{link("to whatsapp {env.LG_BAD_NUMBER}\ntext {code}"), "tenant acme: link summer: to whatsapp '555': write the number"},
		{link("to whatsapp {env.LG_NOT_SET}\ntext {code}"),
			"tenant acme: link summer: to: evaluated placeholder {env.LG_NOT_SET} is empty"},
		{link("to sms +15550783881"), "to 'sms' is unknown: write one of whatsapp, messenger, instagram, telegram"},
		{link("to whatsapp"), "to whatsapp takes one value behind it, not 0"},
		{link("to messenger https://m.me/acme"), "to messenger 'https://m.me/acme': write the page's name or id"},
		{link("to instagram @acme"), "to instagram '@acme': write the user's name, without an @"},
		{link("to telegram a-b"), "to telegram 'a-b': write the bot's name"},
		{link(to + "text {code}\nmode popup"), "mode 'popup' is unknown: write redirect or page"},
		{"tenant acme\n" + goodLink + "claim 7", "claim '7' is no duration"},
		{"tenant acme\n" + goodLink + "claim 0s", "claim '0s' is no duration"},
		{"tenant acme\n" + goodLink + "params gclid", "params: 'gclid' is kept anyway"},
		{"tenant acme\n" + goodLink + "params consent", "params: 'consent' says whether ids are read"},
		{"tenant acme\n" + goodLink + "params a/b", "params: 'a/b' is no name of a query parameter"},
		{"tenant acme\n" + goodLink + "params a b\nparams a", "params: a stands twice"},
		{"tenant acme\n" + goodLink + "params a b c d e f g h i j\nparams k", "params has 11 names: keep at most 10"},
	} {
		options, says := c[0], c[1]
		err := validate(t, block(options))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", options, err, says)
		}
	}
	// The line is that of the option.
	if err := validate(t, block(link("to whatsapp 555\ntext {code}"))); err == nil || !strings.Contains(err.Error(), "Caddyfile:19") {
		t.Errorf("%v", err)
	}
	for _, good := range []string{
		"tenant acme\n" + goodLink + "params audience creative\nparams x\nclaim 36h",
		"tenant acme\nlink Summer-2026 {\nto whatsapp {env.LG_NUMBER}\ntext \"{env.LG_TEXT} (Ref {code})\"\nmode page\n}",
		"tenant acme\nlink m {\nto messenger acme.page\n}\nlink i {\nto instagram acme_shop\nmode page\n}\n" +
			"link t {\nto telegram acme_bot\ntext Hi\n}",
	} {
		if err := validate(t, block(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// TestLinksBetweenBlocks: what is wrong between blocks fails the load.
func TestLinksBetweenBlocks(t *testing.T) {
	block := func(path, tenant, links string) string {
		return "leadgate_link " + path + " {\ntenant " + tenant + "\n" + links + "}\n"
	}
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	other := strings.ReplaceAll(goodLink, "summer", "winter")
	for _, c := range [][2]string{
		{linkSite(block("/go/*", "globex", goodLink)), "leadgate_link: tenant globex is in no leadgate block: there is acme"},
		{linkSite(block("/go/*", "acme", goodLink) + block("/l/*", "acme", other+goodLink)),
			"leadgate_link: tenant acme: link summer stands twice"},
	} {
		config, says := c[0], c[1]
		if err := e.load(config); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
	// A name is a tenant's own; and a site of two servers is read twice.
	two := "leadgate /other {\nprovider meta {\napp_secret x\nverify_token y\n}\ntenant globex\nforward http://127.0.0.1:9/\n}\n"
	good := linkSite(two + block("/go/*", "acme", goodLink+other) + block("/l/*", "globex", goodLink))
	if err := validate(t, good); err != nil {
		t.Error(err)
	}
	twice := strings.Replace(good, "http://127.0.0.1:%PORT% {",
		fmt.Sprintf("http://127.0.0.1:%%PORT%%, http://127.0.0.1:%d {", freeport.New(t)), 1)
	if err := validate(t, twice); err != nil {
		t.Error(err)
	}
}

// TestLinksInJSON: what a Caddyfile says can be said in JSON, and what only JSON can
// say wrong is named.
func TestLinksInJSON(t *testing.T) {
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	config, err := e.adapt(linkSite("leadgate_link /go/* {\ntenant acme\n" + goodLink + "params audience\nclaim 36h\n}"))
	if err != nil {
		t.Fatal(err)
	}
	const handler = `{"claim":129600000000000,"handler":"leadgate_link",` +
		`"links":[{"address":"+15550783881","name":"summer","text":"Ref {code}. Hi!","to":"whatsapp"}],"params":["audience"],"tenant":"acme"}`
	if !strings.Contains(string(config), handler) {
		t.Fatalf("%s", config)
	}
	const link = `{"name":"summer","to":"whatsapp","address":"+15550783881","text":"{code}"}`
	for _, c := range [][2]string{
		{`{"handler":"leadgate_link","tenant":"acme","links":[` + link + `,` + strings.Replace(link, "s", "S", 1) + `]}`, "stands twice"},
		{`{"handler":"leadgate_link","tenant":"acme","links":[null]}`, "a null stands in `links`"},
		{`{"handler":"leadgate_link","tenant":"acme","links":[{}]}`, "link '': a name is of a-z"},
		{`{"handler":"leadgate_link","tenant":"acme","links":[{"name":"summer"}]}`, "it leads nowhere"},
		{`{"handler":"leadgate_link","tenant":"acme","links":[{"name":"summer","to":"fax","address":"1"}]}`, "to 'fax' is unknown"},
		{`{"handler":"leadgate_link","tenant":"acme","links":[` + strings.Replace(link, "{code}", "x", 1) + `]}`,
			"its text has no {code}"},
		{`{"handler":"leadgate_link","tenant":"acme","links":[` + link[:len(link)-1] + `,"mode":"popup"}]}`, "mode 'popup' is unknown"},
		{`{"handler":"leadgate_link","tenant":"acme","claim":7,"links":[` + link + `]}`, "claim is negative, or a time without its unit"},
		{`{"handler":"leadgate_link","tenant":"acme","params":["a","a"],"links":[` + link + `]}`, "a stands twice"},
		{`{"handler":"leadgate_link","links":[` + link + `]}`, "needs a tenant"},
		{`{"handler":"leadgate_link","tenant":"acme"}`, "needs a link"},
		{`{"handler":"leadgate_link","tenant":"acme","colour":1,"links":[` + link + `]}`, "colour"},
	} {
		instead, says := c[0], c[1]
		if !json.Valid([]byte(instead)) {
			t.Fatal(instead)
		}
		err := caddy.Load([]byte(strings.Replace(string(config), handler, instead, 1)), true)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", instead, err, says)
		}
	}
}
