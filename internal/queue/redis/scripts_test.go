package redis

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every file in lua/ is a script or is included by one; the head of a script says
// what goes in and what comes out.
func TestScriptsAreDescribed(t *testing.T) {
	files, err := luaFiles.ReadDir("lua")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		text, err := luaFiles.ReadFile("lua/" + f.Name())
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
		t.Errorf("%d scripts in lua/, and %d of them are registered", n, len(scripts))
	}
}

// Each format by which the script reads what Go packs is described in wire.go.
func TestWireIsDescribed(t *testing.T) {
	described, err := os.ReadFile("wire.go")
	if err != nil {
		t.Fatal(err)
	}
	reads := regexp.MustCompile(`parse\('(>\w+)', (?:manifests|ARGV\[1\])`).FindAllStringSubmatch(scriptAppend.text, -1)
	if len(reads) < 12 {
		t.Errorf("the script reads %d times", len(reads))
	}
	for _, read := range reads {
		if !strings.Contains(string(described), "//\t"+read[1]+" ") {
			t.Errorf("%s is not described", read[1])
		}
	}
}

// The script and the erase mean the same sets of message ids.
func TestScriptsKnowMessageMS(t *testing.T) {
	if messageMS != 8*86_400_000 || !strings.Contains(scriptAppend.text, "local message_ms = 8 * 86400000\n") {
		t.Error("the script and messageMS differ")
	}
}
