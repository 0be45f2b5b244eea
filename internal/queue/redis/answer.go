package redis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
)

// takeAnswers fills the results of calls that were made, and wakes the drains of what
// was queued. It returns the calls that must be made again, and an error if Redis
// could not be reached.
func (a *appender) takeAnswers(calls []*appendCall) (again []*appendCall, lost error) {
	r, wake := a.r, map[queue.Dest]bool{}
	for _, c := range calls {
		answer, err := c.cmd.Text()
		if answer == answerUnbundle && !c.unbundled {
			c.unbundled = true
			a.packer.linked.forget()
			again = append(again, c)
			continue
		}
		if n := strings.Count(answer, "\n") + 1; err == nil && n != len(c.groups) {
			err = fmt.Errorf("redis answered %d of %d groups", n, len(c.groups))
		}
		if err != nil {
			err = queueError("queueing events", err)
			failCalls([]*appendCall{c}, err)
			a.packer.linked.forget()
			var answered redis.Error
			if !errors.As(err, &answered) && errors.Is(err, queue.ErrUnavailable) && !cluster.IsMoving(err) {
				lost = err
			}
			continue
		}
		for _, ref := range c.groups {
			var line string
			line, answer, _ = strings.Cut(answer, "\n")
			a.takeLine(ref, line, wake)
		}
	}
	for d := range wake {
		r.lease.wake(d)
	}
	return again, lost
}

// takeLine takes a group's line of an answer.
func (a *appender) takeLine(ref appendRef, line string, wake map[queue.Dest]bool) {
	if ref.result.Err = ref.read(line); ref.result.Err != nil {
		a.packer.linked.forget()
		return
	}
	for i, fresh := range ref.result.New {
		// The script links nothing of an event that came again.
		if ev := &ref.group.Events[i]; !fresh && len(ev.Aliases) > 0 {
			a.packer.linked.unlink(ref.group.Tenant, ev)
		}
	}
	for i, outcome := range ref.result.Jobs {
		if outcome == queue.Queued {
			wake[ref.group.Jobs[i].Dest] = true
		}
	}
}

// read fills the result from the group's line of the answer.
func (ref appendRef) read(line string) error {
	events, jobs := len(ref.group.Events), len(ref.group.Jobs)
	if line == answerClaimed {
		return fmt.Errorf("queueing events: %w", queue.ErrClaimed)
	}
	if reason, refused := strings.CutPrefix(line, answerRefused); refused {
		return fmt.Errorf("queueing events: redis: %s", reason)
	}
	outcomes, stored := strings.CutPrefix(line, answerStored)
	if !stored || len(outcomes) != events+jobs {
		return ref.senseless(line)
	}
	for i := range events {
		switch outcomes[i] {
		case '0', '1':
			ref.result.New[i] = outcomes[i] == '1'
		default:
			return ref.senseless(line)
		}
	}
	for i := range jobs {
		switch outcomes[events+i] {
		case 'Q':
			ref.result.Jobs[i] = queue.Queued
		case 'D':
			ref.result.Jobs[i] = queue.Duplicate
		case 'O':
			ref.result.Jobs[i] = queue.Overflow
		case 'X':
			ref.result.Jobs[i] = queue.Died
		default:
			return ref.senseless(line)
		}
	}
	return nil
}

// senseless is of an answer that the script does not give: whether the group is stored
// nobody knows, so it must come again.
func (ref appendRef) senseless(line string) error {
	return fmt.Errorf("queueing events: %w: redis answered %.100q to %d events and %d jobs",
		queue.ErrUnavailable, line, len(ref.group.Events), len(ref.group.Jobs))
}
