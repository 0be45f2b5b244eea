package normalize

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDeclarationsMatchSchema compares unified.d.ts with the schema, which is
// itself compared with the Go types: for each kind the same keys, the same
// types, the same nulls, the same enums.
func TestDeclarationsMatchSchema(t *testing.T) {
	text := readDeclarations(t)
	for _, d := range compareDeclarations(t, text) {
		t.Error(d)
	}
	// And that comparing finds what differs.
	for _, edit := range [][2]string{
		{"  waId: string | null;\n", ""},
		{"  waId: string | null;\n", "  waId: string | null;\n  extra: string;\n"},
		{"  waId: string | null;", "  waId: string;"},
		{"  waId: string | null;", "  waId: number | null;"},
		{"  attachments: Attachment[] | null;", "  attachments: Attachment | null;"},
		{"  items: OrderItem[] | null;", "  items: Attachment[] | null;"},
		{"  | \"sticker\"\n", ""},
		{`| "sms"`, `| "sms" | "telegram"`},
		{"  status: Status;", "  status: null;"},
		{"  conversion: JSONObject;", "  conversion: JSONObject | null;"},
		{"  raw: unknown;", "  raw: JSONObject;"},
		{"  | Echo\n", ""},
	} {
		changed := strings.Replace(text, edit[0], edit[1], 1)
		if changed == text {
			t.Fatalf("%q is not in the declarations", edit[0])
		}
		if len(compareDeclarations(t, changed)) == 0 {
			t.Errorf("nobody notices %q in the place of %q", edit[1], edit[0])
		}
	}
}

func readDeclarations(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("unified.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compareDeclarations lists the differences from the schema.
func compareDeclarations(t *testing.T, text string) []string {
	t.Helper()
	types, err := parseDeclarations(text)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(Schema, &doc); err != nil {
		t.Fatal(err)
	}
	byKind := types.kinds(t)
	var found []string
	for _, kind := range kindNames[1:] {
		declared, ok := byKind[kind]
		if !ok {
			found = append(found, kind+": not declared")
			continue
		}
		want := schemaShape{doc: doc, out: shape{}}
		want.walk(ofKind(t, doc, kind), "")
		for path := range maps.Keys(want.out) {
			if got := declared[path]; got != want.out[path] {
				found = append(found, fmt.Sprintf("%s: %s is declared as %q, the schema says %q", kind, path, got, want.out[path]))
			}
		}
		for path := range maps.Keys(declared) {
			if _, ok := want.out[path]; !ok {
				found = append(found, fmt.Sprintf("%s: %s is declared, but not in the schema", kind, path))
			}
		}
		if len(want.out) < 50 {
			t.Fatalf("%s: only %d paths in the schema", kind, len(want.out))
		}
	}
	slices.Sort(found)
	return found
}

// shape is a JSON value's type by path, "message.attachments[].type", as sorted
// alternatives: "null|string".
type shape map[string]string

func alternatives(list []string) string {
	slices.Sort(list)
	return strings.Join(slices.Compact(list), "|")
}

// schemaShape reads the shape of a JSON Schema, of what unified.schema.json uses.
type schemaShape struct {
	doc map[string]any
	out shape
}

func (s *schemaShape) walk(node map[string]any, path string) {
	if ref, ok := node["$ref"].(string); ok {
		defs := s.doc["$defs"].(map[string]any)
		node = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	var list []string
	switch types := node["type"].(type) {
	case string:
		list = append(list, types)
	case []any:
		for _, one := range types {
			list = append(list, one.(string))
		}
	}
	for i, one := range list {
		if one == "integer" {
			list[i] = "number" // TypeScript has no other
		}
	}
	if enum, ok := node["enum"].([]any); ok {
		for _, one := range enum {
			if one == nil {
				list = append(list, "null")
			} else {
				list = append(list, fmt.Sprintf("%q", one))
			}
		}
	}
	if len(list) == 0 {
		list = append(list, "unknown")
	}
	s.out[path] = alternatives(list)
	if properties, ok := node["properties"].(map[string]any); ok {
		for name, member := range properties {
			s.walk(member.(map[string]any), strings.TrimPrefix(path+"."+name, "."))
		}
	}
	if slices.Contains(list, "array") {
		items, _ := node["items"].(map[string]any)
		s.walk(items, path+"[]")
	}
}

// ofKind is the schema's root with what its conditions say of a kind put in.
func ofKind(t *testing.T, doc map[string]any, kind string) map[string]any {
	t.Helper()
	properties := maps.Clone(doc["properties"].(map[string]any))
	properties["kind"] = map[string]any{"enum": []any{kind}}
	for _, condition := range doc["allOf"].([]any) {
		rule := condition.(map[string]any)
		branch := "else"
		if holds(t, rule["if"].(map[string]any), kind) {
			branch = "then"
		}
		then, ok := rule[branch].(map[string]any)
		if !ok {
			continue
		}
		for name, member := range then["properties"].(map[string]any) {
			switch m := member.(map[string]any); {
			case m["type"] == "null":
				properties[name] = m
			case m["not"] != nil:
				properties[name] = withoutNull(doc, properties[name].(map[string]any))
			default:
				t.Fatalf("the schema says %v of %s", m, name)
			}
		}
	}
	return map[string]any{"type": "object", "properties": properties}
}

// holds evaluates a condition about the kind.
func holds(t *testing.T, condition map[string]any, kind string) bool {
	t.Helper()
	if not, ok := condition["not"].(map[string]any); ok {
		return !holds(t, not, kind)
	}
	about := condition["properties"].(map[string]any)["kind"].(map[string]any)
	if enum, ok := about["enum"].([]any); ok {
		return slices.Contains(enum, any(kind))
	}
	if about["const"] == nil {
		t.Fatalf("the schema has the condition %v", condition)
	}
	return about["const"] == kind
}

func withoutNull(doc, node map[string]any) map[string]any {
	if ref, ok := node["$ref"].(string); ok {
		node = doc["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	node = maps.Clone(node)
	node["type"] = slices.DeleteFunc(slices.Clone(node["type"].([]any)), func(one any) bool { return one == "null" })
	return node
}
