package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// The destinations of every scenario.
const (
	crm  = "crm"
	meta = "meta"
)

const (
	contacts    = 24
	concurrency = 8 // of a forward, the default
)

// scenario is one row of the table.
type scenario struct {
	t       *testing.T
	row     row
	sink    *sink
	meta    *capitest.Server
	metaURL string
	toMeta  connections
	edges   []*edge
	senders *senders
	options // as given

	waiting  func(name string) []string // ids of the entries in a destination's queue, while no edge has it open
	inFlight map[string]bool            // ids of the events that were delivered, and still in a queue, at a kill or a pause
}

// options are what a scenario may differ in. The zero value is the usual.
type options struct {
	edges     int // 1
	perSecond rate.Limit
	padding   int
	more      string // options of the forward
	mayLose   bool   // losses are counted and not promised not to be
	twoStores bool   // what got no answer may be in both
	repeats   int    // deliveries that may be repeated, for a sink that takes and doesn't say so
	slowMeta  bool   // Meta takes its time, so that a fault falls between a request and its answer
	drop      bool   // on_timeout drop: nothing is reported twice
}

var always = []string{"--appendonly", "yes", "--appendfsync", "always"}

// onEmbedded begins a scenario on the embedded queue.
func onEmbedded(t *testing.T, name string, o options) *scenario {
	t.Helper()
	return begin(t, name, "embedded", "queue embedded %DIR%/queue", o)
}

// onRedis begins a scenario on a Redis of its own that survives a crash.
func onRedis(t *testing.T, name string, o options) (*scenario, *redistest.Server) {
	t.Helper()
	server := redistest.Start(t, always...)
	return onRedisAt(t, name, "queue redis "+server.URL(), server.Addr, o), server
}

// onRedisAt begins a scenario on a Redis, found in the queue by its address.
func onRedisAt(t *testing.T, name, global, addr string, o options) *scenario {
	t.Helper()
	s := begin(t, name, "redis", global, o)
	s.waiting = func(name string) []string { return waitingInRedis(t, addr, name) }
	return s
}

func begin(t *testing.T, name, store, global string, o options) *scenario {
	t.Helper()
	if o.edges == 0 {
		o.edges = 1
	}
	if o.perSecond == 0 {
		o.perSecond = 400
	}
	s := &scenario{t: t, row: row{scenario: name, queue: store}, sink: newSink(t), meta: new(capitest.Server),
		options: o, inFlight: map[string]bool{}}
	s.metaURL = s.toMeta.serve(t, s.metaHandler()).URL
	for range o.edges {
		s.edges = append(s.edges, newEdge(t, global, s.block("")))
	}
	s.waiting = func(name string) []string { return waitingInFile(t, filepath.Join(s.edges[0].Dir, "queue"), name) }
	return s
}

// block is the destinations, with more options of the forward.
func (s *scenario) block(more string) string {
	return "forward " + s.sink.URL + " {\n name " + crm + "\n" + s.more + "\n" + more + "\n}\n" +
		"capi {\n name " + meta + "\n dataset 1\n access_token x\n linger 20ms\n on_timeout " + s.onTimeout() + "\n endpoint " +
		s.metaURL + "\n}"
}

// run starts the edges and the senders.
func (s *scenario) run() {
	s.t.Helper()
	for _, e := range s.edges {
		e.Start()
	}
	s.senders = send(s.t, contacts, s.perSecond, s.padding, s.edges)
}

// noteKilled keeps what was in flight when an edge was killed just now: what the
// destinations have, and the store still holds.
func (s *scenario) noteKilled() {
	s.t.Helper()
	if len(s.edges) == 1 {
		s.sink.open.settle(s.t, s.sink.URL)
		s.toMeta.settle(s.t, s.metaURL)
		s.note(false)
		return
	}
	s.notePaused() // the other edge's connections stay
}

// notePaused is noteKilled for an edge whose connections are still open: what was
// given to them may arrive at any time.
func (s *scenario) notePaused() {
	s.t.Helper()
	s.repeats += concurrency
	s.note(true)
}

func (s *scenario) note(late bool) {
	s.t.Helper()
	taken, more := s.sink.takenIDs(), 0
	for _, id := range s.waiting(crm) {
		if taken[id] && !s.inFlight[id] {
			s.inFlight[id] = true
			more++
		}
	}
	if more > concurrency {
		s.t.Errorf("%d forwards were delivered and not settled when the edge was killed, want at most %d", more, concurrency)
	}
	taken = map[string]bool{}
	for _, ids := range s.reported() {
		taken[ids[0]] = true
	}
	for _, id := range s.waiting(meta) {
		if taken[id] || late {
			s.inFlight[id] = true
		}
	}
}

// moreDelivered waits until the sink has taken so many more events.
func (s *scenario) moreDelivered(n int) {
	s.t.Helper()
	before := s.sink.delivered()
	edgetest.Until(s.t, fmt.Sprintf("%d more events are delivered", n), func() bool { return s.sink.delivered() >= before+n })
}

// finish ends the traffic, waits until everything is delivered, and checks.
func (s *scenario) finish() {
	s.t.Helper()
	s.senders.stop(s.t, form(250, 2000))
	posted, clicks := s.senders.posted(), s.senders.clicks
	if s.mayLose {
		edgetest.Until(s.t, "nothing waits any more", s.edges[0].idle)
	} else {
		s.await("everything is delivered", func() bool { return s.sink.delivered() >= posted })
		s.await("every click is reported, or dead", func() bool {
			return s.meta.Total()+s.unconfirmed() >= len(clicks) && len(s.reported())+s.unconfirmed() >= len(clicks)
		})
		// So that a repeat has its time to come.
		s.await("nothing waits any more", s.edges[0].idle)
	}
	s.check(posted, clicks)
}

