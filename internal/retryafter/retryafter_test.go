package retryafter

import (
	"net/http"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	now := time.Date(2025, 1, 10, 21, 40, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, " ": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "0": 0, "-7": 0, "3600": time.Hour, "86400": time.Hour,
		"9223372036854775807": time.Hour, "9223372036854775808": 0, "1.5": 0, "soon": 0,
		now.Add(9 * time.Second).Format(http.TimeFormat):  9 * time.Second,
		now.Add(-9 * time.Second).Format(http.TimeFormat): 0,
		now.Add(48 * time.Hour).Format(http.TimeFormat):   time.Hour,
	} {
		if got := Parse(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
