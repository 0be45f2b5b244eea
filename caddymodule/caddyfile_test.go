package caddymodule

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

var update = flag.Bool("update", false, "write the adapted JSON anew")

// TestAdapt compares each Caddyfile in testdata/adapt with its JSON. A file has
// both, with a line of dashes between them.
func TestAdapt(t *testing.T) {
	files, err := filepath.Glob("testdata/adapt/*.caddytest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, want, _ := strings.Cut(string(content), "----------\n")
			got, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range warnings {
				t.Errorf("warning: %s", w)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, got, "", "\t"); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			if *update {
				if err := os.WriteFile(file, []byte(text+"----------\n"+pretty.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if pretty.String() != want {
				t.Errorf("adapted to\n%s\nwant\n%s", pretty.String(), want)
			}
		})
	}
}

// TestExampleFile holds the example that users start from to caddy validate.
func TestExampleFile(t *testing.T) {
	if err := validate(t, read(t, "../Caddyfile.example")); err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// validate does what `caddy validate` does.
func validate(t *testing.T, caddyfile string) error {
	t.Helper()
	text := strings.NewReplacer("%PORT%", "9080", "%DIR%", t.TempDir()).Replace(caddyfile)
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	return validateJSON(cfg)
}

func validateJSON(cfg []byte) error {
	var c caddy.Config
	if err := json.Unmarshal(cfg, &c); err != nil {
		return err
	}
	return caddy.Validate(&c)
}

// TestMistakes names for each mistake in the text the line, and what to write.
func TestMistakes(t *testing.T) {
	const first = 13 // the line of the first option in site's block
	for _, c := range []struct {
		block string
		line  int
		says  string
	}{
		{"forwrad http://x", 0, "leadgate has no option 'forwrad': write forward"},
		{"forward", 0, "forward needs a value"},
		{"forward ftp://x", 0, "'ftp://x' is no URL: write one such as https://"},
		{"forward https://u:p@x.example/?key=secret {\n nme x\n}", 1, "forward has no option 'nme'"},
		{"forward http://x {\n name a/b\n}", 1, "name 'a/b' is not of letters, digits"},
		{"forward http://x {\n only message\n}", 1, "only 'message' is unknown: write messages, statuses"},
		{"forward http://x {\n timeout soon\n}", 1, "timeout 'soon' is no duration: write one such as 10s"},
		{"forward http://x {\n timeout 1s\n timeout 2s\n}", 2, "timeout is already specified"},
		{"forward http://x {\n hold never\n}", 1, "hold 'never' is no duration: write one such as 5m, or forever"},
		{"forward http://x {\n rate fast\n}", 1, "rate 'fast' is no number"},
		{"forward http://x {\n concurrency 0\n}", 1, "concurrency '0' is no whole number from 1 up"},
		{"forward http://x {\n header Authorization\n}", 1, "header needs a field and a value"},
		{"forward http://x {\n raw yes\n}", 1, "takes nothing behind it"},
		{"capi sms {\n dataset 1\n access_token x\n}", 0, "capi channel 'sms' is unknown: write whatsapp, messenger or instagram"},
		{"capi {\n dataset 1\n}", 2, "capi needs an access_token"},
		{"capi {\n access_token x\n}", 2, "capi needs a dataset"},
		{"capi {\n dataset abc\n access_token x\n}", 1, "dataset"},
		{"capi {\n dataset 1\n access_token x\n event_name CompleteRegistration\n}", 3, "CompleteRegistration"},
		{"capi {\n dataset 1\n access_token x\n lead_on sometimes\n}", 3, "lead_on"},
		{"capi {\n dataset 1\n access_token x\n retry_for 8d\n}", 3, "retry_for is longer than 7d"},
		{"capi {\n dataset 1\n access_token x\n batch 1001\n}", 3, "batch 1001 is not from 1 to 1000"},
		{"capi {\n dataset 1\n access_token x\n data_processing_options CCPA\n}", 3, "data_processing_options"},
		{"capi {\n dataset 1\n access_token x\n automatic_value_divisor 0\n}", 3, "automatic_value_divisor '0' is no whole number from 1 up"},
		{"tenant acme {\n forward http://x\n}", 2, "tenant acme has no match"},
		{"tenant acme {\n match phone 1\n match telephone 1\n}", 2, "match 'telephone' is unknown: write one of phone_number_id"},
		{"tenant acme {\n match phone_number_id\n}", 1, "phone_number_id needs a value"},
		{"tenant acme {\n match waba_id 1\n forward http://x\n}\ntenant globex {\n match waba_id 2 1\n forward http://y\n}", 5,
			"match waba_id 1 is already tenant acme's"},
		{"tenant a b", 0, "tenant takes one value"},
		{"tenant a\ntenant b", 1, "tenant is already specified"},
		{"match phone 1", 0, "match stands inside a `tenant"},
		{"max_body huge", 0, "max_body 'huge' is no size"},
		{"provider meta {\n app_secret x\n verify_token y\n}", 0, "provider is already specified"},
	} {
		err := validate(t, site(c.block))
		if err == nil {
			t.Errorf("%s: no error", c.block)
			continue
		}
		where := "Caddyfile:" + strconv.Itoa(first+c.line)
		if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), where) {
			t.Errorf("%s\n\tgot  %v\n\twant %s at %s", c.block, err, c.says, where)
		}
		if strings.Contains(err.Error(), "u:p@") || strings.Contains(err.Error(), "key=secret") {
			t.Errorf("%s: the error shows a secret: %v", c.block, err)
		}
	}
}

