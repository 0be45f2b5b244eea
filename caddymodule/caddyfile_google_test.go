package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/leadgate/leadgate/internal/google/googletest"
)

// keyFiles writes a key that is none of Google's but reads as one, and files that are none.
func keyFiles(t *testing.T) (good, user, wrong string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := new(googletest.Server).NewKey("https://oauth2.googleapis.com/token")
	if err != nil {
		t.Fatal(err)
	}
	return write("key.json", key),
		write("user.json", []byte(`{"type":"authorized_user","client_id":"c","client_secret":"TOPSECRET","refresh_token":"TOPSECRET"}`)),
		write("wrong.json", []byte(`{"type":"external_account","private_key":"TOPSECRET"}`))
}

const goodGoogle = "account 123-456-7890\ncredentials {file.%KEY%}\nconvert Lead 6501234567\n"

// TestMistakesInGoogle names each mistake, and what to write; nothing of a key is told.
func TestMistakesInGoogle(t *testing.T) {
	key, user, wrong := keyFiles(t)
	files := strings.NewReplacer("%KEY%", key, "%USER%", user, "%WRONG%", wrong)
	block := func(options string) string { return site(files.Replace("google {\n" + options + "\n}")) }
	for options, says := range map[string]string{
		"":                                               "google needs an account: write `account 123-456-7890`",
		"account 123-456-7890":                           "google needs credentials: write `credentials {file.",
		"account 123-456-7890\ncredentials x":            "google reports nothing without a conversion action: write `convert Lead 6501234567`",
		"account 123-456-789":                            "account \"123-456-789\" is no Google Ads account: write its ten digits",
		"account 123 456 7890":                           "account takes one value, not 3",
		goodGoogle + "colour red":                        "google has no option 'colour': write one of name, account, login_account",
		goodGoogle + "login_account 12":                  "login_account \"12\" is no Google Ads account",
		goodGoogle + "convert Purchase":                  "convert needs an event name and a conversion action",
		goodGoogle + "convert Lead 7":                    "convert Lead stands twice",
		goodGoogle + "convert LeadSubmitted 7":           "convert LeadSubmitted is Lead",
		goodGoogle + "convert Purchase AW-12/abc":        "convert Purchase \"AW-12/abc\" is no conversion action: write the number behind ctId=",
		goodGoogle + "convert \"A b\" 7":                 "is no event name",
		goodGoogle + "event_source CHAT":                 "event_source \"CHAT\": write MESSAGE, WEB",
		goodGoogle + "match_keys off":                    "match_keys 'off' is unknown: write on or none",
		goodGoogle + "without_click maybe":               "without_click 'maybe' is unknown: write on or off",
		goodGoogle + "consent granted":                   "consent needs two words",
		goodGoogle + "consent granted CONSENT":           "consent 'CONSENT' is unknown: write granted, denied or unset",
		goodGoogle + "ask_after 25h":                     "ask_after is longer than 24h",
		goodGoogle + "batch 2001":                        "batch 2001 is not from 1 to 2000",
		goodGoogle + "retry_for 91d":                     "retry_for is longer than 90d",
		goodGoogle + "endpoint ftp://x":                  "endpoint \"ftp://x\" is no address",
		goodGoogle + "hold soon":                         "hold 'soon' is no duration",
		goodGoogle + "hold 90d":                          "hold is 90d or longer: Google credits no click that is so old",
		goodGoogle + "without_click on\nmatch_keys none": "match_keys none sends neither",
		"account 123-456-7890\ncredentials {file./nonexistent}\nconvert Lead 7":       "credentials: the file /nonexistent does not exist",
		"account 123-456-7890\ncredentials {file.%WRONG%}\nconvert Lead 7":            "the credentials are of type \"external_account\"",
		"account 123-456-7890\ncredentials TOPSECRET\nconvert Lead 7":                 "the credentials are no JSON",
		"account {env.LEADGATE_TEST_UNSET}\ncredentials {file.%KEY%}\nconvert Lead 7": "account: ",
	} {
		err := validate(t, block(options))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s\n\tgot  %v\n\twant %s", options, err, says)
		}
		if err != nil && (strings.Contains(err.Error(), "TOPSECRET") || strings.Contains(err.Error(), "PRIVATE KEY")) {
			t.Errorf("%s: the error tells a secret: %v", options, err)
		}
	}
	if err := validate(t, site("google summer {\n}")); err == nil || !strings.Contains(err.Error(), "google takes nothing on its line") {
		t.Errorf("%v", err)
	}
	for _, good := range []string{
		goodGoogle,
		goodGoogle + "convert Purchase 6507654321\nconvert AddToCart 6507654321\nconvert Visit_booked 5\nname gads\n" +
			"login_account 987-654-3210\nendpoint http://127.0.0.1:9098\nevent_source WEB\nmatch_keys on\n" +
			"without_click on\nconsent granted denied\nhold 0s\nask_after 1h\n" +
			"batch 10\nlinger 0s\nretry_for 30d",
		"account 1234567890\ncredentials {file.%USER%}\nconvert Purchase 7",
	} {
		if err := validate(t, block(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// TestGoogleJSON: what the Caddyfile becomes holds no secret, and JSON's own mistakes are
// found.
func TestGoogleJSON(t *testing.T) {
	key, _, _ := keyFiles(t)
	caddyfile := strings.NewReplacer("%KEY%", key, "%PORT%", "9080", "%DIR%", t.TempDir()).Replace(site("google {\n" + goodGoogle + "}"))
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	text := string(cfg)
	if !strings.Contains(text, `"credentials":"{file.`) || strings.Contains(text, "PRIVATE KEY") {
		t.Errorf("adapted to %s", text)
	}
	for change, says := range map[[2]string]string{
		{`"convert":{"Lead":"6501234567"}`, `"convert":{"Lead":"x"}`}:                    "convert Lead \"x\" is no conversion action",
		{`"convert":{"Lead":"6501234567"}`, `"convert":{}`}:                              "google reports nothing without a conversion action",
		{`"convert":`, `"consent":["granted"],"convert":`}:                               "consent needs two words",
		{`"convert":`, `"hold":-1,"convert":`}:                                           "hold is negative",
		{`"convert":`, `"ask_after":5,"convert":`}:                                       "ask_after is negative, or a time without its unit",
		{`"account":"123-456-7890"`, `"account":""`}:                                     "google needs an account",
		{`"convert":`, `"conversion":{},"convert":`}:                                     "conversion",
		{`"google":[{`, `"google":[null,{`}:                                              "a null stands in",
		{`"convert":{"Lead":"6501234567"}`, `"convert":{"Lead":"1"},"match_keys":"off"`}: "match_keys 'off' is unknown",
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		if changed == text {
			t.Fatalf("%s is not in %s", change[0], text)
		}
		var parsed caddy.Config
		if err := json.Unmarshal([]byte(changed), &parsed); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&parsed); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", change[1], err, says)
		}
	}
}
