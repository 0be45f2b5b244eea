package caddymodule

import (
	"cmp"
	"reflect"
	"strings"
	"unicode"

	"github.com/leadgate/leadgate/capi"
)

// capiOptions are the settings of a dataset by the names of their options: the
// fields' own, but for those that a word turns on or off.
func capiOptions(s *capi.Settings) map[string]any {
	words := map[string]string{"OnTimeoutDrop": "on_timeout", "NoMatchKeys": "match_keys"}
	out := map[string]any{}
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
