package forward

import (
	"context"
	"testing"
	"time"
)

// BenchmarkDeadline compares a context for each request with lent ones.
func BenchmarkDeadline(b *testing.B) {
	parent, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.Run("made", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ctx, cancel := context.WithTimeout(parent, time.Minute)
			_ = ctx.Done()
			cancel()
		}
	})
	b.Run("lent", func(b *testing.B) {
		b.ReportAllocs()
		s := deadlines{timeout: time.Minute}
		defer s.close()
		for b.Loop() {
			d := s.begin(parent)
			_ = d.ctx.Done()
			s.end(d)
		}
	})
}
