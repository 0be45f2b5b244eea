package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// validated is what caddy validate says of a Caddyfile: its error, and the
// warnings of Leadgate.
func validated(t *testing.T, text string) (warnings string, err error) {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		return "", err
	}
	var root map[string]any
	if err := json.Unmarshal(config, &root); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	root["logging"] = map[string]any{"logs": map[string]any{"default": map[string]any{
		"writer": map[string]any{"output": "file", "filename": log}, "encoder": map[string]any{"format": "json"},
	}}}
	if config, err = json.Marshal(root); err != nil {
		t.Fatal(err)
	}
	var cfg caddy.Config
	if err := caddy.StrictUnmarshalJSON(caddy.RemoveMetaFields(config), &cfg); err != nil {
		t.Fatal(err)
	}
	err = caddy.Validate(&cfg)
	written, _ := os.ReadFile(log)
	for line := range strings.Lines(string(written)) {
		if strings.Contains(line, `"level":"warn"`) && strings.Contains(line, `"logger":"leadgate"`) {
			warnings += line
		}
	}
	return warnings, err
}

// TestTenantsOfOtherBlocks fails in caddy validate, and wherever the block with
// the tenants is: before, after, on another server.
func TestTenantsOfOtherBlocks(t *testing.T) {
	const (
		hooks = "\tleadgate /webhooks/meta {\n\t\tprovider meta {\n\t\t\tapp_secret a\n\t\t\tverify_token b\n\t\t}\n\t\ttenant " +
			"acme\n\t\tforward http://127.0.0.1:9/\n\t}\n"
		capi = "\tleadgate /more {\n\t\tprovider meta {\n\t\t\tapp_secret a\n\t\t\tverify_token b\n\t\t}\n\t\ttenant globex\n\t\tcapi whatsapp " +
			"{\n\t\t\tdataset 1\n\t\t\taccess_token t\n\t\t}\n\t}\n"
	)
	block := func(directive, tenant string) string {
		more := ""
		switch directive {
		case "leadgate_media":
			more = "\t\taccess_token t\n"
		case "leadgate_link":
			return "\tleadgate_link /x/* {\n\t\ttenant " + tenant + "\n" + goodLink + "\t}\n"
		}
		return "\t" + directive + " /x/* {\n\t\ttenant " + tenant + "\n\t\ttoken t\n" + more + "\t}\n"
	}
	for _, global := range []string{"", "{\n\tadmin off\n\tleadgate {\n\t\tqueue embedded " + t.TempDir() + "\n\t}\n}\n"} {
		for _, sites := range []string{
			"http://127.0.0.1:8080 {\n" + hooks + capi + "%BLOCK%\trespond 404\n}\n",
			"http://a.example.com:8080 {\n" + hooks + capi + "\trespond 404\n}\nhttp://b.example.com:8080 {\n%BLOCK%\trespond 404\n}\n",
			"http://z.example.com:8080 {\n" + hooks + capi + "\trespond 404\n}\nhttp://b.example.com:8080 {\n%BLOCK%\trespond 404\n}\n",
			"http://a.example.com:8080 {\n%BLOCK%\trespond 404\n}\nhttp://a.example.com:8081 {\n" + hooks + capi + "\trespond 404\n}\n",
			"http://a.example.com:8081 {\n%BLOCK%\trespond 404\n}\nhttp://a.example.com:8080 {\n\thandle {\n" + hooks + capi +
				"\trespond 404\n\t}\n}\n",
		} {
			for _, c := range []struct{ block, problem string }{
				{block("leadgate_conversions", "globex"), ""},
				{block("leadgate_media", "acme"), ""},
				{block("leadgate_link", "acme"), ""},
				{block("leadgate_api", "acme"), ""},
				{block("leadgate_api", "nope"), "leadgate_api: tenant nope is in no leadgate block: there are acme, globex"},
				{block("leadgate_link", "nope"), "leadgate_link: tenant nope is in no leadgate block: there are acme, globex"},
				{block("leadgate_conversions", "nope"), "leadgate_conversions: tenant nope is in no leadgate block: there are acme, globex"},
				{block("leadgate_media", "nope"), "leadgate_media: tenant nope is in no leadgate block: there are acme, globex"},
				{block("leadgate_conversions", "acme"), "leadgate_conversions: tenant acme has neither capi nor google"},
			} {
				config := global + strings.Replace(sites, "%BLOCK%", c.block, 1)
				warnings, err := validated(t, config)
				switch {
				case c.problem == "" && err != nil:
					t.Errorf("%v of\n%s", err, config)
				case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
					t.Errorf("error %v, want %q of\n%s", err, c.problem, config)
				case c.problem == "" && warnings != "":
					t.Errorf("%s of\n%s", warnings, config)
				}
			}
		}
	}
}

