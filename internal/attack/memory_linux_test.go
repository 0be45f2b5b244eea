package attack

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// holding opens connections that announce a body and send one byte of it, has
// work done beside them, and closes them.
func (e *edge) holding(n, announced int, work func()) {
	conns := make([]net.Conn, n)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for c := i; c < n; c += 16 {
				conn, err := e.announce(announced, []byte("{"))
				if err != nil {
					e.t.Error(err)
					return
				}
				conns[c] = conn
			}
		})
	}
	wg.Wait()
	work()
	for _, c := range conns {
		if c != nil {
			c.Close()
		}
	}
}

// TestAnnouncedBodies: memory grows with the bytes that came, also on an edge
// whose heap has just held large webhooks, and is given back.
func TestAnnouncedBodies(t *testing.T) {
	large, manyEvents, connections, waves := 60, 10, 1000, 2
	if long() {
		large, manyEvents, connections, waves = 1000, 100, 5000, 3
	}
	const during, after = 400 << 20, 150 << 20
	onBothQueues(t, func(t *testing.T, st store) {
		s := newSink(t)
		e := startEdge(t, st.option, edgetest.MetaBlock("\t\tforward "+s.URL+" {\n\t\t\tname crm\n\t\t}"))
		e.mustPost(message("wamid.first", "hello"))
		t.Logf("RssAnon at the start: %d MB", e.rssAnon()>>20)
		most := e.peak(func() { e.burst(large, manyEvents) })
		t.Logf("RssAnon at most while %d bodies of 3 MiB and %d of 10 000 events came: %d MB", large, manyEvents, most>>20)
		for wave := range waves {
			most := e.peak(func() {
				e.holding(connections, 3<<20, func() { e.mustPost(message(fmt.Sprintf("wamid.beside.%d", wave), "hello")) })
			})
			t.Logf("RssAnon at most while %d connections had announced 3 MiB: %d MB", connections, most>>20)
			if most > during {
				t.Errorf("wave %d: RssAnon is %d MB, more than %d MB", wave, most>>20, during>>20)
			}
		}
		// A minute is what is promised; the machine may be busy.
		began := time.Now()
		edgetest.Until(t, "memory is given back", func() bool { return e.rssAnon() < after })
		t.Logf("RssAnon %v later: %d MB", time.Since(began).Round(time.Second), e.rssAnon()>>20)
	})
}

// burst posts large webhooks, 16 at a time.
func (e *edge) burst(large, manyEvents int) {
	text := strings.Repeat("a", 3<<20-1000)
	var list strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&list, `,{"from":"15551234567","id":"wamid.many.%d","timestamp":"1736535600","type":"text","text":{"body":"hello"}}`, i)
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := i; n < large+manyEvents; n += 16 {
				body := message(fmt.Sprintf("wamid.large.%d", n), text)
				if n >= large {
					body = edgetest.Webhook(fmt.Sprintf(`"n":%d,"messages":[%s]`, n, list.String()[1:]))
				}
				for {
					resp, err := e.post(body)
					if err != nil {
						e.t.Errorf("a large webhook: %v", err)
						return
					}
					if resp.StatusCode == http.StatusOK {
						break // else it is sent again, as a provider does
					}
				}
			}
		})
	}
	wg.Wait()
}
