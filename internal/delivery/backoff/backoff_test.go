package backoff

import (
	"testing"
	"time"
)

func TestDelay(t *testing.T) {
	for _, c := range []struct {
		attempts int
		random   float64
		want     time.Duration
	}{
		{1, 1, time.Second}, {1, 0, 0}, {2, 0.5, time.Second}, {5, 1, 16 * time.Second},
		{11, 1, 10 * time.Minute}, {100000, 0.25, 150 * time.Second},
	} {
		if got := Delay(c.attempts, c.random); got != c.want {
			t.Errorf("Delay(%d, %v) = %v, want %v", c.attempts, c.random, got, c.want)
		}
	}
}
