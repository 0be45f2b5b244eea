package redis

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// Each format by which the script reads what Go packs is described in wire.go.
func TestWireIsDescribed(t *testing.T) {
	described, err := os.ReadFile("wire.go")
	if err != nil {
		t.Fatal(err)
	}
	reads := regexp.MustCompile(`parse\('(>\w+)', (?:manifests|ARGV\[1\])`).FindAllStringSubmatch(lua.Append.Text, -1)
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
	if messageMS != 8*86_400_000 || !strings.Contains(lua.Append.Text, "local message_ms = 8 * 86400000\n") {
		t.Error("the script and messageMS differ")
	}
}
