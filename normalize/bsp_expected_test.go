package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// expectedOfEntries reads the Cloud API's envelope; skip says which changes are
// no event.
func expectedOfEntries(entries jsondoc.Node, skip func(value jsondoc.Node) bool) (kinds []Kind) {
	if entries.Kind() != '[' {
		return []Kind{KindAccount}
	}
	for _, entry := range elements(entries) {
		changes := entry.Get("changes")
		if changes.Kind() != '[' || changes.Len() == 0 {
			if !nothingIn(entry) {
				kinds = append(kinds, KindAccount)
			}
			continue
		}
		for _, c := range elements(changes) {
			if !skip(c.Get("value")) {
				kinds = append(kinds, expectedOfChange(c)...)
			}
		}
	}
	return kinds
}

// expectedOfBare reads a body that is a value; ok is false where it is none.
func expectedOfBare(root jsondoc.Node) (kinds []Kind, ok bool) {
	arrays := false
	for m := root.First(); root.Kind() == '{' && m.Exists(); m = m.Next() {
		switch string(m.Key()) {
		case "messages", "statuses", "contacts", "errors", "message_echoes":
			// Of a name that stands twice the first counts.
			arrays = arrays || root.Get(string(m.Key())).Kind() == '['
		case "standby":
			arrays = arrays || root.Get("standby").Kind() == '{'
		}
	}
	if !arrays {
		return nil, false
	}
	// What counts is the members' kinds and their elements', so that wrapping
	// the body makes nothing nested too deeply.
	skeleton := append(appendSkeleton([]byte(`{"field":"messages","value":`), root), '}')
	var d jsondoc.Doc
	if err := d.Parse(skeleton); err != nil {
		panic(err)
	}
	return expectedOfChange(d.Root()), true
}

func appendSkeleton(skeleton []byte, value jsondoc.Node) []byte {
	skeleton = append(skeleton, '{')
	for m := value.First(); m.Exists(); m = m.Next() {
		skeleton = append(append(skeleton, NewText(string(m.Key()))...), ':')
		switch m.Kind() {
		case '[':
			skeleton = append(skeleton, '[')
			for _, el := range elements(m) {
				switch {
				case el.Kind() == '{' && el.Len() == 0:
					skeleton = append(skeleton, "{},"...)
				case el.Kind() == '{':
					skeleton = append(skeleton, `{"x":0},`...)
				default:
					skeleton = append(skeleton, "0,"...)
				}
			}
			skeleton = append(bytes.TrimSuffix(skeleton, []byte{','}), "],"...)
		case '{':
			if string(m.Key()) == "standby" {
				skeleton = append(appendSkeleton(skeleton, m), ',')
			} else {
				skeleton = append(skeleton, "{},"...)
			}
		case 'n':
			skeleton = append(skeleton, "null,"...)
		default:
			skeleton = append(skeleton, "0,"...)
		}
	}
	return append(bytes.TrimSuffix(skeleton, []byte{','}), '}')
}
