package caddymodule

import (
	"strings"
	"testing"
)

// TestLikelyMistakes says what was meant, in the line where it stands.
func TestLikelyMistakes(t *testing.T) {
	config := func(secret, tenant string) string {
		return strings.Replace(site(tenant), testSecret, secret, 1)
	}
	const forward = "tenant acme\nforward http://127.0.0.1:9/"
	match := func(line string) string {
		return "tenant acme {\n" + line + "\nforward http://127.0.0.1:9/\n}"
	}
	for _, c := range []struct{ config, says string }{
		{config("env.META_APP_SECRET", forward), "app_secret 'env.META_APP_SECRET' is no placeholder: did you mean {env.META_APP_SECRET}?"},
		{config("file./run/secrets/x", forward), "did you mean {file./run/secrets/x}?"},
		{config("{env:META_APP_SECRET}", forward), "did you mean {env.META_APP_SECRET}?"},
		{config("${META_APP_SECRET}", forward), "did you mean {env.META_APP_SECRET}?"},
		{config("$META_APP_SECRET", forward), "did you mean {env.META_APP_SECRET}?"},
		{config("%META_APP_SECRET%", forward), "did you mean {env.META_APP_SECRET}?"},
		{config("{$LG_IS_NOT_SET}", forward), "app_secret needs a value; if one stands there as {$NAME}, that variable is not set, or empty"},
		{config(testSecret, forward+" {\nsign env.X\n}"), "sign 'env.X' is no placeholder"},
		{config(testSecret, forward+" {\nheader A ${X}\n}"), "header A '${X}' is no placeholder"},
		{config(testSecret, forward+" {\nrate ten\n}"), "rate 'ten' is no number of requests a second: write one such as 50"},
		{config(testSecret, forward+" {\nconcurrency many\n}"), "concurrency 'many' is no whole number from 1 up"},
		{config(testSecret, match("match phone_number_id +15550783881")), "write `match phone +15550783881`"},
		{config(testSecret, match("match phone_number_id 15550783881")), "write `match phone 15550783881`"},
		{config(testSecret, match("match waba_id +15550783881")), "is a phone number"},
		{config(testSecret, match(`match page_id "+1 (555) 078-3881"`)), "is a phone number"},
	} {
		err := validate(t, c.config)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %s", err, c.says)
		} else if !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("no file and line: %v", err)
		}
	}
	for _, good := range []string{match("match phone_number_id 106540352242922"), match("match phone_number_id 99"), match("match phone +15550783881"), match("match phone_number_id {env.PATH}")} {
		if err := validate(t, config("environment.x", good)); err != nil {
			t.Error(err)
		}
	}
}
