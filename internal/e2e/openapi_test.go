package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leadgate/leadgate/internal/api"
	"github.com/leadgate/leadgate/internal/edgetest"
)

// operation is what the document says of one route and method.
type operation struct {
	Parameters []struct {
		Name, In string
		Example  any
	}
	RequestBody *content
	Responses   map[string]json.RawMessage
}

// content is a body, or a reference to one.
type content struct {
	Ref     string `json:"$ref"`
	Content map[string]struct {
		Examples map[string]struct{ Value json.RawMessage }
	}
}

type openAPI struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct{ Responses map[string]json.RawMessage }

	schemas *jsonschema.Compiler
}

func readOpenAPI(t *testing.T, document []byte) *openAPI {
	t.Helper()
	doc := &openAPI{schemas: jsonschema.NewCompiler()}
	if err := json.Unmarshal(document, doc); err != nil {
		t.Fatal(err)
	}
	anything, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	// What is answered has no key that is not described.
	for _, schema := range anything.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any) {
		if s := schema.(map[string]any); s["properties"] != nil {
			s["additionalProperties"] = false
		}
	}
	if err := doc.schemas.AddResource("file:///openapi.json", anything); err != nil {
		t.Fatal(err)
	}
	return doc
}

// pointer is a part of the document, as its schemas are named.
func pointer(parts ...string) string {
	for i, part := range parts {
		parts[i] = url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
	}
	return "file:///openapi.json#/" + strings.Join(parts, "/")
}

// response finds what an operation answers with a status, and where its schema is.
func (doc *openAPI) response(t *testing.T, op *operation, path, method, status string) (c content, at []string) {
	t.Helper()
	at = []string{"paths", path, method, "responses", status}
	raw, ok := op.Responses[status]
	if !ok {
		t.Fatalf("%s %s: %s is not described", method, path, status)
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	if name, ok := strings.CutPrefix(c.Ref, "#/components/responses/"); ok {
		at = []string{"components", "responses", name}
		if err := json.Unmarshal(doc.Components.Responses[name], &c); err != nil {
			t.Fatal(err)
		}
	}
	return c, at
}

// fits checks a JSON text by a schema.
func (doc *openAPI) fits(t *testing.T, what, text string, at ...string) {
	t.Helper()
	schema, err := doc.schemas.Compile(pointer(at...))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Errorf("%s: %v in %s", what, err, text)
		return
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s: %v\n%s", what, err, text)
	}
}

// TestOpenAPIExamples makes a request of each example of the document that the edge
// itself hands out: it is answered 200, by what fits its schema, and so do the
// answers' examples.
func TestOpenAPIExamples(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			e := apiEdge(t, global)
			_, served := e.call(t, http.MethodGet, "/all/openapi.json", "secret-all", "")
			if served != string(api.Document) {
				t.Fatal("another document is served")
			}
			doc := readOpenAPI(t, []byte(served))
			// What takes something away comes last.
			paths := slices.Sorted(maps.Keys(doc.Paths))
			takes := func(path string) bool { return strings.HasSuffix(path, "/drop") || strings.HasSuffix(path, "/erase") }
			for _, path := range append(slices.DeleteFunc(slices.Clone(paths), takes), "/dead/drop", "/contacts/erase") {
				for _, method := range []string{"get", "post"} {
					raw, ok := doc.Paths[path][method]
					if !ok {
						continue
					}
					op := new(operation)
					if err := json.Unmarshal(raw, op); err != nil {
						t.Fatalf("%s %s: %v", method, path, err)
					}
					doc.examples(t, op, path, method)
					doc.request(t, e, op, path, method)
				}
			}
		})
	}
}

// examples checks the answers' examples by their schemas.
func (doc *openAPI) examples(t *testing.T, op *operation, path, method string) {
	t.Helper()
	for status := range op.Responses {
		c, at := doc.response(t, op, path, method, status)
		for name, example := range c.Content["application/json"].Examples {
			doc.fits(t, "example "+name, string(example.Value), append(at, "content", "application/json", "schema")...)
		}
	}
}

// request makes the requests that the examples are.
func (doc *openAPI) request(t *testing.T, e *edge, op *operation, path, method string) {
	t.Helper()
	target, token := "/all"+path, "secret-all"
	if path == "/conversions" {
		target, token = path, "secret-crm"
	}
	query := url.Values{}
	for _, p := range op.Parameters {
		switch {
		case p.In == "path" && p.Name == "id": // the document's own is of another store
			edgetest.Until(t, "a dead letter is there", func() bool { return e.Destinations()["n8n"].Dead == 1 })
			target = strings.Replace(target, "{id}", e.letterOf(t, "n8n"), 1)
		case p.In == "path":
			target = strings.Replace(target, "{"+p.Name+"}", fmt.Sprint(p.Example), 1)
		case p.Example != nil:
			query.Set(p.Name, fmt.Sprint(p.Example))
		}
	}
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	bodies := map[string]string{"": ""}
	if op.RequestBody != nil {
		clear(bodies)
		for name, example := range op.RequestBody.Content["application/json"].Examples {
			bodies[name] = string(example.Value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		what := fmt.Sprintf("%s %s, example %q", method, target, name)
		if bodies[name] != "" {
			doc.fits(t, what, bodies[name], "paths", path, method, "requestBody", "content", "application/json", "schema")
		}
		resp, answer := e.call(t, strings.ToUpper(method), target, token, bodies[name])
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", what, resp.StatusCode, answer)
			continue
		}
		c, at := doc.response(t, op, path, method, "200")
		if _, ok := c.Content["application/json"]; !ok {
			if answer != "" {
				t.Errorf("%s: answered %s, described is nothing", what, answer)
			}
			continue
		}
		doc.fits(t, what, answer, append(at, "content", "application/json", "schema")...)
	}
}
