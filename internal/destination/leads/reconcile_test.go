package leads

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/leadfake"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
	"github.com/leadgate/leadgate/normalize"
)

const page = "1029384756"

// reading is a reader of the rig's forms, as an edge of that name.
type reading struct {
	*Reconciler
	took []string // bodies
	logs *observer.ObservedLogs
}

func (r *rig) store() *memory.Queue {
	return memory.New(queue.Options{Dedupe: time.Hour, RememberClicks: time.Hour, MaxBacklog: 1}, func() time.Time { return r.clock })
}

func (r *rig) reading(by string, q Store) *reading {
	core, logs := observer.New(zap.InfoLevel)
	e := &reading{logs: logs}
	e.Reconciler = &Reconciler{
		Every: 15 * time.Minute, Tenant: "acme", Pages: []string{page}, Sender: r.Sender,
		Store: func() Store { return q }, Drains: func() bool { return true },
		Take: func(_ context.Context, body []byte) (int, error) {
			e.took = append(e.took, string(body))
			return strings.Count(string(body), "leadgen_id"), nil
		},
		Logger: zap.New(core), Now: func() time.Time { return r.clock }, by: by, said: make(map[string]string),
	}
	return e
}

func (e *reading) has(id string) bool {
	return slices.ContainsFunc(e.took, func(body string) bool { return strings.Contains(body, id) })
}

// TestOtherEdgeReads: of two edges one reads; when it dies in the middle the other goes on when
// its claim has run out, from how far each form was read.
func TestOtherEdgeReads(t *testing.T) {
	r := newRig(t, nil)
	q := r.store()
	one, other := r.reading("one", q), r.reading("other", q)
	at := func(id string, ago time.Duration) *leadfake.Lead { return leadfake.Sample(id, r.clock.Add(-ago)) }
	r.fake.Add(at("23851234567890001", 3*time.Hour))
	one.look(t.Context())
	r.clock = r.clock.Add(time.Second) // the claim was given back
	other.look(t.Context())
	if !one.has("23851234567890001") || len(other.took) != 0 {
		t.Fatalf("one took %v, the other %v", one.took, other.took)
	}

	r.clock = r.clock.Add(30 * time.Hour)
	r.fake.Add(at("23851234567890002", 27*time.Hour))                                           // before a first reading goes back
	if ours, err := q.Claim(t.Context(), "acme", task, one.by, claimFor); err != nil || !ours { // it dies having this
		t.Fatal(ours, err)
	}
	calls := r.fake.Calls()
	other.look(t.Context())
	if r.fake.Calls() != calls {
		t.Error("both read")
	}
	r.clock = r.clock.Add(claimFor)
	other.look(t.Context())
	if !other.has("23851234567890002") {
		t.Errorf("the other took %v", other.took)
	}
	calls = r.fake.Calls()
	r.clock = r.clock.Add(time.Second)
	one.look(t.Context()) // it is there again
	if r.fake.Calls() != calls {
		t.Error("one reads before it is due")
	}
}

// TestClaimOfManyForms: forms without new leads keep the claim, too; who has lost it stops.
func TestClaimOfManyForms(t *testing.T) {
	r := newRig(t, nil)
	for i := range 3 {
		r.fake.AddForm(&leadfake.Form{ID: "88123456789012" + strconv.Itoa(i), Page: page, Status: "ACTIVE"})
	}
	q := r.store()
	one := r.reading("one", q)
	asked := 0
	r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
		if !strings.HasSuffix(req.URL.Path, "/leads") {
			return nil
		}
		asked++
		r.clock = r.clock.Add(claimFor - time.Second)
		if asked == 3 { // it hangs
			r.clock = r.clock.Add(time.Minute)
		}
		if ours, err := q.Claim(t.Context(), "acme", task, "other", claimFor); err != nil || ours != (asked == 3) {
			t.Errorf("form %d: the other has it: %v, %v", asked, ours, err)
		}
		return nil
	}
	one.look(t.Context())
	if asked != 3 {
		t.Errorf("asked for %d forms of 4", asked)
	}
}

// TestReadingBrokenOff: a reload that breaks off a reading is no failure of Meta's, of which no form is
// logged.
func TestReadingBrokenOff(t *testing.T) {
	r := newRig(t, nil)
	for i := range 3 {
		r.fake.AddForm(&leadfake.Form{ID: "88123456789012" + strconv.Itoa(i), Page: page, Status: "ACTIVE"})
	}
	one := r.reading("one", r.store())
	ctx, stop := context.WithCancel(t.Context())
	forms := 0
	r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
		if strings.HasSuffix(req.URL.Path, "/leads") {
			forms++
			stop()
			<-req.Context().Done() // who asks has hung up
		}
		return nil
	}
	one.look(ctx)
	if forms != 1 || one.logs.Len() != 0 {
		t.Errorf("asked for %d forms; logged %v", forms, one.logs.All())
	}
}

