package caddymodule

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/mod/modfile"
)

// TestXcaddyJSON holds xcaddy.json to the code and to go.mod: nothing reads the
// file but people, so only this test keeps it true.
func TestXcaddyJSON(t *testing.T) {
	var file struct {
		Caddy struct {
			GoModule   string   `json:"go_module"`
			ModuleIDs  []string `json:"module_ids"`
			Directives []string `json:"directives"`
			Global     []string `json:"global_options"`
		}
		Compatibility struct{ Caddy, Go string }
	}
	if err := json.Unmarshal([]byte(read(t, "../xcaddy.json")), &file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := mod.Module.Mod.Path + "/caddymodule"; file.Caddy.GoModule != want {
		t.Errorf("go_module is %s, want %s", file.Caddy.GoModule, want)
	}
	if file.Compatibility.Go != mod.Go.Version {
		t.Errorf("go is %s, want %s", file.Compatibility.Go, mod.Go.Version)
	}
	for _, r := range mod.Require {
		if r.Mod.Path == "github.com/caddyserver/caddy/v2" && r.Mod.Version != file.Compatibility.Caddy {
			t.Errorf("caddy is %s, want %s", file.Compatibility.Caddy, r.Mod.Version)
		}
	}
	if len(mod.Replace) > 0 {
		t.Error("go.mod has a replace, with which go install and xcaddy fail")
	}
	var ids []string
	for _, id := range caddy.Modules() {
		info, err := caddy.GetModule(id)
		if err != nil {
			t.Fatal(err)
		}
		typ := reflect.TypeOf(info.New())
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.PkgPath() == modulePath+"/caddymodule" && !strings.HasPrefix(info.ID.Name(), "test_") { // tests have their own
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if !slices.Equal(ids, file.Caddy.ModuleIDs) {
		t.Errorf("module_ids are %v, want %v", file.Caddy.ModuleIDs, ids)
	}
	// Caddy keeps no public list of directives: what is claimed must parse.
	for _, d := range file.Caddy.Directives {
		if err := validate(t, "http://127.0.0.1:9080 {\n "+d+" {\n }\n}\n"); err != nil && strings.Contains(err.Error(),
			"unrecognized directive") {
			t.Errorf("directive %s: %v", d, err)
		}
	}
	for _, g := range file.Caddy.Global {
		if err := validate(t, "{\n "+g+"\n}\n"); err != nil {
			t.Errorf("global option %s: %v", g, err)
		}
	}
}
