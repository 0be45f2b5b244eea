package caddymodule

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/internal/wording"
)

// optionNames are the options of each block of the Caddyfile. What a block does
// not have is answered from here, and the tests try every option of every block.
var optionNames = map[string][]string{
	"global leadgate": {"queue", "max_inflight_body", "max_backlog", "dedupe", "remember_clicks", "keep_dead", "grace", "silence"},
	"queue embedded":  {"max_size"},
	"queue redis":     {"sentinel", "prefix"},
	"leadgate":        {"provider", "max_body", "max_events", "tenant", "forward", "capi"},
	"tenant":          {"match", "forward", "capi"},
	"forward":         {"name", "only", "header", "sign", "raw", "timeout", "concurrency", "rate", "retry_for", "hold"},
	"capi": {
		"name", "dataset", "access_token", "event_name", "lead_on", "automatic_events", "automatic_value_divisor", "graph_version", "endpoint",
		"app_secret", "test_event_code", "partner_agent", "data_processing_options", "match_keys", "instagram_id_field", "waba_id", "batch",
		"linger", "on_timeout", "retry_for",
	},
	"provider meta":        {"app_secret", "verify_token", "insecure_skip_verify"},
	"provider twilio":      {"auth_token", "shared_key", "public_url", "token", "insecure_skip_verify"},
	"provider gupshup":     {"token", "insecure_skip_verify"},
	"provider whapi":       {"token", "insecure_skip_verify"},
	"provider 360dialog":   {"token", "signature_secret", "insecure_skip_verify"},
	"leadgate_conversions": {"tenant", "token", "map"},
	"leadgate_media":       {"tenant", "token", "access_token", "endpoint", "graph_version", "max_size"},
	"leadgate_dashboard":   {"insecure_skip_auth"},
}

// innerBlocks are the blocks whose options stand in another one if their own
// brace is missing.
var innerBlocks = map[string][]string{
	"global leadgate": {"queue embedded", "queue redis", "provider meta", "forward", "capi"},
	"leadgate":        {"provider meta", "provider twilio", "provider 360dialog", "forward", "capi", "tenant"},
	"tenant":          {"forward", "capi"},
}

// unknownOption says what to write instead of the word that d is at: the option
// that was probably meant, or that the brace before it is missing. where is the
// block, and the tenant's name behind it.
func unknownOption(d *caddyfile.Dispenser, where string) error {
	word, block := d.Val(), where
	if strings.HasPrefix(where, "tenant ") {
		block = "tenant"
	}
	known := optionNames[block]
	where = strings.TrimPrefix(where, "global ")
	if near := wording.Closest(word, known); near != "" {
		return d.Errf("%s has no option '%s': write %s", where, word, near)
	}
	for _, inner := range innerBlocks[block] {
		if slices.Contains(optionNames[inner], word) {
			return d.Errf("%s has no option '%s', which is one of %s: is the brace before it missing, as in `%s … {`?", where, word, inner, inner)
		}
	}
	return d.Errf("%s has no option '%s': write one of %s", where, word, strings.Join(known, ", "))
}

// noValue refuses what follows a word that takes nothing: a value, or a name.
func noValue(d *caddyfile.Dispenser) error {
	word := d.Val()
	if !d.NextArg() {
		return nil
	}
	return d.Errf("%s takes nothing behind it: what does '%s' stand for?", word, d.Val())
}
