package delivery

import (
	"time"

	"github.com/leadgate/leadgate/internal/delivery/gate"
	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
)

// job is one call of a Sender.
type job struct {
	entries  []*view.Entry
	items    []destination.Item
	verdicts []destination.Verdict
	mode     gate.Mode
	retries  int // of the entries, those that failed before
	settings *destination.Destination
	took     time.Duration
	epoch    uint64 // of the right to send it
	halts    uint64 // of the senders, when they took it
	resumes  uint64 // of the worker, when it was launched
	place    int    // in senders.jobs
	unsent   bool   // it was not to be sent any more when its turn came, or it could not be noted
	note     string // that its entries depart; "" = none was written
	unnoted  error  // why there is none
}

// plain reports whether all was delivered, and no wish came with it: then what may
// be sent is what it was.
func (j *job) plain() bool {
	for i := range j.verdicts {
		if v := &j.verdicts[i]; v.Action != destination.Done || v.After > 0 {
			return false
		}
	}
	return !j.unsent
}

// counts reports whether the call counts as in flight until its outcome is stored: a
// crash before that repeats it. Where its entries are noted in the store, that says so.
func (j *job) counts() bool { return !j.unsent && j.settings.InDoubt == destination.Unnoted }

// spares are the memory of finished jobs, for the next.
type spares struct {
	jobs []*job
	ones [][]*view.Entry // that hold one entry
}

const mostSpares = 64

// job returns an empty job.
func (s *spares) job() *job {
	if n := len(s.jobs); n > 0 {
		j := s.jobs[n-1]
		s.jobs = s.jobs[:n-1]
		return j
	}
	return new(job)
}

// one makes a list of an entry, nil of none.
func (s *spares) one(e *view.Entry) []*view.Entry {
	if e == nil {
		return nil
	}
	if n := len(s.ones); n > 0 {
		list := s.ones[n-1]
		s.ones = s.ones[:n-1]
		return append(list, e)
	}
	return append(make([]*view.Entry, 0, 1), e)
}

// recycle keeps a finished job's memory for the next, if it is small.
func (s *spares) recycle(j *job) {
	if cap(j.items) > 1 || len(s.jobs) >= mostSpares {
		return
	}
	clear(j.entries)
	clear(j.items)
	s.ones = append(s.ones, j.entries[:0])
	*j = job{items: j.items[:0]}
	s.jobs = append(s.jobs, j)
}
