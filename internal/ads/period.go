package ads

import (
	"errors"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// Period is days, both included, as in queue.Counter.
type Period struct{ From, To int64 }

// maxDays is how many days one report may be of: as many as are kept.
const maxDays = int64(queue.KeepCounters / (24 * time.Hour))

// ParsePeriod reads days such as 2026-11-20, in UTC: without to up to today,
// without from the thirty days up to to. The error is a sentence to who asked.
func ParsePeriod(from, to string, now time.Time) (p Period, err error) {
	p.To = now.UnixMilli() / queue.DayMS
	if to != "" {
		if p.To, err = parseDay("to", to); err != nil {
			return p, err
		}
	}
	p.From = p.To - 29
	if from != "" {
		if p.From, err = parseDay("from", from); err != nil {
			return p, err
		}
	}
	switch {
	case p.From > p.To:
		return p, errors.New("from is after to")
	case p.To-p.From > maxDays:
		return p, fmt.Errorf("from and to are more than %d days apart", maxDays)
	}
	return p, nil
}

// FileName is what a file of a report of these days may be called.
func (p Period) FileName(g Group) string {
	name := "leadgate-ads-"
	if g != ByAdAndDay {
		name += "by-" + string(g) + "-"
	}
	return name + dayText(p.From) + "-to-" + dayText(p.To)
}

func dayText(day int64) string { return time.UnixMilli(day * queue.DayMS).UTC().Format(time.DateOnly) }

func parseDay(name, text string) (int64, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Unix() < 0 {
		return 0, fmt.Errorf("%s is a day such as 2026-11-20, in UTC", name)
	}
	return t.UnixMilli() / queue.DayMS, nil
}
