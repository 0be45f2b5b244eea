package view

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// table is a view over a queue that is a slice, with what a worker does for it.
type table struct {
	t       *testing.T
	v       *View
	tracked atomic.Int64
	entries []queue.Entry // in the store
	last    uint64        // place in it
	now     time.Duration
	flying  []*Entry
}

var ordered = Settings{Ordered: true, Hold: time.Minute, Concurrency: 8, Batch: 1}

// lay makes a view of a queue of one event for each contact named, "" for none.
func lay(t *testing.T, s Settings, contacts ...string) *table {
	x := &table{t: t, now: time.Second}
	x.v = New(maphash.MakeSeed(), &x.tracked)
	x.v.SetWindow(1 << 20)
	x.v.Configure(s)
	x.v.Load(nil)
	x.add(contacts...)
	return x
}

func (x *table) add(contacts ...string) {
	for _, c := range contacts {
		x.last++
		h := queue.Header{Contact: c, EventID: queue.ID{15: byte(x.last), 14: byte(x.last >> 8)}}
		x.entries = append(x.entries, queue.Entry{Pos: queue.Pos{Seq: x.last}, Header: h, Payload: []byte("payload")})
	}
}

// wall is the time in ms.
func (x *table) wall() int64 { return x.now.Milliseconds() }

// carryOut does what a read says.
func (x *table) carryOut(r *Read) *Read {
	for _, e := range x.entries {
		if len(r.At) > 0 && slices.Contains(r.At, e.Pos) || len(r.At) == 0 && r.After.Less(e.Pos) && len(r.Entries) < r.N {
			r.Entries = append(r.Entries, e)
		}
	}
	return r
}

func (x *table) apply(r *Read) (found bool, unsaved []queue.Retry) {
	return x.v.Apply(r, x.now, x.wall())
}

// read reads ahead to the end.
func (x *table) read() (unsaved []queue.Retry) {
	for found := true; found; {
		var more []queue.Retry
		found, more = x.apply(x.carryOut(x.v.Ahead(0)))
		unsaved = append(unsaved, more...)
	}
	return unsaved
}

// fetch claims what is due, and reads it again with all that is wanted.
func (x *table) fetch() {
	x.v.CollectDue(x.now)
	for r := x.v.Again(); r != nil; r = x.v.Again() {
		x.apply(x.carryOut(r))
	}
}

// pick takes all that may be sent, and returns their places.
func (x *table) pick() string {
	x.fetch()
	var places []string
	for e := x.v.Pick(0); e != nil; e = x.v.Pick(0) {
		places = append(places, fmt.Sprint(x.begin(e).Pos.Seq))
	}
	return strings.Join(places, " ")
}

func (x *table) begin(e *Entry) *Entry {
	x.v.Began(e, x.wall())
	x.flying = append(x.flying, e)
	return e
}

// land takes an event that is in flight.
func (x *table) land(seq uint64) *Entry {
	i := slices.IndexFunc(x.flying, func(e *Entry) bool { return e.Pos.Seq == seq })
	if i < 0 {
		x.t.Fatalf("%d is not in flight", seq)
	}
	e := x.flying[i]
	x.flying = slices.Delete(x.flying, i, i+1)
	return e
}

func (x *table) deliver(seqs ...uint64) {
	for _, seq := range seqs {
		e := x.land(seq)
		x.v.Settle(e)
		x.v.Succeeded(x.now)
		x.entries = slices.DeleteFunc(x.entries, func(e queue.Entry) bool { return e.Pos.Seq == seq })
	}
}

func (x *table) fail(seq uint64, delay time.Duration) (queue.Retry, bool) {
	due := x.wall() + delay.Milliseconds()
	return x.v.Fail(x.land(seq), Failure{At: x.now, Delay: delay, Due: due, Reason: "503"})
}

func (x *table) want(got, want string) {
	x.t.Helper()
	if got != want {
		x.t.Errorf("%q, want %q", got, want)
	}
}

func TestOneEventOfAContactAtATime(t *testing.T) {
	x := lay(t, ordered, "a", "a", "b", "", "", "a")
	x.read()
	x.want(x.pick(), "1 3 4 5")
	x.want(x.pick(), "")
	x.deliver(3, 4)
	x.want(x.pick(), "")
	x.deliver(1)
	x.want(x.pick(), "2")
	x.deliver(2, 5)
	x.want(x.pick(), "6")
	x.deliver(6)
	if size := x.v.Size(); size != (Size{}) || !x.v.Idle() || x.tracked.Load() != 0 {
		t.Errorf("left %+v, idle %v", size, x.v.Idle())
	}
}