// TestSitesThatSwallow are warned of by caddy validate: a webhook to a wrong path
// would be answered 200 and lost.
func TestSitesThatSwallow(t *testing.T) {
	block := func(provider, path string) string {
		secret := "token header Authorization x"
		if provider == "meta" {
			secret = "app_secret a\nverify_token b"
		}
		return "leadgate " + path + " {\nprovider " + provider + " {\n" + secret + "\n}\nforward http://127.0.0.1:9/\n}\n"
	}
	meta := block("meta", "/webhooks/meta")
	const forward = "forward http://127.0.0.1:9/\n"
	tenants := func(path, options string) string {
		return "leadgate " + path + " {\nprovider meta {\napp_secret a\nverify_token b\n}\n" + options + "}\n"
	}
	media := func(path string) string {
		return "leadgate_media " + path + " {\ntenant default\ntoken x\naccess_token y\n}\n"
	}
	for _, c := range []struct{ name, site, says string }{
		{"nothing else", meta, "answers 200 to every path that nothing handles"},
		{"respond 404", meta + "respond 404\n", ""},
		{"respond of one path", meta + "respond /x 404\n", "answers 200"},
		{"reverse_proxy", meta + "reverse_proxy 127.0.0.1:9\n", ""},
		{"handle", "handle /webhooks/meta {\n" + meta + "}\n", "answers 200"},
		{"handles", "handle /webhooks/meta {\n" + meta + "}\nhandle {\nrespond 404\n}\n", ""},
		{"hidden by handle", meta + "handle {\nrespond 404\n}\n", "never reached"},
		{"hidden by the handle of its folder", meta + "handle /webhooks/* {\nrespond 404\n}\nrespond 404\n", "never reached"},
		{"beside another folder's", meta + "handle /web/* {\nrespond 404\n}\nrespond 404\n", ""},
		{"one path twice", meta + meta + "respond 404\n", "leadgate stands twice for this path"},
		{"one path twice, with matchers", "@a header X a\n@b header X b\n" + block("meta", "@a") + block("meta", "@b") + "respond 404\n", ""},
		{"everything", block("meta", "") + "leadgate_dashboard /leadgate/*\n", "leadgate_dashboard is never reached"},
		{"whapi", block("whapi", "/webhooks/whapi") + "respond 404\n", "leadgate /webhooks/whapi* {"},
		{"whapi below", block("whapi", "/webhooks/whapi*") + "respond 404\n", ""},
		{"gupshup", block("gupshup", "/webhooks/gupshup") + "respond 404\n", ""},
		{"a query in the path", block("meta", "/webhooks/meta?token=x") + "respond 404\n",
			"write the path alone: `leadgate /webhooks/meta { … }`"},
		{"media without a star", meta + media("/media") + "respond 404\n", "write a star behind the path: `leadgate_media /media/*`"},
		{"media", meta + media("/media/*") + "respond 404\n", ""},
		{"links without a star", meta + "leadgate_link /go {\ntenant default\n" + goodLink + "}\nrespond 404\n",
			"write a star behind the path: `leadgate_link /go/*`"},
		{"links", meta + "leadgate_link /go/* {\ntenant default\n" + goodLink + "}\nrespond 404\n", ""},
		{"links hidden", meta + "leadgate_link /go/* {\ntenant default\n" + goodLink + "}\nhandle /go/* {\nrespond 404\n}\nrespond 404\n",
			"leadgate_link is never reached"},
		{"an API hidden", meta + "leadgate_api /api/* {\ntenant default\ntoken x\n}\nhandle /api/* {\nrespond 404\n}\nrespond 404\n",
			"leadgate_api is never reached"},
		{"media in a handle", meta + "handle_path /media/* {\n" + media("") + "}\nrespond 404\n", ""},
		{"dashboard without a star", meta + "leadgate_dashboard /leadgate\nrespond 404\n",
			"write a star behind the path: `leadgate_dashboard /leadgate/*`"},
		{"dashboard", meta + "leadgate_dashboard /leadgate/*\nrespond 404\n", ""},
		{"destinations in another block", tenants("/a", "tenant acme\n"+forward) + tenants("/b", "tenant acme\n") + "respond 404\n",
			"tenant acme has destinations in another block"},
		{"inline", tenants("/b", "tenant acme\n") + "respond 404\n", ""},
		{"a tenant without destinations",
			tenants("/a", "tenant acme {\nmatch page_id 1\n"+forward+"}\ntenant globex {\nmatch page_id 2\n}\n") +
				"respond 404\n", "tenant globex has no destination: its webhooks are answered 200, and go nowhere"},
		{"the union", tenants("/a", "tenant acme {\nmatch page_id 1\n"+forward+"}\ntenant globex {\nmatch page_id 2\n}\n") + tenants("/b",
			"tenant globex\n"+forward) + "respond 404\n", ""},
	} {
		for _, address := range []string{"http://127.0.0.1:8080", ":8080", "https://bots.example.com"} {
			warnings, err := validated(t, address+" {\n"+c.site+"}\n")
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if c.says == "" && warnings != "" || !strings.Contains(warnings, c.says) {
				t.Errorf("%s, %s: %q, want %q", c.name, address, warnings, c.says)
			}
		}
	}
}

// TestDemoSecrets are warned of where the public can post.
func TestDemoSecrets(t *testing.T) {
	for _, provider := range []string{
		"provider meta {\napp_secret demo-secret\nverify_token x\n}", "provider meta {\napp_secret x\nverify_token demo-token\n}",
		"provider gupshup {\ntoken query token demo-token\n}", `provider 360dialog {
			token header Authorization x "Bearer demo-token"
		}`, "provider twilio {\nauth_token demo-token\n}",
	} {
		for address, warned := range map[string]bool{"http://localhost:8080": false, "http://127.0.0.1:8080": false, "bots.example.com": true,
			"http://bots.example.com": true} {
			warnings, err := validated(t, address+" {\nleadgate /x {\n"+provider+"\nforward http://127.0.0.1:9/\n}\nrespond 404\n}\n")
			if err != nil {
				t.Errorf("%s: %v", provider, err)
			}
			if strings.Contains(warnings, "anybody can post events") != warned {
				t.Errorf("%s, %s: %q", address, provider, warnings)
			}
		}
	}
}
