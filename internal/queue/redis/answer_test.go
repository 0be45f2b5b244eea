package redis

import (
	"errors"
	"slices"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

// TestAnswerOfAppend reads answers to a group of one event and two jobs: what the script
// never says is no answer, whatever its length.
func TestAnswerOfAppend(t *testing.T) {
	for line, want := range map[string]queue.Result{
		"+1QQ": {New: []bool{true}, Jobs: []queue.Admission{queue.Queued, queue.Queued}},
		"+0DD": {New: []bool{false}, Jobs: []queue.Admission{queue.Duplicate, queue.Duplicate}},
		"+1OX": {New: []bool{true}, Jobs: []queue.Admission{queue.Overflow, queue.Died}},
	} {
		ref := smallGroup()
		if err := ref.read(line); err != nil || !slices.Equal(ref.result.New, want.New) || !slices.Equal(ref.result.Jobs, want.Jobs) {
			t.Errorf("%q: %+v, %v", line, *ref.result, err)
		}
	}
	for _, line := range []string{"", "+", "PONG", "1QQD", "+1Q", "+1QQQ", "+2QQ", "+1Q?", "+1qq", "OK"} {
		if ref := smallGroup(); !errors.Is(ref.read(line), queue.ErrUnavailable) {
			t.Errorf("%q is taken for an answer: %+v", line, *ref.result)
		}
	}
	if err := smallGroup().read("!WRONGTYPE"); err == nil || errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("a refusal: %v", err)
	}
	if err := smallGroup().read("?"); !errors.Is(err, queue.ErrClaimed) {
		t.Errorf("a claimed code: %v", err)
	}
}

// smallGroup is a group of one event and two jobs.
func smallGroup() appendRef {
	return appendRef{
		group:  &queue.Group{Events: make([]queue.Event, 1), Jobs: make([]queue.Job, 2)},
		result: &queue.Result{New: make([]bool, 1), Jobs: make([]queue.Admission, 2)},
	}
}
