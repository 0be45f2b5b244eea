package lua

import (
	"strings"
	"testing"
)

// Every file in this folder is a script or is included by one; the head of a script says
// what goes in and what comes out.
func TestScriptsAreDescribed(t *testing.T) {
	listed, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range listed {
		text, err := files.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(text)
	}
	n := 0
	for name, text := range all {
		if !strings.HasPrefix(text, "#!lua") {
			used := false
			for _, other := range all {
				used = used || strings.Contains(other, "-- include "+name+"\n")
			}
			if !used {
				t.Errorf("%s is neither a script nor included by one", name)
			}
			continue
		}
		n++
		for _, head := range []string{"KEYS", "ARGV", "Returns"} {
			if (strings.Contains(text, head) || head == "Returns") && !strings.Contains(text, "\n-- "+head) {
				t.Errorf("the head of %s does not say its %s", name, head)
			}
		}
	}
	if n != len(scripts) {
		t.Errorf("%d scripts, and %d of them are registered", n, len(scripts))
	}
}
