package delivery

import (
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// attempt makes the call of a job, if that may still be done.
func (s *senders) attempt(j *job) {
	j.unsent = !s.may(j) || !s.depart(j)
	if j.unsent {
		return
	}
	s.inFlight.Add(int64(len(j.entries)))
	span := s.trace(j)
	began := s.e.tick()
	j.verdicts = s.call(j)
	endTrace(span, j.verdicts)
	j.took = s.e.tick() - began
}

// may reports whether the right to send a job is still there, and no halt was asked for.
func (s *senders) may(j *job) bool {
	epoch, ok := s.right.Epoch()
	return ok && epoch == j.epoch && j.halts == s.halts.Load()
}

// depart notes that a job's entries are about to be sent, where that is to be noted. It
// reports whether they may be: the note takes a while, and what allows it may be gone by then.
func (s *senders) depart(j *job) bool {
	if j.settings.InDoubt == destination.Unnoted {
		return true
	}
	at := make([]queue.Pos, len(j.entries))
	for i, e := range j.entries {
		at[i] = e.Pos
	}
	j.note, j.unnoted = s.right.Depart(s.e.storeCtx, at)
	return j.unnoted == nil && s.may(j)
}

// call calls the Sender. A panic is a failed attempt of all items.
func (s *senders) call(j *job) (verdicts []destination.Verdict) {
	defer func() {
		if r := recover(); r != nil {
			s.logger().Error("sender panicked", zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
			verdicts = sameVerdicts(len(j.items), destination.Verdict{
				Action: destination.Retry, InDoubt: true, Reason: "internal error", Explanation: "a bug in Leadgate: its log has the stack",
			})
		}
	}()
	verdicts = j.settings.Sender.Send(s.e.sendCtx, j.items)
	if len(verdicts) != len(j.items) {
		return sameVerdicts(len(j.items), destination.Verdict{
			Action: destination.Retry, InDoubt: true, Reason: fmt.Sprintf("internal error: %d outcomes for %d events", len(verdicts), len(j.items)),
		})
	}
	return verdicts
}

func sameVerdicts(n int, v destination.Verdict) []destination.Verdict {
	verdicts := make([]destination.Verdict, n)
	for i := range verdicts {
		verdicts[i] = v
	}
	return verdicts
}