func TestMistakesInProviders(t *testing.T) {
	for block, says := range map[string]string{
		"provider meta":                                       "provider meta needs an app_secret",
		"provider meta {\n app_secret x\n}":                   "provider meta needs a verify_token",
		"provider meta {\n app_secret\n}":                     "app_secret needs a value",
		"provider meta {\n app_secret \"\"\n}":                "app_secret has an empty value",
		"provider metta {\n}":                                 "provider 'metta' is unknown: write one of",
		"provider":                                            "provider needs a name",
		"max_body 1MiB":                                       "leadgate needs a provider",
		"provider meta {\n secret x\n}":                       "provider meta has no option 'secret': write one of app_secret",
		"provider meta {\n insecure_skip_verify yes\n}":       "takes nothing behind it",
		"provider meta {\n app_secret x\n verify_token y\n z": "",
	} {
		err := validate(t, "http://127.0.0.1:9080 {\n leadgate /x {\n "+block+"\n }\n}\n")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", block, err, says)
		}
	}
}

func TestMistakesInGlobalOptions(t *testing.T) {
	for global, says := range map[string]string{
		"queue":                                     "queue needs a kind",
		"queue kafka":                               "queue 'kafka' is unknown: write `queue embedded` or `queue redis <url>`",
		"queue redis":                               "queue redis needs a URL",
		"queue redis http://x":                      "a URL is not redis://, rediss:// or unix://",
		"queue embedded a b":                        "takes one folder, not 2",
		"queue embedded {\n prefix x\n}":            "queue embedded has no option 'prefix': write one of max_size",
		"queue embedded {\n max_size much\n}":       "max_size 'much' is no size",
		"queue redis redis://x {\n sentinel one\n}": "sentinel needs the master's name",
		"queue redis redis://x {\n prefix a:b\n}":   "prefix 'a:b' is not of letters",
		"dedupe 7 days":                             "dedupe takes one value",
		"dedupe never":                              "dedupe 'never' is no duration",
		"max_backlog -1":                            "max_backlog '-1' is no whole number from 1 up",
		"max_backlog 1\nmax_backlog 2":              "max_backlog is already specified",
		"remember 1d":                               "leadgate has no option 'remember': write one of queue",
	} {
		err := validate(t, siteWith(global, "forward http://127.0.0.1:9/"))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", global, err, says)
		}
	}
}