// await is until, but what is missing is counted and not fatal.
func (s *scenario) await(what string, ok func() bool) {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(edgetest.GiveUp)
	defer end.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			s.t.Errorf("gave up waiting: %s; %+v", what, s.edges[0].Destinations())
			return
		}
	}
}

// check fills the row and compares it with what is promised.
func (s *scenario) check(posted int, clicks []string) {
	s.t.Helper()
	r := &s.row
	r.webhooks, r.refused = s.senders.counts()
	r.events, r.delivered = posted, s.sink.delivered()
	r.clicks, r.inFlight = len(clicks), len(s.inFlight)

	s.sink.mu.Lock()
	var lost []string
	for contact, n := range s.senders.events {
		for i := range n {
			if a := s.sink.byName[nameOf(contact, i)]; a == nil || a.times == 0 {
				lost = append(lost, nameOf(contact, i))
			}
		}
	}
	r.lost, r.repeated, r.disordered = len(lost), s.sink.repeated, len(s.sink.late)
	late, strange := s.sink.late, s.sink.strange
	s.sink.mu.Unlock()

	if len(strange) > 0 {
		s.t.Errorf("the sink got what no edge should send: %q", few(strange))
	}
	if r.lost > 0 && !s.mayLose {
		s.t.Errorf("%d events are lost: %q", r.lost, few(lost))
	}
	if r.disordered > 0 && !s.mayLose {
		s.t.Errorf("%d events came out of order: %q", r.disordered, few(late))
	}
	surplus := 0
	for id, times := range s.sink.again() {
		if !s.inFlight[id] {
			surplus += times
		}
	}
	if s.twoStores {
		s.repeats += r.refused * 3 // events of a webhook, at most
	}
	if surplus > s.repeats && !s.mayLose {
		s.t.Errorf("%d deliveries were repeats of what was not in flight at a fault, want at most %d", surplus, s.repeats)
	}

	reported := s.reported()
	r.reported = len(reported)
	for clid, ids := range reported {
		r.reportedAgain += len(ids) - 1
		for _, id := range ids {
			if id != ids[0] {
				s.t.Errorf("click %s was reported as %s and as %s", clid, ids[0], id)
			}
		}
		if len(ids) > 1 && (s.drop || !s.inFlight[ids[0]]) && !s.mayLose && !s.twoStores {
			s.t.Errorf("click %s was reported %d times", clid, len(ids))
		}
	}
	dead := s.doubtful()
	for _, clid := range clicks {
		if len(reported[clid]) == 0 && !dead[clid] && !s.mayLose {
			s.t.Errorf("click %s was not reported, and is no dead letter", clid)
		}
	}
	for name, d := range s.edges[0].Destinations() {
		if d.Dead > 0 && !s.mayLose && !(s.drop && name == meta && d.Dead == len(dead)) {
			s.t.Errorf("%s has %d dead letters: %s", name, d.Dead, d.Reason)
		}
	}
	s.t.Logf("%+v, answers %v, 200 after p50 %v, p99 %v, at most %v", *r, s.senders.answers,
		s.senders.quantile(0.5), s.senders.quantile(0.99), s.senders.quantile(1))
	results.add(*r)
}

func few(list []string) []string { return list[:min(len(list), 5)] }

// reported is what Meta has taken: the event ids of each click id.
func (s *scenario) reported() map[string][]string {
	all := map[string][]string{}
	for _, a := range s.meta.Accepted() {
		var event struct {
			EventID  string `json:"event_id"`
			UserData struct {
				Clid string `json:"ctwa_clid"`
			} `json:"user_data"`
		}
		if err := json.Unmarshal(a.Event, &event); err != nil {
			s.t.Fatal(err)
		}
		all[event.UserData.Clid] = append(all[event.UserData.Clid], event.EventID)
	}
	return all
}

// waitingInFile reads a copy of a dead edge's queue, so that the file itself is
// first opened by the edge.
func waitingInFile(t *testing.T, dir, name string) (ids []string) {
	t.Helper()
	clone := t.TempDir()
	if err := os.CopyFS(clone, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	q, err := embedded.Open(embedded.Config{Dir: clone}, queueOptions)
	if err != nil {
		t.Fatal(err)
	}
	return waitingIn(t, q, name)
}

// waitingInRedis reads a destination's queue. It needs no right to drain it.
func waitingInRedis(t *testing.T, addr, name string) []string {
	t.Helper()
	q, err := redis.Open(redis.Config{URLs: []string{"redis://" + addr}}, queueOptions)
	if err != nil {
		t.Fatal(err)
	}
	return waitingIn(t, q, name)
}

var queueOptions = queue.Options{
	Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour,
	MaxBacklog: 1_000_000, MaxSize: 4 << 30,
}

func waitingIn(t *testing.T, q queue.Queue, name string) (ids []string) {
	t.Helper()
	d := q.Drain(queue.Dest{Tenant: "default", Name: name}, func() {})
	for after := (queue.Pos{}); ; {
		entries, err := d.Read(context.Background(), after, 1000, 8<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		for i := range entries {
			ids = append(ids, uuid.UUID(entries[i].Header.EventID).String())
			after = entries[i].Pos
		}
	}
	d.Close()
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// onBoth runs a scenario on both queues.
func onBoth(t *testing.T, name string, o options, run func(t *testing.T, s *scenario)) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			var s *scenario
			if store == "redis" {
				s, _ = onRedis(t, name, o)
			} else {
				s = onEmbedded(t, name, o)
			}
			run(t, s)
		})
	}
}
