package delivery

import (
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/destination"
)

// attempt makes the call of a job, if that may still be done.
func (s *senders) attempt(j *job) {
	if epoch, ok := s.right.Epoch(); !ok || epoch != j.epoch {
		j.unsent = true
		return
	}
	s.inFlight.Add(int64(len(j.entries)))
	began := s.e.tick()
	j.verdicts = s.call(j)
	j.took = s.e.tick() - began
}

// call calls the Sender. A panic is a failed attempt of all items.
func (s *senders) call(j *job) (verdicts []destination.Verdict) {
	defer func() {
		if r := recover(); r != nil {
			s.logger().Error("sender panicked", zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
			verdicts = sameVerdicts(len(j.items), destination.Verdict{
				Action: destination.Retry, Reason: "internal error", Explanation: "a bug in Leadgate: its log has the stack",
			})
		}
	}()
	verdicts = j.settings.Sender.Send(s.e.sendCtx, j.items)
	if len(verdicts) != len(j.items) {
		return sameVerdicts(len(j.items), destination.Verdict{
			Action: destination.Retry, Reason: fmt.Sprintf("internal error: %d outcomes for %d events", len(verdicts), len(j.items)),
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
