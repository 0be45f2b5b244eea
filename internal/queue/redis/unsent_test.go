package redis

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// refusal is an error as a server answers it.
type refusal string

func (r refusal) Error() string { return string(r) }
func (refusal) RedisError()     {}

var _ redis.Error = refusal("")

// TestUnsent has a call that is to be made again, with the text of its script: until that
// it has an error, so that it can't be taken for one that was made.
func TestUnsent(t *testing.T) {
	cmd := lua.Drop.Call(t.Context(), []string{"key"}, "argument")
	cmd.SetErr(refusal("NOSCRIPT No matching script"))
	var r Store
	again := r.unsent(t.Context(), []waited{{cmd: cmd}}, nil)
	if len(again) != 1 || !errors.Is(again[0].cmd.Err(), errUnsent) {
		t.Fatalf("%v", again)
	}
	if args := again[0].cmd.Args(); args[0] != "EVAL" || !strings.Contains(args[1].(string), "redis.call") {
		t.Errorf("made again as %v", args[0])
	}
}
