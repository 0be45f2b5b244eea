package caddymodule

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/leadgate/leadgate/capi"
)

// settings are a destination's options by name, with their defaults: what must be
// equal where a name stands twice.
type settings map[string]any

// differsFrom says in words in what two destinations of one name differ, "" if in
// nothing. It shows no value, for some are secrets.
func (d *destination) differsFrom(other *destination) string {
	if d.Kind != other.Kind {
		return "one is a " + d.Kind + ", the other a " + other.Kind
	}
	var options []string
	for option, value := range d.settings {
		if !reflect.DeepEqual(value, other.settings[option]) {
			options = append(options, "`"+option+"`")
		}
	}
	slices.Sort(options)
	switch {
	case len(options) == 1:
		return options[0] + " differs"
	case len(options) > 1:
		return strings.Join(options[:len(options)-1], ", ") + " and " + options[len(options)-1] + " differ"
	case d.Dest != other.Dest:
		return "the tenants differ"
	}
	return ""
}

// capiOptions are the settings of a dataset by the names of their options: the
// fields' own, but for those that a word turns on or off.
func capiOptions(s *capi.Settings) settings {
	words := map[string]string{"OnTimeoutDrop": "on_timeout", "NoMatchKeys": "match_keys"}
	out := settings{}
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.IsExported() {
			out[cmp.Or(words[field.Name], snakeCase(field.Name))] = v.Field(i).Interface()
		}
	}
	return out
}

// snakeCase turns InstagramIDField into instagram_id_field.
func snakeCase(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
