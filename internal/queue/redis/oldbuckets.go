package redis

import "github.com/leadgate/leadgate/internal/queue"

// oldBuckets says where a Leadgate from before there were generations kept an event's
// id: by the event's time in sets of ten minutes, or by the day of its arrival if it
// had no usable time. They are looked up for the window and three days after the
// first call that finds a tenant without generations; then they have expired.
type oldBuckets struct {
	keys        tenantKeys
	now, dedupe int64 // ms

	all            []string      // their keys
	index          map[int64]int // of the bucket of a time, from 1
	firstDay, days int           // the buckets that are days, once they are needed
}

// begin starts with a call that has named no bucket yet.
func (b *oldBuckets) begin(k tenantKeys, now, dedupe int64) {
	b.keys, b.now, b.dedupe, b.all, b.firstDay, b.days = k, now, dedupe, b.all[:0], 0, 0
	if b.index == nil {
		b.index = map[int64]int{}
	}
	clear(b.index)
}

// untimed is set in later for an event without a usable time.
const untimed = 128

// of returns the bucket of an event of time t, from 1, and in how many hours the
// window of its id begins: now, or at the event's own time if that is later, within
// reason. An event without a time, or with one that is over, may be on each day of
// the window, and on the next: the clock may have gone back.
func (b *oldBuckets) of(t int64) (index int, later byte) {
	if t <= 0 || t+b.dedupe < b.now {
		return b.today(), untimed
	}
	later = byte((queue.RememberedFrom(t, b.now) - b.now + hourMS - 1) / hourMS)
	bucket := t / bucketMS
	if index, ok := b.index[bucket]; ok {
		return index, later
	}
	b.all = append(b.all, b.keys.ids(bucket))
	b.index[bucket] = len(b.all)
	return len(b.all), later
}

// today names the buckets of all days of the window, and returns the first.
func (b *oldBuckets) today() int {
	if b.firstDay > 0 {
		return b.firstDay
	}
	b.firstDay = len(b.all) + 1
	for day := b.now/dayMS + 1; day >= (b.now-b.dedupe)/dayMS; day-- {
		b.all = append(b.all, b.keys.untimed(day))
	}
	b.days = len(b.all) + 1 - b.firstDay
	return b.firstDay
}
