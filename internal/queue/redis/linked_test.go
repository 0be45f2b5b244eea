package redis

import (
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

func TestLinkedKeys(t *testing.T) {
	var linked linkedKeys
	status := &queue.Event{Contact: "whatsapp:US.1", Aliases: []string{"whatsapp:1555"}}
	expect := func(what string, ev *queue.Event, now int64, want bool) {
		t.Helper()
		if got := linked.link("acme", ev, now); got != want {
			t.Fatalf("%s: told before: %v", what, got)
		}
	}
	expect("the first", status, 1000, false)
	expect("the second", status, 2000, true)
	expect("nothing to tell", &queue.Event{Contact: "whatsapp:US.2"}, 2000, true)
	expect("another number", &queue.Event{Contact: "whatsapp:US.1", Aliases: []string{"whatsapp:1666"}}, 2000, false)
	expect("the first again", status, 2000, false)
	expect("after a while", status, 2000+linkedMS, false)
	expect("a clock that went back", status, 1000, false)
	expect("known again", status, 1000, true)
	linked.unlink("acme", &queue.Event{Contact: "clid:x", Aliases: []string{"whatsapp:US.1"}})
	expect("once the person has clicked", status, 1001, false)
	linked.forget()
	expect("after a call that failed", status, 1002, false)
	if linked.link("globex", status, 1002) {
		t.Fatal("told for another tenant")
	}
}
