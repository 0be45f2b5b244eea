package normalize

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// declarations is what unified.d.ts declares, by name: an interface, or a type
// in the place of another.
type declarations map[string]*declared

type declared struct {
	extends string
	members map[string]*tsType // of an interface
	open    bool               // an interface of any members
	alias   *tsType            // of a type
}

// tsType is one of: a union, an array of of, a literal, a member of another
// type (Name["member"]), a name.
type tsType struct {
	union         []*tsType
	of            *tsType
	literal       string // quoted
	name, indexed string
}

// kinds is the shape of each member of the union UnifiedEvent, by its kind.
func (d declarations) kinds(t *testing.T) map[string]shape {
	t.Helper()
	root := d["UnifiedEvent"]
	if root == nil || root.alias == nil {
		t.Fatal("type UnifiedEvent is not declared")
	}
	out := make(map[string]shape)
	for _, one := range root.alias.union {
		s := shape{}
		d.walk(t, &tsType{union: []*tsType{one}}, "", s)
		kind, err := strconv.Unquote(s["kind"])
		if err != nil || out[kind] != nil {
			t.Fatalf("%s has the kind %s", one.name, s["kind"])
		}
		out[kind] = s
	}
	return out
}

func (d declarations) walk(t *testing.T, ty *tsType, path string, out shape) {
	t.Helper()
	var list []string
	for _, one := range d.alternatives(t, ty) {
		switch {
		case one.literal != "":
			list = append(list, one.literal)
		case one.of != nil:
			list = append(list, "array")
			d.walk(t, one.of, path+"[]", out)
		case slices.Contains([]string{"string", "number", "boolean", "null", "unknown"}, one.name):
			list = append(list, one.name)
		default:
			list = append(list, "object")
			for name, member := range d.members(t, one.name) {
				d.walk(t, member, strings.TrimPrefix(path+"."+name, "."), out)
			}
		}
	}
	out[path] = alternatives(list)
}

// alternatives resolves unions in unions, and types that stand for others.
func (d declarations) alternatives(t *testing.T, ty *tsType) []*tsType {
	t.Helper()
	if ty.union != nil {
		var list []*tsType
		for _, one := range ty.union {
			list = append(list, d.alternatives(t, one)...)
		}
		return list
	}
	if decl := d[ty.name]; decl != nil && decl.alias != nil {
		return d.alternatives(t, decl.alias)
	}
	return []*tsType{ty}
}

func (d declarations) members(t *testing.T, name string) map[string]*tsType {
	t.Helper()
	decl := d[name]
	if decl == nil {
		t.Fatalf("%s is not declared", name)
	}
	all := make(map[string]*tsType)
	if decl.extends != "" {
		maps.Copy(all, d.members(t, decl.extends))
	}
	maps.Copy(all, decl.members)
	if len(all) == 0 && !decl.open {
		t.Fatalf("%s has no members", name)
	}
	return all
}

// tsReader reads the part of TypeScript that unified.d.ts is written in, and
// fails on all else.
type tsReader struct {
	tokens []string
	err    error
}

var (
	tsComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	tsToken   = regexp.MustCompile(`\s*([A-Za-z_$][A-Za-z0-9_$]*|"[^"\\]*"|[{}()\[\]|;:=]|\S)`)
)

func parseDeclarations(text string) (declarations, error) {
	r := &tsReader{}
	for _, m := range tsToken.FindAllStringSubmatch(tsComment.ReplaceAllString(text, " "), -1) {
		r.tokens = append(r.tokens, m[1])
	}
	all := make(declarations)
	for len(r.tokens) > 0 && r.err == nil {
		r.want("export")
		what, name, decl := r.next(), r.next(), &declared{}
		if all[name] != nil {
			r.fail(name + " is declared twice")
		}
		all[name] = decl
		switch what {
		case "type":
			r.want("=")
			r.take("|")
			decl.alias = r.union()
			r.want(";")
		case "interface":
			if r.take("extends") {
				decl.extends = r.next()
			}
			r.body(decl)
		default:
			r.fail("export " + what)
		}
	}
	return all, r.err
}

func (r *tsReader) body(decl *declared) {
	decl.members = make(map[string]*tsType)
	for r.want("{"); r.err == nil && !r.take("}"); r.want(";") {
		if r.take("[") { // [key: string]: T
			r.next()
			r.want(":")
			r.want("string")
			r.want("]")
			r.want(":")
			r.union()
			decl.open = true
			continue
		}
		name := r.next()
		if decl.members[name] != nil {
			r.fail(name + " stands twice")
		}
		r.want(":")
		decl.members[name] = r.union()
	}
}

func (r *tsReader) union() *tsType {
	u := &tsType{union: []*tsType{r.term()}}
	for r.take("|") {
		u.union = append(u.union, r.term())
	}
	return u
}

func (r *tsReader) term() *tsType {
	var ty *tsType
	switch token := r.next(); {
	case token == "(":
		ty = r.union()
		r.want(")")
	case strings.HasPrefix(token, `"`):
		ty = &tsType{literal: token}
	default:
		ty = &tsType{name: token}
	}
	for r.take("[") {
		if r.take("]") {
			ty = &tsType{of: ty}
			continue
		}
		ty = &tsType{name: ty.name, indexed: r.next()}
		r.want("]")
	}
	return ty
}

func (r *tsReader) next() string {
	if len(r.tokens) == 0 {
		r.fail("the end")
		return ""
	}
	token := r.tokens[0]
	r.tokens = r.tokens[1:]
	return token
}

func (r *tsReader) take(token string) bool {
	if len(r.tokens) == 0 || r.tokens[0] != token {
		return false
	}
	r.tokens = r.tokens[1:]
	return true
}

func (r *tsReader) want(token string) {
	if !r.take(token) {
		r.fail("no " + token)
	}
}

func (r *tsReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("reading declarations: %s before %q", what, r.tokens[:min(8, len(r.tokens))])
	}
	r.tokens = nil
}
