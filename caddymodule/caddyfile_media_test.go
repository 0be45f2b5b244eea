package caddymodule

import (
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/freeport"
)

// TestMistakesInMedia names each mistake, and what to write.
func TestMistakesInMedia(t *testing.T) {
	block := site("tenant acme\n forward http://127.0.0.1:9/")
	media := func(options string) string {
		return strings.Replace(block, `	respond "next"`, "	leadgate_media /media/* {\n"+options+"\n}\n	respond \"next\"", 1)
	}
	t.Setenv("LG_EMPTY", "")
	t.Setenv("LG_LINES", "a\nb")
	const good = "tenant acme\n token x\n access_token y\n"
	for options, says := range map[string]string{
		"":                               "needs a tenant: write `tenant <name>`",
		"tenant acme":                    "needs a token: write `token {env.CRM_TOKEN}`",
		"tenant acme\n token x":          "needs an access_token: write `access_token {env.META_WHATSAPP_TOKEN}`",
		"tenant a/b":                     "tenant 'a/b' is not of letters",
		good + "tenant b":                "tenant is already specified",
		good + "access_token z":          "access_token is already specified",
		good + "colour red":              "leadgate_media has no option 'colour': write one of tenant, token",
		good + "max_size big":            "max_size 'big' is no size: write one such as 100MiB",
		good + "max_size 0":              "max_size '0' is no size",
		good + "graph_version 26":        "graph_version \"26\" is none: write one like v27.0",
		good + "endpoint ftp://x":        "endpoint \"ftp://x\" is no address",
		good + "token \"\"":              "token has an empty value",
		good + "token {env.LG_NOT_SET}":  "tenant acme: token: evaluated placeholder {env.LG_NOT_SET} is empty",
		good + "endpoint {env.LG_EMPTY}": "tenant acme: endpoint: ",
		"tenant acme\n token x\n access_token {env.LG_EMPTY}":                   "tenant acme: access_token: ",
		"tenant acme\n token x\n access_token {file./nowhere/at/all}":           "tenant acme: access_token: ",
		"tenant acme\n token x\n access_token {env.LG_LINES}":                   "white space",
		"tenant acme\n token x\n access_token {env.LG_NOT_SET_EITHER}bcd":       "LG_NOT_SET_EITHER",
		"tenant acme\n token x\n access_token y\n graph_version {env.LG_LINES}": "graph_version",
	} {
		err := validate(t, media(options))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", options, err, says)
		}
	}
	// The line is that of the option.
	if err := validate(t, media(good+"max_size big")); err == nil || !strings.Contains(err.Error(), "Caddyfile:20") {
		t.Errorf("%v", err)
	}
	whole := good + "token {env.HOME}\n endpoint https://graph.facebook.com/\n graph_version v25.0\n max_size 16MB"
	if err := validate(t, media(whole)); err != nil {
		t.Error(err)
	}
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	err := e.load(media("tenant globex\n token x\n access_token y"))
	if err == nil || !strings.Contains(err.Error(), "leadgate_media: tenant globex is in no leadgate block") {
		t.Errorf("%v", err)
	}
}
