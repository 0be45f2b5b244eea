package caddymodule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/freeport"
)

// secretOptions are all options that hold a secret, each in a configuration that
// is right but for %s.
var secretOptions = map[string]string{
	"app_secret":         blankSite("meta {\n app_secret %s\n verify_token x\n}", "tenant acme"),
	"second app_secret":  blankSite("meta {\n app_secret x %s\n verify_token x\n}", "tenant acme"),
	"verify_token":       blankSite("meta {\n app_secret x\n verify_token %s\n}", "tenant acme"),
	"auth_token":         blankSite("twilio {\n auth_token %s\n}", "tenant acme"),
	"shared_key":         blankSite("twilio {\n shared_key SK1 %s\n}", "tenant acme"),
	"shared_key sid":     blankSite("twilio {\n shared_key %s x\n}", "tenant acme"),
	"signature_secret":   blankSite("360dialog {\n signature_secret %s\n}", "tenant acme"),
	"token of gupshup":   blankSite("gupshup {\n token header X-Token %s\n}", "tenant acme"),
	"token of whapi":     blankSite("whapi {\n token query token x %s\n}", "tenant acme"),
	"token of 360dialog": blankSite("360dialog {\n token header X-Token %s\n}", "tenant acme"),
	"token of twilio":    blankSite("twilio {\n token header X-Token %s\n}", "tenant acme"),
	"sign":               blankSite("whapi {\n token query token x\n}", "forward http://127.0.0.1:9/ {\n sign %s\n}"),
	"header":             blankSite("whapi {\n token query token x\n}", "forward http://127.0.0.1:9/ {\n header Authorization %s\n}"),
	"access_token":       blankSite("whapi {\n token query token x\n}", "capi {\n dataset 1\n access_token %s\n}"),
	"capi app_secret":    blankSite("whapi {\n token query token x\n}", "capi {\n dataset 1\n access_token x\n app_secret %s\n}"),
	"conversions": blankSite("whapi {\n token query token x\n}",
		"tenant acme\n capi {\n dataset 1\n access_token x\n}\n}\n leadgate_conversions /c {\n tenant acme\n token %s"),
	"api": blankSite("whapi {\n token query token x\n}",
		"tenant acme\n forward http://127.0.0.1:9/\n}\n leadgate_api /a/* {\n tenant acme\n token %s"),
	"media token": blankSite("whapi {\n token query token x\n}",
		"tenant acme\n forward http://127.0.0.1:9/\n}\n leadgate_media /m/* {\n tenant acme\n token %s\n access_token x"),
	"media access_token": blankSite("whapi {\n token query token x\n}",
		"tenant acme\n forward http://127.0.0.1:9/\n}\n leadgate_media /m/* {\n tenant acme\n token x\n access_token %s"),
}

func blankSite(provider, block string) string {
	return strings.ReplaceAll(otherSite(provider, block), "%DIR%", "\x00") // %s alone is left to fill in
}

// TestBlankSecrets loads no configuration with a secret in which there is nothing,
// wherever the nothing comes from.
func TestBlankSecrets(t *testing.T) {
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	file := func(name, text string) string {
		path := filepath.Join(e.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "{file." + path + "}"
	}
	t.Setenv("LEADGATE_TEST_BLANK", " \t ")
	t.Setenv("LEADGATE_TEST_NBSP", "\u00a0\u200b\ufeff")
	load := func(config, value string) error {
		text := strings.ReplaceAll(strings.ReplaceAll(config, "%s", value), "\x00", e.dir)
		return e.load(strings.ReplaceAll(text, "%PORT%", fmt.Sprint(e.port)))
	}
	for option, config := range secretOptions {
		for _, value := range []string{
			`""`, `" "`, "\"\t\"", `"` + "\u00a0" + `"`, "{env.LEADGATE_TEST_NOT_SET}", "{env.LEADGATE_TEST_BLANK}", "{env.LEADGATE_TEST_NBSP}",
			file("empty", ""), file("line", "\n"), file("lines", "\r\n\r\n"), file("spaces", "   \n"), "{file." + e.dir + "/none}",
			`"Bearer {env.LEADGATE_TEST_BLANK}"`,
		} {
			err := load(config, value)
			if err == nil {
				t.Errorf("%s: %q was taken", option, value)
				continue
			}
			if strings.Contains(err.Error(), " \t ") {
				t.Errorf("%s: %q: the error shows what it held: %v", option, value, err)
			}
		}
		if err := load(config, file("good", "s3cret\n")); err != nil {
			t.Errorf("%s: %v", option, err)
		}
	}
	for _, value := range []string{`"Bearer "`, `Bearer`, `" basic "`} {
		if err := load(secretOptions["token of gupshup"], value); err == nil || !strings.Contains(err.Error(), "without a token") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// TestOddAddresses loads no URL whose host is an address in a spelling of its own.
func TestOddAddresses(t *testing.T) {
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	configs := map[string]string{
		"forward":       otherSite("whapi {\n token query token x\n}", "forward http://%HOST%/hook"),
		"public_url":    otherSite("twilio {\n auth_token x\n public_url https://%HOST%\n}", "tenant acme"),
		"capi endpoint": otherSite("whapi {\n token query token x\n}", "capi {\n dataset 1\n access_token x\n endpoint http://%HOST%\n}"),
		"media endpoint": otherSite("whapi {\n token query token x\n}",
			"tenant acme\n forward http://127.0.0.1:9/\n}\n"+
				"leadgate_media /m/* {\n tenant acme\n token x\n access_token x\n endpoint http://%HOST%"),
		"redis": strings.Replace(otherSite("whapi {\n token query token x\n}", "forward http://127.0.0.1:9/"),
			"queue embedded %DIR%/queue", "queue redis redis://%HOST%", 1),
		"sentinel": strings.Replace(otherSite("whapi {\n token query token x\n}", "forward http://127.0.0.1:9/"),
			"queue embedded %DIR%/queue", "queue redis {\n sentinel main %HOST%\n}", 1),
	}
	for _, host := range []string{"2130706433:1", "127.1:1", "0x7f.1:1", "0177.0.0.1:1", "127.0.0.1.:1", "１２７.0.0.1:1"} {
		t.Setenv("LEADGATE_TEST_HOST", host)
		for option, config := range configs {
			for _, text := range []string{host, "{env.LEADGATE_TEST_HOST}"} {
				err := e.load(strings.ReplaceAll(config, "%HOST%", text))
				if err == nil || !strings.Contains(err.Error(), "odd spelling") {
					t.Errorf("%s %s: %v", option, text, err)
				}
			}
		}
	}
	for _, host := range []string{"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "168.63.129.16", "metadata.google.internal"} {
		for _, option := range []string{"capi endpoint", "media endpoint"} {
			if err := e.load(strings.ReplaceAll(configs[option], "%HOST%", host)); err == nil || !strings.Contains(err.Error(), "link-local") {
				t.Errorf("%s %s: %v", option, host, err)
			}
		}
	}
	out, err := cli(t, "import", "x", "--to", "http://127.1/c", "--token", "x")
	if err == nil || !strings.Contains(err.Error(), "odd spelling") {
		t.Errorf("import: %v, %s", err, out)
	}
}
