package e2e

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/leadfake"
)

// formLists is Meta, which looks at how lists of leads are asked for.
type formLists struct {
	*leadfake.Server
	t  *testing.T
	mu sync.Mutex
	// hangs is the form whose list's second part gets no answer until freed is closed, once.
	hangs         string
	hung          atomic.Bool // somebody asked for it
	freed         chan struct{}
	shut          time.Time // until then nobody is to ask for a list
	throttle      string    // the form whose list shuts all of them
	forms, others int       // of the lists that were asked for since: of the form that throttles, of others
}

func (f *formLists) refuse(r *http.Request) *leadfake.Refusal {
	list := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if list != "leads" && list != "leadgen_forms" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().Before(f.shut) {
		f.t.Errorf("%s is asked for, though Meta asked to wait", r.URL.Path)
	}
	if f.hangs != "" && strings.Contains(r.URL.Path, f.hangs) && r.URL.Query().Has("after") {
		f.hangs = ""
		f.hung.Store(true)
		f.mu.Unlock()
		<-f.freed
		f.mu.Lock()
		return &leadfake.Refusal{Status: 502, Body: "<html>nobody waits for this</html>"}
	}
	switch {
	case f.throttle == "" || list != "leads":
		return nil
	case !strings.Contains(r.URL.Path, f.throttle):
		f.others++
		return nil
	}
	f.forms++
	f.shut = time.Now().Add(time.Second)
	return &leadfake.Refusal{Status: 400, Code: 80005, Message: "too many", Header: map[string]string{"Retry-After": "1"}}
}

// throttled has a form's list shut all lists for a second, each time; "" none.
func (f *formLists) throttled(form string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.throttle, f.forms, f.others = form, 0, 0
}

func (f *formLists) asked() (forms, others int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.forms, f.others
}

var leadsCounted = regexp.MustCompile(`(?m)^leadgate_leads_total\{by="(read|webhook)",tenant="acme"\} ([0-9]+)$`)

// leadsCounted is how many new leads an edge has counted by a webhook and by reading.
func (e *edge) leadsCounted(t *testing.T) (webhook, read int) {
	t.Helper()
	_, metrics := e.Ask(http.MethodGet, "/metrics", "", "")
	found := leadsCounted.FindAllStringSubmatch(string(metrics), -1)
	if len(found) != 2 {
		t.Fatalf("%d counters of leads", len(found))
	}
	for _, m := range found {
		n, _ := strconv.Atoi(m[2])
		if m[1] == "read" {
			read = n
		} else {
			webhook = n
		}
	}
	return webhook, read
}

// TestReconcileOnTwoEdges: of two edges on one Redis one reads the forms; when it is killed with
// a list half read the other goes on. Each lead comes once and is counted once, by whichever
// edge; while Meta asks to wait neither asks, also not one that is started anew; and one form
// at which Meta asks that each time keeps no other from being read.
func TestReconcileOnTwoEdges(t *testing.T) {
	global, _ := stores["redis"](t)
	desk := newFormDesk(t)
	fake := &formLists{Server: new(leadfake.Server), t: t, freed: make(chan struct{})}
	fake.Refuse = fake.refuse
	meta := httptest.NewServer(fake)
	t.Cleanup(meta.Close)
	forms := []string{leadForm, "771234567890124", "771234567890125"}
	for _, form := range forms {
		fake.AddForm(&leadfake.Form{ID: form, Page: leadPage, Name: "Summer", Status: "ACTIVE"})
	}
	add := func(ids []string) {
		for i, id := range ids {
			lead := leadfake.Sample(id, time.Now())
			lead.Form = forms[i%len(forms)]
			fake.Add(lead)
		}
	}
	ids := leadIDs(0, 460)
	add(ids[:390]) // 130 of each form: more than is read at once
	fake.hangs = forms[1]
	idle := func(e *edge) func() bool {
		return func() bool {
			d := e.Destinations()
			return d != nil && d["acme-leads"].Backlog == 0 && d["crm"].Backlog == 0
		}
	}

	one := startLeadEdge(t, global, "reconcile 200ms", desk.URL, meta.URL)
	edgetest.Until(t, "it has the first form, and a part of the second", fake.hung.Load)
	other := startLeadEdge(t, global, "reconcile 200ms", desk.URL, meta.URL)
	other.mustPost(t, leadgen(ids[380:385]...)) // not read yet, or read: once
	edgetest.Until(t, "what was read is there, and nothing in flight", idle(one))
	edgetest.Until(t, "what was posted is there", func() bool { return desk.len() >= 230 })
	byWebhook, byRead := one.leadsCounted(t)
	one.Kill()
	close(fake.freed)
	desk.onceEach(t, ids[:390])
	other.mustPost(t, leadgen(ids[:100]...))
	w, r := other.leadsCounted(t)
	if byRead < 230-5 || byRead > 230 || byWebhook+w > 5 || byWebhook+w+byRead+r != 390 {
		t.Errorf("counted by webhooks %d and %d, by reading %d and %d", byWebhook, w, byRead, r)
	}

	one.Start()
	fake.throttled(forms[1])
	add(ids[390:450])
	desk.onceEach(t, slices.DeleteFunc(slices.Clone(ids[390:450]), func(id string) bool { return slices.Index(ids, id)%len(forms) == 1 }))
	edgetest.Until(t, "nothing is in flight", idle(other))
	for _, killed := range []*edge{other, one} {
		before, _ := fake.asked()
		edgetest.Until(t, "Meta asks to wait", func() bool { n, _ := fake.asked(); return n > before })
		killed.Kill()
		killed.Start()
	}
	before, _ := fake.asked()
	edgetest.Until(t, "all have their turns", func() bool {
		n, others := fake.asked()
		return n >= before+2 && others > 0
	})
	fake.throttled("")
	add(ids[450:])
	desk.onceEach(t, ids)
	edgetest.Until(t, "all is drained", idle(one))
	w0, r0 := one.leadsCounted(t)
	w1, r1 := other.leadsCounted(t)
	if w0+w1 != 0 || r0+r1 != 20+10 { // since they were started anew
		t.Errorf("counted by webhooks %d and %d, by reading %d and %d", w0, w1, r0, r1)
	}
	if strings.Contains(one.Said()+other.Said(), "Ana Souza") {
		t.Error("an answer is logged")
	}
}
