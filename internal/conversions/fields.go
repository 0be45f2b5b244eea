package conversions

import (
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/wording"
)

// Field is a key of an item, with the kinds of JSON that it may be, each by its
// jsondoc kind: " a text, 0 a number, { an object, [ an array. null is as if it
// were not there.
type Field struct{ Name, Kinds string }

// Fields are all that an item may have.
var Fields = []Field{
	{"eventName", `"`}, {"leadId", `"0`}, {"waPhone", `"0`}, {"waId", `"0`}, {"userId", `"0`}, {"messageId", `"`}, {"ctwaClid", `"`},
	{"channel", `"`},
	{"eventTime", `"0`}, {"value", `"0`}, {"currency", `"`}, {"orderId", `"0`}, {"contents", `[`}, {"email", `"`}, {"externalId", `"0`},
	{"customData", `{`}, {"touch", `"`},
}

// FieldNames are the names of [Fields].
func FieldNames() []string {
	names := make([]string, len(Fields))
	for i := range Fields {
		names[i] = Fields[i].Name
	}
	return names
}

// itemKinds are the words for the kinds.
var itemKinds = map[byte]string{'"': "a text", '0': "a number", '{': "an object", '[': "an array"}

// checkFields refuses keys that an item does not have: a value under a mistyped
// key would be left out without a word, and an order_id reported twice. A key that
// stands twice could mean either.
func checkFields(n jsondoc.Node) error {
	var seen uint64
	for member := n.First(); member.Exists(); member = member.Next() {
		name := string(member.Key())
		i := slices.IndexFunc(Fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			return invalidf(wording.Meant(name, FieldNames()), "unknown field %s: %s", name, wording.Meant(name, FieldNames()))
		}
		if seen&(1<<i) != 0 {
			return invalidf("write it once", "%s stands twice", name)
		}
		seen |= 1 << i
		if kind := member.Kind(); kind != 'n' && strings.IndexByte(Fields[i].Kinds, kind) < 0 {
			var kinds []string
			for _, k := range []byte(Fields[i].Kinds) {
				kinds = append(kinds, itemKinds[k])
			}
			return invalidf("write "+wording.Or(kinds)+", or leave it out", "%s is not %s", name, wording.Or(kinds))
		}
	}
	return checkCustomData(n.Get("customData"))
}

// ownOfMeta are names of Meta's custom_data that are an item's own fields, or the click's,
// with what to write instead: package capi takes none of them out of customData.
var ownOfMeta = map[string]string{
	"value": "value", "currency": "currency", "contents": "contents", "order_id": "orderId", "ctwa_clid": "ctwaClid", "ad_id": "",
}

// checkCustomData refuses in customData what would be left out of it without a word: a
// sale's value, say.
func checkCustomData(custom jsondoc.Node) error {
	if custom.Kind() != '{' {
		return nil
	}
	for member := custom.First(); member.Exists(); member = member.Next() {
		name := string(member.Key())
		field, own := ownOfMeta[name]
		switch {
		case !own || member.Kind() == 'n':
		case field == "":
			return invalidf("leave it out", "customData has %s, which the contact's click says", name)
		default:
			return invalidf("write "+field+" beside customData", "customData has %s, which it cannot say", name)
		}
	}
	return nil
}
