package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/leadfake"
)

// shortLists lets two parts of a form's list be read each time; then Meta asks to wait.
type shortLists struct {
	mu    sync.Mutex
	calls int
	parts map[string]int // how often each was asked for
	open  bool
}

func (s *shortLists) refuse(r *http.Request) *leadfake.Refusal {
	if !strings.HasSuffix(r.URL.Path, "/leads") {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls%3 == 0 && !s.open {
		return &leadfake.Refusal{Status: 400, Code: 80005, Message: "too many", Header: map[string]string{"Retry-After": "1"}}
	}
	s.parts[r.URL.Query().Get("after")]++
	return nil
}

func (s *shortLists) read() (parts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.parts)
}

// TestReconcileCutOff: a list of leads that Meta cuts off after two parts each time is read to its
// end, over kill -9, once each; that it is cut off is in the metrics as long as it is, and what is
// new comes meanwhile.
func TestReconcileCutOff(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, _ := store(t)
			e, desk, fake, _ := newLeadEdge(t, global, "reconcile 200ms")
			lists := &shortLists{parts: make(map[string]int)}
			fake.Refuse = lists.refuse
			ids := leadIDs(0, 551)
			e.Kill()
			desk.answer(http.StatusServiceUnavailable) // a forward that is killed on its way may come again
			for i, id := range ids[:550] {
				fake.Add(leadfake.Sample(id, time.Now().Add(-time.Duration(i)*2*time.Minute)))
			}
			e.Start()
			says := func(reason, value string) bool {
				_, metrics := e.Ask(http.MethodGet, "/metrics", "", "")
				return strings.Contains(string(metrics), `leadgate_forms_problem{reason="`+reason+`",tenant="acme"} `+value+"\n")
			}
			edgetest.Until(t, "it is said that a list is cut off", func() bool { return says("cut_off", "1") })
			edgetest.Until(t, "it is read on", func() bool { return lists.read() >= 3 })
			e.Kill()
			fake.Add(leadfake.Sample(ids[550], time.Now()))
			e.Start()
			edgetest.Until(t, "it is read to its end", func() bool { return lists.read() >= 6 })
			e.Kill()
			desk.answer(http.StatusOK)
			e.Start()
			desk.onceEach(t, ids)
			lists.mu.Lock()
			lists.open = true
			lists.mu.Unlock()
			edgetest.Until(t, "nothing is said any more", func() bool { return says("cut_off", "0") && says("throttled", "0") })
			desk.onceEach(t, ids)
		})
	}
}
