package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/delivery"
)

// described is what the tests read of the document.
type described struct {
	Paths map[string]map[string]struct {
		Description string
		Responses   map[string]json.RawMessage
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct{ Type any }
			Required   []string
		}
	}
}

func document(t *testing.T) (doc described, anything map[string]any) {
	t.Helper()
	if err := json.Unmarshal(Document, &anything); err != nil {
		t.Fatal(err)
	}
	paths := anything["paths"].(map[string]any)
	for _, path := range paths {
		for key := range path.(map[string]any) {
			if key != "get" && key != "post" {
				delete(path.(map[string]any), key) // servers, a description
			}
		}
	}
	text, err := json.Marshal(anything)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc, anything
}

// TestOpenAPI: the document is OpenAPI 3.1, by the schema of its authors
// (spec.openapis.org/oas/3.1/schema), and its own schemas are JSON Schema.
func TestOpenAPI(t *testing.T) {
	c := jsonschema.NewCompiler()
	for name, content := range map[string][]byte{"openapi.json": Document, "oas.json": read(t, "testdata/openapi-3.1.schema.json")} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := c.AddResource("file:///"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := c.Compile("file:///oas.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Document))
	if err != nil {
		t.Fatal(err)
	}
	if err := rules.Validate(doc); err != nil {
		t.Errorf("no OpenAPI 3.1: %v", err)
	}
	known, _ := document(t)
	for name := range known.Components.Schemas {
		if _, err := c.Compile("file:///openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestDescribedRoutes: each route is described, with the level that it wants, and
// nothing else is.
func TestDescribedRoutes(t *testing.T) {
	doc, _ := document(t)
	want := []string{"get /conversions", "post /conversions"}
	for i := range routes {
		r := &routes[i]
		method := strings.ToLower(r.Method)
		want = append(want, method+" /"+r.Path)
		op := doc.Paths["/"+r.Path][method]
		says := ""
		if r.Level > Read {
			says = "Wants `allow " + r.Level.String() + "`."
		}
		if op.Description != says {
			t.Errorf("%s %s: %q, want %q", r.Method, r.Path, op.Description, says)
		}
		if _, may := op.Responses["403"]; may != (r.Level > Read) {
			t.Errorf("%s %s: 403 is described: %t", r.Method, r.Path, may)
		}
	}
	var got []string
	for path, methods := range doc.Paths {
		for method := range methods {
			got = append(got, method+" "+path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("described are %q, want %q", got, want)
	}
}

// TestDescribedShapes: what is answered has the keys that are described, all of them.
func TestDescribedShapes(t *testing.T) {
	doc, _ := document(t)
	for name, of := range map[string]reflect.Type{
		"Destination": reflect.TypeFor[delivery.Status](), "DeadLetter": reflect.TypeFor[admin.DeadLetter](),
		"DeadPage": reflect.TypeFor[admin.DeadPage](), "AdRow": reflect.TypeFor[ads.Row](), "Result": reflect.TypeFor[conversions.Result](),
	} {
		schema := doc.Components.Schemas[name]
		var keys []string
		for _, field := range reflect.VisibleFields(of) {
			key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if key != "" {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		slices.Sort(schema.Required)
		if described := slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(described, keys) || !slices.Equal(schema.Required, keys) {
			t.Errorf("%s: described are %q, required %q, answered %q", name, described, schema.Required, keys)
		}
	}
	kinds := map[byte]string{'"': "string", '{': "object", '[': "array"}
	fields := doc.Components.Schemas["Conversion"].Properties
	for _, f := range conversions.Fields {
		types := fmt.Sprint(fields[f.Name].Type)
		for kind, word := range kinds {
			if strings.Contains(types, word) != strings.ContainsRune(f.Kinds, rune(kind)) {
				t.Errorf("%s: described as %s, read as %s", f.Name, types, f.Kinds)
			}
		}
		if number := strings.Contains(types, "number") || strings.Contains(types, "integer"); number != strings.Contains(f.Kinds, "0") {
			t.Errorf("%s: described as %s, read as %s", f.Name, types, f.Kinds)
		}
		delete(fields, f.Name)
	}
	if len(fields) > 0 {
		t.Errorf("described, and not read: %q", slices.Collect(maps.Keys(fields)))
	}
}
