package delivery

import "github.com/leadgate/leadgate/internal/delivery/view"

const (
	probeEntries  = 16 // read at a time while only probes are sent
	readsPerProbe = 8
)

// oldest takes the oldest event, to see whether a parked destination takes it.
// The view was reset when the destination was parked, so little is in it.
func (w *worker) oldest() *view.Entry {
	if w.reader.busy() {
		return nil // until it has arrived
	}
	w.fetchNow()
	for n := 1; ; n = min(2*n, view.MaxAhead) {
		switch e, failed := w.view.Oldest(w.now); {
		case failed != nil:
			return w.retryNow(failed)
		case e != nil:
			return e
		}
		if !w.view.MayRead() || !w.readNow(n) {
			return nil
		}
	}
}

// probe takes another contact's oldest event than the last probe's: one that
// was never tried if there is one, else the one tried longest ago.
func (w *worker) probe() *view.Entry {
	if w.reader.busy() {
		return nil // until it has arrived
	}
	w.fetchNow()
	for reads := 0; ; reads++ {
		if e := w.view.Untried(); e != nil {
			return e
		}
		if reads >= readsPerProbe && w.view.Failing() > 0 || !w.view.MayRead() || !w.readNow(probeEntries) {
			break
		}
	}
	failed, until := w.view.LongestAgo(w.now)
	if failed != nil {
		return w.retryNow(failed)
	}
	e := w.view.TakeAny()
	if e == nil && until > 0 {
		w.at(until)
	}
	return e
}

// retryNow claims a failed event, due or not, and reads it.
func (w *worker) retryNow(f *view.Failed) *view.Entry {
	w.view.Claim(f)
	w.fetchNow()
	return w.view.TakeDue(f) // nil: gone, or the store is away
}
