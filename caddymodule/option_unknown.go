package caddymodule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/internal/wording"
)

// optionNames are the options of each block of the Caddyfile, by the block. The
// tests try every option of every block.
func optionNames() map[string][]string {
	names := map[string][]string{
		"global leadgate":      appOptions().names(),
		"leadgate":             handlerOptions().names(),
		"tenant":               tenantOptions(nil).names(),
		"leadgate_conversions": conversionsOptions().names(),
		"leadgate_media":       mediaOptions().names(),
		"leadgate_link":        linksOptions().names(),
		"link":                 linkOptions().names(),
		"leadgate_dashboard":   dashboardOptions().names(),
		"leadgate_api":         apiOptions().names(),
		"convert":              inChatOptions().names(),
	}
	_, providers := providerOptions()
	maps.Copy(names, providers)
	for _, k := range new(Queue).kinds() {
		names["queue "+k.name()] = k.optionNames()
	}
	for _, f := range kindFields() {
		names[f.name] = f.newKind().optionNames()
	}
	return names
}

// innerBlocks are the blocks whose options stand in another one if their own
// brace is missing.
func innerBlocks(block string) []string {
	switch block {
	case "global leadgate":
		queues := new(Queue).kindTexts(func(k storeKind) string { return "queue " + k.name() })
		providers, _ := providerOptions()
		return slices.Concat(queues, providers, kindNames())
	case "leadgate":
		providers, _ := providerOptions()
		return slices.Concat(providers, kindNames(), []string{"tenant", "convert"})
	case "tenant":
		return append(kindNames(), "convert")
	case "leadgate_link":
		return []string{"link"}
	}
	return nil
}

// unknownOption says what to write instead of the word that d is at: one of the
// known options that was probably meant, or that the brace before it is missing.
// where is the block, and the tenant's name behind it.
func unknownOption(d *caddyfile.Dispenser, where string, known []string) error {
	word, block := d.Val(), where
	if strings.HasPrefix(where, "tenant ") {
		block = "tenant"
	}
	where = strings.TrimPrefix(where, "global ")
	if near := wording.Closest(word, known); near != "" {
		return d.Errf("%s has no option '%s': write %s", where, word, near)
	}
	names := optionNames()
	for _, inner := range innerBlocks(block) {
		if slices.Contains(names[inner], word) {
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
	return d.WrapErr(takesNothing(word, d.Val()))
}

func takesNothing(word, what string) error {
	if strings.HasPrefix(word, "leadgate") && strings.Contains(what, "/") && !strings.HasPrefix(what, "/") && !strings.Contains(what, "://") {
		return fmt.Errorf("%s: a path begins with a slash: write /%s", word, what)
	}
	return fmt.Errorf("%s takes nothing behind it: what does '%s' stand for?", word, what)
}