// TestPageToken: where Meta wants the Page's own token, the token is changed for it, once a
// reading; where that is refused the first refusal is told.
func TestPageToken(t *testing.T) {
	for _, c := range []struct {
		name string
		give string // the answer of GET /<page>?fields=access_token
		says string // of the log; "" = it is read
	}{
		{"changed", `{"id":"1029384756","access_token":"pages own"}`, ""},
		{"refused", `{"error":{"message":"no","type":"OAuthException","code":200}}`, "error 210"},
		{"without", `{"id":"1029384756"}`, "error 210"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changes := 0
			r := newRig(t, func(c *Config) { c.Credentials = graph.Credentials{Token: "a person's", AppSecret: "app"} })
			r.fake.Refuse = func(req *http.Request) *leadfake.Refusal {
				token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
				if proof := (graph.Credentials{Token: token, AppSecret: "app"}).Proof(); req.URL.Query().Get("appsecret_proof") != proof {
					t.Errorf("%s: the proof is of another token", req.URL.Path)
				}
				if token != "pages own" {
					return &leadfake.Refusal{Status: 403, Code: 210, Message: "A page access token is required to request this resource."}
				}
				return nil
			}
			r.fake.Next = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if !strings.HasSuffix(req.URL.Path, "/"+page) || req.URL.Query().Get("fields") != "access_token" ||
					req.Header.Get("Authorization") != "Bearer a person's" {
					t.Errorf("%s %v", req.URL.Path, req.Header)
				}
				changes++
				_, _ = w.Write([]byte(c.give))
			})
			r.fake.Add(leadfake.Sample(leadID, r.clock.Add(-time.Hour)))
			one := r.reading("one", r.store())
			one.look(t.Context())
			if one.has(leadID) != (c.says == "") || changes != 1 {
				t.Errorf("took %v after %d changes", one.took, changes)
			}
			logged := ""
			for _, l := range one.logs.FilterLevelExact(zap.WarnLevel).All() {
				logged += l.Message
				for _, f := range l.Context {
					logged += " " + f.String
					if f.Interface != nil {
						logged += " " + f.Interface.(error).Error()
					}
				}
			}
			if !strings.Contains(logged, c.says) || c.says == "" && logged != "" || strings.Contains(logged, "pages own") {
				t.Errorf("logged %q, want %q", logged, c.says)
			}
		})
	}
}

// TestBackfillWithoutPages says what is missing.
func TestBackfillWithoutPages(t *testing.T) {
	r := newRig(t, nil)
	one := r.reading("one", r.store())
	one.Pages = nil
	_, err := one.Backfill(t.Context(), "771234567890123", r.clock.Add(-time.Hour), true)
	if err == nil || !strings.Contains(err.Error(), "write `match page_id <id>`") {
		t.Error(err)
	}
}

// TestListOfOtherShapes: ids and times of a list may be numbers, and a lead without a time is
// queued rather than lost.
func TestListOfOtherShapes(t *testing.T) {
	r := newRig(t, func(c *Config) {
		lists := map[string]string{
			"/" + page + "/leadgen_forms": `{"data":[{"id":771234567890123,"status":"ACTIVE"}]}`,
			"/771234567890123/leads": `{"data":[{"id":23851234567890001,"created_time":1763628554},{"id":"23851234567890002"},
				{"id":"23851234567890003","created_time":"yesterday"}]}`,
		}
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			_, _ = w.Write([]byte(lists[strings.TrimPrefix(req.URL.Path, "/v27.0")]))
		}))
		t.Cleanup(s.Close)
		c.Endpoint = s.URL
	})
	r.clock = time.Unix(1763628600, 0)
	one := r.reading("one", r.store())
	one.look(t.Context())
	if len(one.took) != 1 {
		t.Fatalf("took %v", one.took)
	}
	var b normalize.Batch
	if err := normalize.Meta(&b, []byte(one.took[0]), r.clock.UnixMilli()); err != nil || len(b.Events) != 3 {
		t.Fatal(len(b.Events), err)
	}
	for i, want := range []int64{1763628554_000, 0, 0} {
		if ev := &b.Events[i]; ev.Kind != normalize.KindLead || ev.Lead.CreatedAt != want || ev.HasProviderTime != (want != 0) {
			t.Errorf("lead %d: %v of %d, want %d", i, ev.Kind, ev.Lead.CreatedAt, want)
		}
	}
}
