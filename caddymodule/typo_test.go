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
		{config("process.env.META_APP_SECRET", forward), "did you mean {env.META_APP_SECRET}?"},
		{config("{env.META_APP_SECRET", forward), "did you mean {env.META_APP_SECRET}?"},
		{config("env.META_APP_SECRET}", forward), "did you mean {env.META_APP_SECRET}?"},
		{config("/run/secrets/meta", forward), "did you mean {file./run/secrets/meta}?"},
		{config("= s3cret", forward), "app_secret stands before a `=`"},
		{config("s3cret, other", forward), "app_secret has values with a comma between them"},
		{config("'s3cret'", forward), "app_secret stands in single quotes"},
		{config("<app_secret>", forward), "app_secret '<app_secret>' is what an example has there"},
		{config("<your app secret>", forward), "app_secret has what an example has there"},
		{config(testSecret, forward+" {\nheader A \"Bearer ${X}\"\n}"), "header A '${X}' is no placeholder: did you mean {env.X}?"},
		{config(testSecret, forward+" {\nheader A \"Bearer env.X\"\n}"), "did you mean {env.X}?"},
		{config(testSecret, forward+" {\nheader A \"Bearer {$LG_IS_NOT_SET}\"\n}"), "header 'A' is the word Bearer alone"},
		{config(testSecret, forward+" {\nheader Authorization: \"Bearer x\"\n}"),
			"'Authorization:' is no name of a header: write it without a colon"},
		{config(testSecret, forward+" {\nheader \"Authorization: Bearer x\" y\n}"), "is no name of a header"},
		{config(testSecret, forward+" {\nheader Content-Length 3\n}"), "'Content-Length' is not for a configuration to set"},
		{config(testSecret, "forward http://127.0.0.1:99999/"), "has a port that is none"},
		{config(testSecret, "forward http://127.0.0.1:0/"), "has a port that is none"},
		{config(testSecret, "forward https://https://n8n.example.com/"), "has its scheme twice"},
		{config(testSecret, match("match phone_number_id 106540352242922,106540352242923")), "several with a space between them"},
		{config(testSecret, match("match phone_number_id 106540352242922, 106540352242923")), "a comma between them"},
		{config(testSecret, match("match phone_number_id '106540352242922'")), "in single quotes"},
		{config(testSecret, match("match instagram_id @mybrand")), "is no id"},
		{config(testSecret, match("match page_id https://facebook.com/x")), "is no id"},
		{config(testSecret, match("match phone +1 555 078 3881")), "would be 4 numbers: write one without spaces, or in quotes"},
		{config(testSecret, match("match phone 555-CALL")), "is no phone number"},
		{config(testSecret, "capi {\ndataset 1\naccess_token \"Bearer EAAB\"\n}"), "access_token begins with the word Bearer"},
		{config(testSecret, "capi {\ndataset 1\naccess_token EAAB\nendpoint https://graph.facebook.com/v27.0\n}"), "names a version"},
		{config(testSecret, "capi {\ndataset 1\naccess_token EAAB\nendpoint http://graph.facebook.com\n}"), "in plain text"},
	} {
		err := validate(t, c.config)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %s", err, c.says)
		} else if !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("no file and line: %v", err)
		}
	}
	t.Setenv("LG_NUMBER", "106540352242922")
	for _, good := range []string{
		match("match phone_number_id 106540352242922"), match("match phone_number_id 99"),
		match("match phone +15550783881"), match("match phone_number_id {env.LG_NUMBER}"),
		match("match phone +15550783881 +15550783882"), match(`match phone "+1 555 078 3881"`), match("match phone whatsapp:+15550783881"),
		forward + " {\nheader Authorization \"Bearer {env.PATH}\"\nheader X-Key a=,b'\nheader Host crm.example.com\n}",
		"capi {\ndataset 1\naccess_token EAAB\nendpoint http://127.0.0.1:9/meta/v2\n}",
	} {
		if err := validate(t, config("environment.x", good)); err != nil {
			t.Error(err)
		}
	}
}

// TestLikelyMistakesAtLoad says what was meant where only loading shows it.
func TestLikelyMistakesAtLoad(t *testing.T) {
	forward := "tenant acme\nforward http://127.0.0.1:9/"
	for _, c := range []struct{ config, says string }{
		{strings.Replace(site(forward), testSecret, "{META_APP_SECRET}", 1),
			"unrecognized placeholder {META_APP_SECRET}: did you mean {env.META_APP_SECRET}?"},
		{strings.Replace(site(forward), testSecret, "{ENV.META_APP_SECRET}", 1), "did you mean {env.META_APP_SECRET}?"},
		{otherSite("gupshup {\n token header Authorization: x\n}", forward), "'Authorization:' is no name of a header"},
		{otherSite("twilio {\n auth_token AC"+strings.Repeat("0", 32)+"\n public_url https://a.example\n}", forward),
			"auth_token is the account's SID"},
		{otherSite("twilio {\n auth_token x\n public_url https://a.example/?a=b\n}", forward), "public_url has a query"},
		{siteWith("queue embedded redis://127.0.0.1:6379", forward), "write `queue redis <url>`"},
		{siteWith("queue embedded ~/leadgate", forward), "would be a folder called ~: write the whole path, or {env.HOME}/leadgate"},
		{siteWith("queue redis redis://127.0.0.1:6379,redis://127.0.0.1:6380", forward), "a URL has a comma"},
		{siteWith("queue redis redis://127.0.0.1:6379/leadgate", forward), "the number of a database"},
		{siteWith("queue redis {\nsentinel mymaster 10.0.0.1\n}", forward), "sentinel '10.0.0.1' is no host and port"},
	} {
		if err := validate(t, c.config); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %s", err, c.says)
		}
	}
}