func TestUnorderedDestination(t *testing.T) {
	s := ordered
	s.Ordered = false
	x := lay(t, s, "a", "a", "a")
	x.read()
	x.want(x.pick(), "1 2 3")
	x.fail(1, time.Second)
	x.deliver(2, 3)
	x.now += time.Second
	x.want(x.pick(), "1")
}

func TestFailedEventHoldsItsContact(t *testing.T) {
	x := lay(t, ordered, "a", "a", "b", "b", "b", "b")
	x.read()
	x.want(x.pick(), "1 3")
	told := queue.Retry{Pos: queue.Pos{Seq: 1}, Attempts: 1, FirstAt: 1000, Due: 11_000, Reason: "503"}
	if r, ok := x.fail(1, 10*time.Second); !ok || r != told {
		t.Fatalf("to be told: %+v, %v", r, ok)
	}
	if n := x.v.Failing(); n != 1 {
		t.Errorf("%d fail", n)
	}
	if due := x.v.NextDue(); due != x.now+10*time.Second {
		t.Errorf("due at %v", due)
	}
	x.deliver(3) // the hold begins
	x.want(x.pick(), "4")
	x.now += 10 * time.Second
	x.want(x.pick(), "1") // again, before what waits behind it
	if e := x.flying[1]; !e.Retried() || e.Attempts != 1 || e.FirstAt != 1000 {
		t.Errorf("the second attempt: %+v", e)
	}
	x.fail(1, time.Hour)
	x.deliver(4)
	x.want(x.pick(), "5")
	x.now += time.Minute - 10*time.Second - 1
	x.deliver(5)
	x.want(x.pick(), "6")
	x.now++
	x.deliver(6) // the hold has lasted
	x.want(x.pick(), "2")
	x.deliver(2)
	x.now += time.Hour
	x.want(x.pick(), "1")
	x.deliver(1)
	if size := x.v.Size(); size != (Size{}) {
		t.Errorf("left %+v", size)
	}
}

func TestHoldIsReckonedAnew(t *testing.T) {
	for name, c := range map[string]struct {
		hold time.Duration
		want string
	}{
		"shorter": {time.Second, "2"},
		"longer":  {time.Hour, ""},
		"forever": {-1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := lay(t, ordered, "a", "a", "", "")
			x.read()
			x.pick()
			x.fail(1, time.Hour)
			x.deliver(3)
			s := ordered
			s.Hold = c.hold
			x.v.Configure(s)
			x.now += 10 * time.Second
			x.deliver(4)
			x.want(x.pick(), c.want)
		})
	}
}

// What waits long is kept without its payload, and read again when its turn is near.
func TestPayloadsOfWhatWaits(t *testing.T) {
	x := lay(t, ordered, slices.Repeat([]string{"a"}, 300)...)
	x.read()
	x.pick()
	if size := x.v.Size(); size.Bytes != mostKept*len("payload") || size.Tracked != 299 {
		t.Errorf("waiting: %+v", size)
	}
	x.fail(1, time.Second)
	if size := x.v.Size(); size.Bytes != 0 || size.Tracked != 300 {
		t.Errorf("behind one that failed: %+v", size)
	}
	x.now += time.Second
	for seq := uint64(1); seq <= 300; seq++ {
		x.want(x.pick(), fmt.Sprint(seq))
		x.deliver(seq)
	}
}

func TestResetKeepsWhatIsInFlightAndSettled(t *testing.T) {
	x := lay(t, ordered, "a", "a", "b", "c", "d")
	x.read()
	x.want(x.pick(), "1 3 4 5")
	x.v.Settle(x.land(4)) // and it stays in the store
	old := x.v.Ahead(0)
	x.v.Reset(slices.Values(x.flying), slices.Values([]queue.Pos{{Seq: 4}}))
	if x.v.IsFor(old) || x.v.Loaded() {
		t.Error("a read of the view before is taken, or retries are known")
	}
	if r, ok := x.fail(3, time.Hour); ok { // before it is read again
		t.Errorf("told too early: %+v", r)
	}
	if reason := x.v.Load([]queue.Retry{{Pos: queue.Pos{Seq: 2}, Attempts: 3, Due: x.wall(), Reason: "404"}}); reason != "404" {
		t.Errorf("reason %q", reason)
	}
	unsaved := x.read()
	want := []queue.Retry{{Pos: queue.Pos{Seq: 3}, Attempts: 1, FirstAt: 1000, Due: x.wall() + 3_600_000, Reason: "503"}}
	if !slices.Equal(unsaved, want) {
		t.Errorf("to be told now: %+v", unsaved)
	}
	x.want(x.pick(), "") // 2 is due, behind 1
	x.deliver(1)
	x.want(x.pick(), "2")
	x.v.Requeue(x.land(5), x.wall())
	x.want(x.pick(), "5")
}

