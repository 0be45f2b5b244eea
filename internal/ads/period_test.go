package ads

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// TestToday: the days of figures end with the newest that has begun anywhere that any are of.
func TestToday(t *testing.T) {
	for _, c := range []struct{ at, zones, want string }{
		{"2026-11-20T20:00:00Z", "", "2026-11-20"},
		{"2026-11-20T20:00:00Z", "Asia/Tokyo", "2026-11-21"},
		{"2026-11-20T14:59:59Z", "Asia/Tokyo", "2026-11-20"},
		{"2026-11-20T02:00:00Z", "America/Los_Angeles", "2026-11-20"},
		{"2026-11-20T10:00:00Z", "America/Los_Angeles Pacific/Kiritimati Asia/Tokyo", "2026-11-21"},
		{"2026-12-31T18:30:00Z", "Asia/Kolkata", "2027-01-01"},
	} {
		now, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		var zones []*time.Location
		for name := range strings.FieldsSeq(c.zones) {
			at, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			zones = append(zones, at)
		}
		p, err := ParsePeriod("", "", Today(now, zones...))
		if got := DayText(p.To); got != c.want || p.To-p.From != 29 || err != nil {
			t.Errorf("%s, %s: %s to %s, %v", c.at, c.zones, DayText(p.From), got, err)
		}
	}
}
