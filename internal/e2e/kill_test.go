package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// stores are the queues that everything acknowledged must survive on.
var stores = map[string]func(t *testing.T) (global string, server *redistest.Server){
	"embedded": func(*testing.T) (string, *redistest.Server) { return "queue embedded %DIR%/queue", nil },
	"redis": func(t *testing.T) (string, *redistest.Server) {
		server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
		return "queue redis " + server.URL(), server
	},
}

// TestKillWithBacklog kills an edge whose destinations are down, and finds
// everything that it had acknowledged delivered after the next start: the
// events in order, the leads at Meta once.
func TestKillWithBacklog(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, server := store(t)
			s := newSink(t)
			s.set(true)
			meta := capitest.New(t)
			meta.Script(100_000, capitest.Answer{Status: http.StatusServiceUnavailable})
			e := newEdge(t, global,
				"forward "+s.URL+" {\n name crm\n}\ncapi {\n dataset 1\n access_token x\n linger 10ms\n endpoint "+meta.URL()+"\n}")
			const n, clicks = 200, 20
			var want []string
			for i := range n {
				id, from := fmt.Sprintf("wamid.%03d", i), fmt.Sprintf("1555123%04d", i%10)
				body := text(id, from)
				if i < clicks {
					body = click(id, from, fmt.Sprintf("Aff-%d", i))
				}
				if status, err := e.post(body); err != nil || status != http.StatusOK {
					t.Fatalf("%s: %d %v", id, status, err)
				}
				want = append(want, id)
			}
			e.Kill()
			if server != nil {
				server.Kill()
				server.Restart()
			}
			s.set(false)
			meta.Reset()
			e.Start()
			edgetest.Until(t, "everything is delivered", func() bool { return s.delivered() == n && meta.Total() == clicks })
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, id := range want {
				if s.count[id] != 1 {
					t.Errorf("%s was delivered %d times", id, s.count[id])
				}
			}
			for from, ids := range s.order {
				if !slices.IsSorted(ids) {
					t.Errorf("%s's events are out of order: %v", from, ids)
				}
			}
			seen := make(map[string]bool)
			for _, a := range meta.Accepted() {
				clid := string(a.Event)[strings.Index(string(a.Event), "Aff-"):]
				clid = clid[:strings.IndexByte(clid, '"')]
				if seen[clid] {
					t.Errorf("%s was reported twice", clid)
				}
				seen[clid] = true
			}
		})
	}
}

// TestKillUnderLoad kills an edge again and again while webhooks come in. A
// sender repeats what it got no 200 for, as providers do.
func TestKillUnderLoad(t *testing.T) {
	const senders, each, rounds = 8, 60, 5
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			s := newSink(t)
			e := newEdge(t, global, "forward "+s.URL+" {\n name crm\n}")
			var wg sync.WaitGroup
			acknowledged := make(chan struct{}, senders*each)
			for c := range senders {
				wg.Go(func() {
					for i := range each {
						body := text(fmt.Sprintf("wamid.%d.%03d", c, i), fmt.Sprintf("1555123%04d", c))
						for {
							if status, err := e.post(body); err == nil && status == http.StatusOK {
								acknowledged <- struct{}{}
								break
							}
						}
					}
				})
			}
			for range rounds {
				for range rand.IntN(senders * each / rounds) {
					<-acknowledged
				}
				e.Kill()
				e.Start()
			}
			wg.Wait()
			edgetest.Until(t, "everything is delivered", func() bool { return s.delivered() == senders*each })
			s.mu.Lock()
			defer s.mu.Unlock()
			for from, ids := range s.order {
				if !slices.IsSorted(ids) {
					t.Errorf("%s's events are out of order: %v", from, ids)
				}
			}
		})
	}
}