// TestMistakesAcross are mistakes that show only when placeholders are read or
// blocks are seen together.
func TestMistakesAcross(t *testing.T) {
	t.Setenv("LEADGATE_TEST_EMPTY", "")
	t.Setenv("LEADGATE_TEST_URL", "not a url")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for block, says := range map[string][]string{
		"forward http://x {\n header A {env.LEADGATE_TEST_EMPTY}\n}": {"tenant default", "header A", "LEADGATE_TEST_EMPTY"},
		"forward http://x {\n sign {env.LEADGATE_TEST_UNSET}\n}": {
			"tenant default", "destination default-x: sign: ", "LEADGATE_TEST_UNSET",
		},
		"forward http://x {\n name n8n\n sign {file./nonexistent/key}\n}": {
			"tenant default: destination n8n: sign: the file /nonexistent/key does not exist",
		},
		"forward http://x {\n name n8n\n header A \"Bearer {file.%EMPTY%}\"\n}": {
			"tenant default: destination n8n: header A: the file %EMPTY% is empty",
		},
		"forward http://x {\n sign {file.%DIR%}\n}": {
			"tenant default: destination default-x: sign: the file %DIR% cannot be read: is a directory",
		},
		"forward {env.LEADGATE_TEST_UNSET} {\n name n8n\n}": {"tenant default: destination n8n: url: "},
		"capi {\n dataset {env.LEADGATE_TEST_UNSET}\n access_token x\n}": {
			"tenant default: destination default-capi-{env.LEADGATE_TEST_UNSET}: dataset: ",
		},
		"capi {\n name meta\n dataset 1\n access_token x\n graph_version {env.LEADGATE_TEST_URL}\n}": {
			"tenant default: destination meta: graph_version ",
		},
		"tenant acme {\n match waba_id {file./nonexistent/id}\n forward http://x\n}": {
			"tenant acme: match waba_id: the file /nonexistent/id does not exist",
		},
		"forward {env.LEADGATE_TEST_URL}":                                                {"tenant default", "is no URL"},
		"forward http://x/a\nforward http://x/b":                                         {"default-x", "`name <name>`"},
		"forward http://x\nforward http://x {\n timeout 10s\n}":                          {"default-x stands twice", "`name <name>`"},
		"forward http://x {\n only statuses ads\n}":                                      {"only statuses ads takes nothing"},
		"forward http://x {\n name n\n}\nforward http://y {\n name n\n}":                 {"destination n", "different settings"},
		"forward http://x {\n name unmatched\n}":                                         {"unmatched"},
		"capi {\n dataset 1\n access_token x\n}\ncapi {\n dataset 2\n access_token x\n}": {"two capi blocks name no channel"},
		"capi whatsapp {\n dataset 1\n access_token x\n}\ncapi messenger whatsapp {\n dataset 2\n access_token x\n}": {
			"two capi blocks name the channel whatsapp",
		},
		"capi {\n dataset 1\n access_token {file./nonexistent}\n}": {
			"tenant default: destination default-capi-1: access_token: the file /nonexistent does not exist",
		},
		"capi {\n name meta\n dataset 1\n access_token x\n app_secret {file.%EMPTY%}\n}": {
			"tenant default: destination meta: app_secret: the file %EMPTY% is empty",
		},
	} {
		files := strings.NewReplacer("%EMPTY%", empty, "%DIR%", filepath.Dir(empty))
		err := validate(t, site(files.Replace(block)))
		for i := range says {
			says[i] = files.Replace(says[i])
		}
		if err == nil {
			t.Errorf("%s: no error", block)
			continue
		}
		for _, s := range says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %v, want %s", block, err, s)
			}
		}
	}
	// The same destination in two blocks is one.
	twice := site("tenant acme\nforward http://x {\n name n\n}")
	twice += strings.Replace(twice[strings.Index(twice, "http://127"):], "http://127.0.0.1:%PORT%", "http://127.0.0.2:%PORT%", 1)
	if err := validate(t, twice); err != nil {
		t.Error(err)
	}
}