func TestLoad(t *testing.T) {
	at := func(attempts int, reason string) queue.Retry {
		return queue.Retry{Pos: queue.Pos{Seq: 1}, Attempts: attempts, Due: 5000, Reason: reason}
	}
	for name, c := range map[string]struct {
		stored, unwritten []queue.Retry
		reason            string
		attempts          int // that follow
	}{
		"nothing":                   {nil, nil, "", 0},
		"the store's":               {[]queue.Retry{at(2, "503")}, nil, "503", 2},
		"what it was not told wins": {[]queue.Retry{at(2, "503")}, []queue.Retry{at(3, "500")}, "503", 3},
	} {
		t.Run(name, func(t *testing.T) {
			x := lay(t, ordered, "a")
			x.v.Reset(nil, nil)
			if reason := x.v.Load(c.stored, c.unwritten); reason != c.reason {
				t.Errorf("reason %q", reason)
			}
			x.read()
			x.now = 5 * time.Second
			x.want(x.pick(), "1")
			if e := x.flying[0]; e.Attempts != c.attempts {
				t.Errorf("%d attempts", e.Attempts)
			}
		})
	}
}

func TestRequeuedComesFirst(t *testing.T) {
	x := lay(t, ordered, "a", "b", "c")
	x.read()
	first, second := x.begin(x.v.Pick(0)), x.begin(x.v.Pick(0))
	x.v.Requeue(second, x.wall())
	x.v.Requeue(first, x.wall())
	if first.FirstAt != 0 {
		t.Error("an attempt was counted")
	}
	x.flying = nil
	x.want(x.pick(), "1 2 3")
}

