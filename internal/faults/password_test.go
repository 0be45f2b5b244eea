package faults

import (
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// TestRedisPassword gives Redis another password under load, and the edge by a reload:
// no webhook is refused. A password that is wrong fails the load, and changes nothing.
func TestRedisPassword(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, always...)
	user := func(passwords ...any) {
		server.Do(append([]any{"ACL", "SETUSER", "edge", "reset", "on", "~*", "&*", "+@all"}, passwords...)...)
	}
	queue := func(password string) string { return "queue redis redis://edge:" + password + "@" + server.Addr }
	user(">one")
	s := onRedisAt(t, "password of Redis changed by a reload", queue("one"), server.Addr, options{})
	s.run()
	s.senders.more(t, 50)
	e := s.edges[0]
	for round := range form(1, 5) {
		old, next := "one", "two"
		if round%2 == 1 {
			old, next = next, old
		}
		e.global = queue("hunter2")
		status, answer := e.Ask(http.MethodPost, "/load", "text/caddyfile", e.caddyfile(s.block("")))
		if status == http.StatusOK || !strings.Contains(string(answer), "redis refuses this user and password") ||
			strings.Contains(string(answer), "hunter2") {
			t.Fatalf("a wrong password: %d %s", status, answer)
		}
		user(">"+old, ">"+next)
		e.global = queue(next)
		e.load(s.block(""))
		user(">" + next)
		s.senders.more(t, 50)
	}
	s.finish()
	for answer, n := range s.senders.answers {
		if strings.HasPrefix(answer, "5") {
			t.Errorf("%d webhooks were answered %s", n, answer)
		}
	}
	if strings.Contains(e.Said(), "hunter2") {
		t.Error("the log shows a password")
	}
}