// TestTwoSettingsForOneName names what differs, and shows no secret.
func TestTwoSettingsForOneName(t *testing.T) {
	forward := func(url, options string) string { return "forward " + url + " {\n name n\n " + options + "\n}\n" }
	dataset := func(channels, options string) string {
		return "capi " + channels + " {\n name n\n dataset 1\n access_token secret1\n " + options + "\n}\n"
	}
	sites := func(first, second string) string {
		one := site("tenant acme\n" + first)
		two := strings.Replace(site("tenant acme\n"+second), "http://127.0.0.1:%PORT%", "http://127.0.0.2:%PORT%", 1)
		return one + two[strings.Index(two, "http://127"):]
	}
	for _, c := range []struct{ first, second, says string }{
		{forward("http://x", ""), forward("http://y", ""), "`url` differs"},
		{forward("http://x", "sign secret1"), forward("http://x", "sign secret2"), "`sign` differs"},
		{forward("http://x", ""), forward("http://x", "header A secret1"), "`header` differs"},
		{forward("http://x", ""), forward("http://x", "timeout 1s\n concurrency 2"), "`concurrency` and `timeout` differ"},
		{forward("http://x", ""), forward("http://x", "only all\n rate 5\n raw"), "`only`, `rate` and `raw` differ"},
		{forward("http://x", "hold 1m"), forward("http://x", "hold forever"), "`hold` differs"},
		{forward("http://x", ""), forward("http://x", "retry_for 1h"), "`retry_for` differs"},
		{forward("http://x", ""), dataset("", ""), "one is a forward, the other a capi"},
		{dataset("", ""), dataset("whatsapp", ""), "`channel` differs"},
		{dataset("", ""), strings.Replace(dataset("", ""), "secret1", "secret2", 1), "`access_token` differs"},
		{dataset("", ""), dataset("", "match_keys none"), "`match_keys` differs"},
		{dataset("", ""), dataset("", "on_timeout drop"), "`on_timeout` differs"},
		{dataset("", ""), dataset("", "instagram_id_field ig_account_id"), "`instagram_id_field` differs"},
		{dataset("", ""), dataset("", "waba_id 2\n batch 5\n linger 5s"), "`batch`, `linger` and `waba_id` differ"},
		{dataset("", ""), dataset("", "data_processing_options LDU"), "`data_processing_options` differs"},
		{forward("http://x", ""), "", ""},
		{forward("http://x", "timeout 10s"), forward("http://x", ""), ""}, // the default
	} {
		err := validate(t, sites(c.first, cmp.Or(c.second, c.first)))
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s and %s: %v", c.first, c.second, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), "tenant acme: destination n: ") ||
			!strings.Contains(err.Error(), ": "+c.says+": ")):
			t.Errorf("%s and %s: %v, want %s", c.first, c.second, err, c.says)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("a secret is shown: %v", err)
		}
	}
	err := validate(t, strings.Replace(sites(forward("http://x", ""), forward("http://x", "")), "tenant acme", "tenant globex", 1))
	if err == nil || !strings.Contains(err.Error(), "the tenants differ") {
		t.Errorf("two tenants: %v", err)
	}
	err = validate(t, site("forward http://x/a\nforward http://x/b"))
	if err == nil || !strings.Contains(err.Error(), "by default, and `url` differs: give one") {
		t.Errorf("by default: %v", err)
	}
}

// TestTenantTwiceInABlock is an error in the text, with its line, and in JSON. In
// several blocks the same tenant is one.
func TestTenantTwiceInABlock(t *testing.T) {
	acme := "tenant acme {\n match waba_id %s\n forward http://x {\n name n\n }\n}\n"
	one, two := strings.Replace(acme, "%s", "1", 1), strings.Replace(acme, "%s", "2", 1)
	const says = "tenant acme stands twice in this block"
	const first = 13 // the line of the first option in site's block
	for _, c := range []struct {
		block string
		line  int
	}{
		{one + two, 6},
		{one + "tenant acme\nforward http://y", 6},
		{"tenant acme\nforward http://y\n" + one, 2},
		{strings.NewReplacer("acme", "b", "waba_id 1", "waba_id 3").Replace(one) + one + two, 12},
	} {
		err := validate(t, site(c.block))
		want := "Caddyfile:" + strconv.Itoa(first+c.line)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s at %s", c.block, err, says, want)
		}
	}
	defaultTwice := strings.ReplaceAll(one, "acme", "default") + "forward http://y"
	if err := validate(t, site(defaultTwice)); err == nil || !strings.Contains(err.Error(), "tenant default stands twice") {
		t.Errorf("default: %v", err)
	}
	for _, c := range []struct{ tenants, direct, says string }{
		{`{"name":"acme","match":{"waba_id":["1"]}},{"name":"acme","match":{"waba_id":["2"]}}`, `null`, says},
		{`{"name":"acme","match":{"waba_id":["1"]}}`, `{"name":"acme","forward":[{"url":"http://x"}]}`, says},
		{`{"name":"default","match":{"waba_id":["1"]}}`, `{"forward":[{"url":"http://x"}]}`, "tenant default stands twice"},
		{`{"name":"acme","match":{"waba_id":["1"]}}`, `{"name":"globex","forward":[{"url":"http://x"}]}`, ""},
	} {
		config := `{"admin":{"disabled":true},"apps":{"leadgate":{"queue":{"kind":"embedded","path":"` + t.TempDir() + `"}},
			"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{
				"handler":"leadgate","provider":{"name":"meta","app_secret":["x"],"verify_token":["y"]},
				"tenants":[` + c.tenants + `],"tenant":` + c.direct + `}]}]}}}}}`
		err := validateJSON([]byte(config))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s and %s: %v, want %q", c.tenants, c.direct, err, c.says)
		}
	}
	several := site("tenant acme\n" + "forward http://x")
	several += strings.Replace(several[strings.Index(several, "http://127"):], "http://127.0.0.1:%PORT%", "http://127.0.0.2:%PORT%", 1)
	if err := validate(t, several); err != nil {
		t.Errorf("in two blocks: %v", err)
	}
}