// What is tried again takes at most half of the places of what was never tried.
func TestRetriesTurn(t *testing.T) {
	for name, c := range map[string]struct {
		concurrency, retries int
		fresh                bool
		want                 []uint64
	}{
		"room for retries":         {8, 3, true, []uint64{1, 2, 3}},
		"none":                     {8, 4, true, []uint64{3, 1, 2}},
		"nothing else to be sent":  {8, 4, false, []uint64{1, 2}},
		"one at a time, by turns":  {1, 0, true, []uint64{1, 3, 2}},
		"one at a time, no others": {1, 0, false, []uint64{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			s := ordered
			s.Concurrency = c.concurrency
			x := lay(t, s, "a", "b")
			x.read()
			x.pick()
			x.fail(1, time.Second)
			x.fail(2, time.Second)
			if c.fresh {
				x.add("c")
				x.v.Woken()
				x.read()
			}
			x.now += time.Second
			var got []uint64
			for range c.want {
				x.fetch()
				e := x.v.Pick(c.retries)
				if e == nil {
					break
				}
				got = append(got, e.Pos.Seq)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestPickBatch(t *testing.T) {
	s := Settings{Concurrency: 4, Batch: 3, Linger: time.Second}
	x := lay(t, s, "a", "b", "c", "d")
	x.read()
	batch := func(reading bool) string {
		b, until := x.v.PickBatch(x.now, reading)
		places := ""
		for _, e := range b {
			places += fmt.Sprint(e.Pos.Seq, " ")
		}
		return places + fmt.Sprint(until)
	}
	x.want(batch(false), "1 2 3 0s")
	x.want(batch(true), "0s") // there may be more
	x.want(batch(false), "2s")
	x.now += time.Second - 1
	x.want(batch(false), "2s")
	x.now++
	x.want(batch(false), "4 0s")
	x.want(batch(false), "0s")
}

func TestExhausted(t *testing.T) {
	x := lay(t, ordered, "a")
	if !x.v.MayRead() || x.v.Idle() {
		t.Error("nothing was read yet")
	}
	x.read()
	if x.v.MayRead() {
		t.Error("all was read")
	}
	x.v.Woken()
	r := x.carryOut(x.v.Ahead(0))
	x.v.Woken() // something came while it was read
	if found, _ := x.apply(r); found || !x.v.MayRead() {
		t.Error("there may be more")
	}
}

func TestMayReadHasBounds(t *testing.T) {
	for name, c := range map[string]struct {
		given func(x *table)
		want  bool
	}{
		"nothing waits":                   {func(*table) {}, true},
		"the window is full":              {func(x *table) { x.v.window.bytes = x.v.window.maxBytes }, false},
		"many fail":                       {func(x *table) { x.v.failing = maxFailed }, false},
		"many wait":                       {func(x *table) { x.v.track(maxTracked) }, false},
		"some wait, and many elsewhere":   {func(x *table) { x.v.track(alwaysTracked); x.tracked.Store(allTracked) }, false},
		"few wait, and many elsewhere":    {func(x *table) { x.tracked.Store(allTracked) }, true},
		"some wait, and not so elsewhere": {func(x *table) { x.v.track(alwaysTracked) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			x := lay(t, ordered)
			c.given(x)
			if got := x.v.MayRead(); got != c.want {
				t.Errorf("may read: %v", got)
			}
		})
	}
}

func TestUndo(t *testing.T) {
	x := lay(t, ordered, "a", "b")
	x.read()
	x.pick()
	x.fail(1, time.Second)
	x.now += time.Second
	x.v.CollectDue(x.now)
	r := x.v.Again()
	if r == nil || len(r.At) != 1 || x.v.Again() != nil {
		t.Fatalf("read %+v", r)
	}
	x.v.Undo(r)
	x.want(x.pick(), "1")
}

// An event that is gone when it is read again gives way to the next of its contact.
func TestGoneMeanwhile(t *testing.T) {
	x := lay(t, ordered, "a", "a")
	x.read()
	x.pick()
	x.fail(1, time.Second)
	x.entries = x.entries[1:]
	x.now += time.Second
	x.fetch()
	x.want(x.pick(), "2")
	if n := x.v.Failing(); n != 0 {
		t.Errorf("%d fail", n)
	}
}

func TestProbes(t *testing.T) {
	x := lay(t, ordered, "a", "a", "b", "c")
	if x.v.InMemory()+x.v.Failing() > 0 {
		t.Error("something was read")
	}
	x.read()
	x.want(x.pick(), "1 3 4")
	x.now += time.Second
	x.fail(3, time.Hour)
	x.now += time.Second
	x.fail(1, time.Hour)
	x.v.Requeue(x.land(4), x.wall())
	if e := x.v.Untried(); e == nil || x.begin(e).Pos.Seq != 4 {
		t.Fatalf("untried: %+v", e)
	}
	x.v.Fail(x.land(4), Failure{At: x.now, Delay: time.Second, Wish: time.Minute})
	if e := x.v.Untried(); e != nil {
		t.Errorf("untried: %d", e.Pos.Seq)
	}
	if _, f := x.v.Oldest(x.now); f == nil || f.pos.Seq != 1 {
		t.Errorf("oldest: %+v", f)
	}
	f, until := x.v.LongestAgo(x.now)
	if f == nil || f.pos.Seq != 3 || until != x.now+time.Minute {
		t.Fatalf("tried longest ago: %+v, the others wait until %v", f, until)
	}
	x.v.Claim(f)
	if x.v.TakeDue(f) != nil {
		t.Error("its payload is not in memory")
	}
	x.fetch()
	if e := x.v.TakeDue(f); e == nil || e.Pos.Seq != 3 {
		t.Errorf("to be probed with: %+v", e)
	}
}

// TestHurry: all that failed is tried at once, read or not; what waits though nothing
// failed keeps its time.
func TestHurry(t *testing.T) {
	x := lay(t, ordered, "a", "b", "c", "d", "e", "f")
	x.v.Load([]queue.Retry{
		{Pos: queue.Pos{Seq: 5}, Attempts: 2, Due: time.Hour.Milliseconds()},
		{Pos: queue.Pos{Seq: 6}, Due: time.Hour.Milliseconds(), Receipt: "asked about"},
	})
	x.read()
	x.want(x.pick(), "1 2 3 4")
	for seq, delay := range map[uint64]time.Duration{1: time.Minute, 2: time.Hour, 3: 10 * time.Minute} {
		x.fail(seq, delay)
	}
	x.v.Later(x.land(4), Failure{At: x.now, Delay: time.Hour, Due: x.wall() + time.Hour.Milliseconds()})
	x.v.Hurry(x.now, x.wall())
	again := strings.Fields(x.pick())
	slices.Sort(again)
	x.want(strings.Join(again, " "), "1 2 3 5")
	x.deliver(1, 2, 3, 5)
	x.now += time.Hour
	x.want(x.pick(), "6 4")

	y := lay(t, ordered, "a", "b")
	y.v.Load([]queue.Retry{
		{Pos: queue.Pos{Seq: 1}, Attempts: 2, Due: time.Hour.Milliseconds()},
		{Pos: queue.Pos{Seq: 2}, Due: time.Hour.Milliseconds(), Receipt: "asked about"},
	})
	y.v.Hurry(y.now, y.wall())
	y.read() // after it
	y.want(y.pick(), "1")
}
