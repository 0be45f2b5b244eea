package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/wording"
)

// maxAction is how long the body of a POST may be, in bytes.
const maxAction = 1 << 20

// several are the parameters that may stand several times.
var several = []string{"id"}

// OnlyParams refuses a query that asks for something else than what is known: one that is
// mistyped would be taken for none, and the second of two would be passed over.
func OnlyParams(raw string, known ...string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return httperr.WithFix(http.StatusBadRequest, "write what is no letter or digit as %XX", "the parameters cannot be read: %v", err)
	}
	for name, values := range query {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return httperr.WithFix(http.StatusBadRequest, "there is none here", "unknown parameter %s", name)
		case !slices.Contains(known, name):
			return httperr.WithFix(http.StatusBadRequest, wording.Meant(name, known), "unknown parameter %s", name)
		case slices.Contains(values, ""):
			return httperr.WithFix(http.StatusBadRequest, "give it a value, or leave it out", "parameter %s is empty", name)
		case len(values) > 1 && !slices.Contains(several, name):
			return httperr.WithFix(http.StatusBadRequest, "write it once", "parameter %s stands %d times", name, len(values))
		}
	}
	return nil
}

// errNothing is a body that is empty.
var errNothing = errors.New("the body is empty")

// readAction reads the JSON object of a POST, and refuses what it does not know.
func readAction(r *http.Request, into any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAction+1))
	whole := len(text)
	text = bytes.TrimSpace(text)
	switch {
	case err != nil:
		return httperr.New(http.StatusBadRequest, "reading the body: %w", err)
	case whole > maxAction:
		return httperr.WithFix(http.StatusRequestEntityTooLarge, "name fewer ids at once", "the body is over 1 MiB")
	case len(text) == 0, string(text) == "null": // as programs write nothing
		return httperr.Wrap(http.StatusBadRequest, errNothing)
	case text[0] != '{':
		return httperr.New(http.StatusBadRequest, "the body is no JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return badAction(err, fieldsOf(into))
	}
	if _, more := dec.Token(); more != io.EOF {
		return httperr.New(http.StatusBadRequest, "something follows the body's JSON object")
	}
	return eachOnce(text, fieldsOf(into))
}

// eachOnce refuses what Go's JSON passes over: the first of two fields, and a name in other
// capitals.
func eachOnce(text []byte, known []string) error {
	var doc jsondoc.Doc
	if err := doc.Parse(text); err != nil {
		return httperr.New(http.StatusBadRequest, "the body is no JSON: %w", err)
	}
	seen := make(map[string]bool, len(known))
	for field := doc.Root().First(); field.Exists(); field = field.Next() {
		name := string(field.Key())
		switch {
		case !slices.Contains(known, name):
			return unknownField(name, known)
		case seen[name]:
			return httperr.WithFix(http.StatusBadRequest, "write it once", "%s stands twice", name)
		}
		seen[name] = true
	}
	return nil
}

// readNothing refuses a body that says something: it would be taken for said. An empty
// object says nothing, and neither does null.
func readNothing(r *http.Request) error {
	if err := readAction(r, new(struct{})); !errors.Is(err, errNothing) {
		return err
	}
	return nil
}

// badAction says in words what is wrong with a body, of which Go's errors name Go's types.
func badAction(err error, known []string) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		article := "a "
		if strings.ContainsAny(wrong.Value[:1], "aeiou") {
			article = "an "
		}
		return httperr.New(http.StatusBadRequest, "%s cannot be %s", lowered(wrong.Field), article+wrong.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return unknownField(strings.Trim(name, `"`), known)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return httperr.New(http.StatusBadRequest, "the body is no JSON: it ends too early")
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return httperr.New(http.StatusBadRequest, "the body is no JSON: %w", err)
	}
	return httperr.New(http.StatusBadRequest, "%w", err)
}

func unknownField(name string, known []string) error {
	fix := "there is none here"
	if len(known) > 0 {
		fix = wording.Meant(name, known)
	}
	return httperr.WithFix(http.StatusBadRequest, fix, "unknown field %s", name)
}

// fieldsOf are the names of what a body may have, as they stand in JSON.
func fieldsOf(into any) (names []string) {
	t := reflect.TypeOf(into).Elem()
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = lowered(field.Name)
		}
		names = append(names, name)
	}
	return names
}

// lowered is a name of Go's as JSON has it.
func lowered(name string) string {
	if name == "" {
		return "the body"
	}
	return strings.ToLower(name[:1]) + name[1:]
}
