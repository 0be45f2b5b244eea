package queuetest

import (
	"errors"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

var replayTests = []test{
	{name: "replay", run: func(s *suite) {
		s.kill(crm, "404 Not Found", 1, 2, 3)
		s.kill(n8n, "404 Not Found", 4)
		s.append(s.group(crm, 5))
		letters := s.dead(queue.DeadFilter{Destination: crm.Name})
		n, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{Destination: crm.Name, IDs: []string{letters[0].ID, letters[2].ID}})
		s.check(err)
		expect(s, "replayed", n, 2)
		entries := s.holds(crm, 5, 1, 3) // at the end, in the order in which they died
		expect(s, "header", entries[1].Header.Contact, s.header(1).Contact)
		s.deadAre(s.dead(queue.DeadFilter{Destination: crm.Name}), 2)
		d := s.drain(crm)
		retries, err := d.Retries(s.Context())
		s.check(err)
		expect(s, "attempts start anew", len(retries), 0)
		d.Close()
		i := s.info(crm)
		expect(s, "counts", [2]int{i.Backlog, i.Dead}, [2]int{3, 1})

		n, err = s.Queue.ReplayDead(s.Context(), queue.DeadFilter{})
		s.check(err)
		expect(s, "replayed all", n, 2)
		s.holds(crm, 5, 1, 3, 2)
		s.holds(n8n, 4)
		n, err = s.Queue.ReplayDead(s.Context(), queue.DeadFilter{})
		s.check(err)
		expect(s, "replayed nothing", n, 0)
	}},
	{name: "replay and drop by reason and since", run: func(s *suite) {
		s.kill(crm, "expired", 1)
		since := s.now() + 1
		s.kill(crm, "expired", 2)
		s.kill(crm, "404 Not Found", 3)
		n, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{Destination: crm.Name, Reason: "expired", Since: since})
		s.check(err)
		expect(s, "replayed", n, 1)
		s.holds(crm, 2)
		n, err = s.Queue.DropDead(s.Context(), queue.DeadFilter{Reason: "404 Not Found"})
		s.check(err)
		expect(s, "dropped by reason", n, 1)
		s.deadAre(s.dead(queue.DeadFilter{}), 1)
		n, err = s.Queue.DropDead(s.Context(), queue.DeadFilter{Since: since})
		s.check(err)
		expect(s, "dropped by since", n, 0)
		n, err = s.Queue.DropDead(s.Context(), queue.DeadFilter{Destination: crm.Name})
		s.check(err)
		expect(s, "dropped all", n, 1)
		expect(s, "counted", s.info(crm).Dead, 0)
	}},
	{name: "replay into a full backlog", run: func(s *suite) {
		s.configure(func(o *queue.Options) { o.MaxBacklog = 2 })
		s.kill(crm, "x", 1, 2, 3, 4)
		s.kill(n8n, "x", 5)
		s.append(s.group(crm, 6))
		n, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{})
		expect(s, "replayed", n, 2)
		if !errors.Is(err, queue.ErrFull) || !strings.Contains(err.Error(), "backlog of crm") {
			s.Fatalf("replaying into a full backlog: %v, want %v that names crm", err, queue.ErrFull)
		}
		s.holds(crm, 6, 1)
		s.holds(n8n, 5)
		s.deadAre(s.dead(queue.DeadFilter{}), 4, 3, 2)
		n, err = s.Queue.ReplayDead(s.Context(), queue.DeadFilter{Destination: crm.Name})
		expect(s, "replayed into no room", n, 0)
		expect(s, "full", errors.Is(err, queue.ErrFull), true)
	}},
	{name: "replay and drop know no page", run: func(s *suite) {
		s.kill(crm, "x", 1, 2, 3, 4)
		letters := s.dead(queue.DeadFilter{})
		n, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{After: letters[1].ID, Limit: 1, IDs: []string{letters[0].ID, letters[1].ID}})
		s.check(err)
		expect(s, "replayed", n, 2)
		n, err = s.Queue.DropDead(s.Context(), queue.DeadFilter{After: letters[2].ID, Limit: 1})
		s.check(err)
		expect(s, "dropped", n, 2)
	}},
	{name: "a replayed event can die again", run: func(s *suite) {
		s.kill(crm, "x", 1)
		first := s.dead(queue.DeadFilter{})[0].ID
		_, err := s.Queue.ReplayDead(s.Context(), queue.DeadFilter{})
		s.check(err)
		d := s.drain(crm)
		defer d.Close()
		s.check(d.Dead(s.Context(), []queue.Death{{Pos: d.all()[0].Pos, Attempts: 1, Reason: queue.Reason{Reason: "y"}}}))
		letters := s.dead(queue.DeadFilter{})
		s.deadAre(letters, 1)
		expect(s, "reason", letters[0].Reason.Reason, "y")
		expect(s, "another id", letters[0].ID != first, true)
	}},
}
