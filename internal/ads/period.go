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

// Today is the newest day that has begun, in UTC, of which the figures here are, or where ad
// accounts are, of which their spend is. As in queue.Counter.
func Today(now time.Time, accounts ...*time.Location) int64 {
	ahead := 0 // seconds
	for _, at := range accounts {
		_, offset := now.In(at).Zone()
		ahead = max(ahead, offset)
	}
	return (now.UnixMilli() + int64(ahead)*1000) / queue.DayMS
}

// ParsePeriod reads days such as 2026-11-20: without to up to today, without from the
// thirty days up to to. The error is a sentence to who asked.
func ParsePeriod(from, to string, today int64) (p Period, err error) {
	p.To = today
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
	return name + DayText(p.From) + "-to-" + DayText(p.To)
}

// DayText is a day as YYYY-MM-DD.
func DayText(day int64) string { return time.UnixMilli(day * queue.DayMS).UTC().Format(time.DateOnly) }

func parseDay(name, text string) (int64, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Unix() < 0 {
		return 0, fmt.Errorf("%s is a day such as 2026-11-20", name)
	}
	return t.UnixMilli() / queue.DayMS, nil
}
