package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// clickItem is a first message with an ad click, of a WhatsApp account.
func clickItem(n int, waba string, at time.Time) Item {
	payload := fmt.Sprintf(`{"id":"e70210fe-620f-555d-bc02-%012x","tenantId":"acme","kind":"message","channel":"whatsapp","provider":"meta",`+
		`"account":{"wabaId":%q},"waPhone":"+1555%07d","waId":"1555%07d","userId":null,"receivedAt":%d,`+
		`"referral":{"ctwaClid":"ARAclick%06d","sourceType":"ad","sourceId":"120","adId":"120","dedupToken":null},"automaticEvent":null,"conversion":null,"attribution":null,"raw":{}}`,
		n, waba, n, n, at.UnixMilli(), n)
	it := Item{Attempt: 1}
	it.Pos = queue.Pos{Seq: uint64(n)}
	it.Payload = []byte(payload)
	it.Header = queue.Header{Format: queue.FormatCAPI, Kind: uint8(normalize.KindMessage), EventID: queue.ID{15: byte(n)}}
	return it
}

func newCAPI(t *testing.T, meta *capitest.Server, c CAPIConfig) *CAPI {
	t.Helper()
	c.Settings.Dataset, c.Settings.Endpoint = "1234567890", meta.URL()
	if c.Settings.AccessToken == "" {
		c.Settings.AccessToken = "EAAG-right"
	}
	if err := c.Settings.Validate(); err != nil {
		t.Fatal(err)
	}
	s := NewCAPI(c)
	t.Cleanup(s.CloseIdleConnections)
	return s
}

func wantClasses(t *testing.T, got []Outcome, want ...Class) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d outcomes, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].Action != want[i] {
			t.Errorf("item %d: %+v, want %v", i, got[i], want[i])
		}
	}
}

func TestCAPIGroupsByIdentity(t *testing.T) {
	meta := capitest.New(t)
	counts := map[string]int{}
	s := newCAPI(t, meta, CAPIConfig{OnEvents: func(name, outcome string, n int) { counts[name+" "+outcome] += n }})
	now := time.Now()
	old := clickItem(4, "11", now.Add(-8*24*time.Hour))
	broken := clickItem(5, "11", now)
	broken.Payload = []byte(`{`)
	got := s.Send(t.Context(), []Item{
		clickItem(1, "11", now), clickItem(2, "22", now), clickItem(3, "11", now), old, broken,
	})
	wantClasses(t, got, Done, Done, Done, Dead, Dead)
	if n := meta.Requests(); n != 2 {
		t.Errorf("%d requests, want one for each identity", n)
	}
	if got[3].Reason != capi.ReasonExpired || got[3].Explanation == "" || got[4].Reason != "unreadable" {
		t.Errorf("refused: %+v %+v", got[3], got[4])
	}
	if want := map[string]int{"LeadSubmitted delivered": 3, " dead": 2}; !maps.Equal(counts, want) {
		t.Errorf("counted %v, want %v", counts, want)
	}
}

func TestCAPIConversion(t *testing.T) {
	meta := capitest.New(t)
	s := newCAPI(t, meta, CAPIConfig{})
	it := clickItem(1, "11", time.Now())
	it.Header.Kind = uint8(normalize.KindConversion)
	it.Payload = []byte(fmt.Sprintf(`{"id":"e70210fe-620f-555d-bc02-000000000001","kind":"conversion","channel":"whatsapp","account":{"wabaId":null},`+
		`"waPhone":null,"waId":null,"userId":null,"receivedAt":%d,"referral":null,"conversion":{"eventName":"won","value":12.50,"currency":"EUR"}}`, time.Now().UnixMilli()))
	it.Header.Meta = ConversionMeta(&capi.Conversion{
		EventName: "Purchase",
		Click:     capi.Click{Channel: normalize.ChannelWhatsApp, CtwaClid: "ARAclick", WabaID: "11", WaPhone: "+15551234567", WaID: "15551234567"},
	}, Tally{Day: 20600, Key: "1"})
	bad := it
	bad.Header.Meta = []byte("?")
	got := s.Send(t.Context(), []Item{it, bad})
	wantClasses(t, got, Done, Dead)
	accepted := meta.Accepted()
	if len(accepted) != 1 {
		t.Fatalf("%d accepted", len(accepted))
	}
	for _, want := range []string{`"event_name":"Purchase"`, `"ctwa_clid":"ARAclick"`, `"value":12.5`, `"currency":"EUR"`} {
		if !strings.Contains(string(accepted[0].Event), want) {
			t.Errorf("event %s lacks %s", accepted[0].Event, want)
		}
	}
}

func TestCAPIParksAndReadsItsSecretsAgain(t *testing.T) {
	meta := capitest.New(t, func(s *capitest.Server) { s.Token = "EAAG-new" })
	var file atomic.Value
	file.Store("EAAG-old")
	var reads atomic.Int32
	s := newCAPI(t, meta, CAPIConfig{
		Settings: capi.Settings{AccessToken: "EAAG-old"},
		Credentials: func() (string, string, error) {
			if reads.Add(1) == 2 {
				return "", "", errors.New("file is being written")
			}
			return file.Load().(string), "", nil
		},
	})
	now := time.Now()
	items := []Item{clickItem(1, "11", now), clickItem(2, "22", now)}
	got := s.Send(t.Context(), items)
	wantClasses(t, got, Park, Again) // the second identity's request is spared
	if got[0].Code == "" || got[0].Explanation == "" || strings.Contains(got[0].Explanation, "EAAG") {
		t.Errorf("parked: %+v", got[0])
	}
	wantClasses(t, s.Send(t.Context(), items[:1]), Park)
	wantClasses(t, s.Send(t.Context(), items[:1]), Park) // the file cannot be read
	file.Store("EAAG-new")
	wantClasses(t, s.Send(t.Context(), items), Done, Done)
	s.Send(t.Context(), items)
	if n := reads.Load(); n != 3 {
		t.Errorf("the secrets were read %d times, want 3: not while all is well", n)
	}
}

func TestCAPIOutcomes(t *testing.T) {
	for _, c := range []struct {
		name   string
		result capi.Result
		want   Outcome
	}{
		{"done", capi.Result{Outcome: capi.Done}, Outcome{Action: Done}},
		{"done, limit reached", capi.Result{Outcome: capi.Done, After: time.Minute}, Outcome{Action: Done, After: time.Minute}},
		{"not sent", capi.Result{}, Outcome{Action: Again}},
		{"transient", capi.Result{Outcome: capi.Retry, Class: capi.Transient, Code: 2, Text: "x"}, Outcome{Action: Retry, Reason: "transient", Code: "2", Explanation: "x"}},
		{"unconfirmed", capi.Result{Outcome: capi.Retry, Unconfirmed: true}, Outcome{Action: Retry, Reason: "unconfirmed", Unconfirmed: true}},
		{"throttled", capi.Result{Outcome: capi.Retry, Throttled: true, Class: capi.Throttled, Code: 80004}, Outcome{Action: Throttle, After: time.Minute, Reason: "throttled", Code: "80004"}},
		{"parked", capi.Result{Outcome: capi.Park, Class: capi.Token, Code: 190, Subcode: 463}, Outcome{Action: Park, Reason: "token", Code: "190/463"}},
		{"dead", capi.Result{Outcome: capi.Dead, Class: capi.BadEvent, Reason: capi.ReasonRefused, Code: 100, Subcode: 2804066}, Outcome{Action: Dead, Reason: "refused", Code: "100/2804066"}},
	} {
		if got := outcomeOf(&c.result); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// The engine and the dataset together: events that Meta refuses die alone, the
// rest are reported once.
func TestEngineReportsToMeta(t *testing.T) {
	const n = 300
	bad := map[string]bool{}
	good := map[string]bool{}
	for i := 1; i <= n; i++ {
		clid := fmt.Sprintf("ARAclick%06d", i)
		if i%97 == 0 {
			bad[clid] = true
		} else {
			good[clid] = true
		}
	}
	var done atomic.Int32
	finished := make(chan struct{})
	meta := capitest.New(t, func(s *capitest.Server) {
		s.Clids = good
		s.OnAccept = func(capitest.Accepted) {
			if done.Add(1) == int32(len(good)) {
				close(finished)
			}
		}
	})
	meta.Script(1, capitest.Answer{Status: 500, Body: `{"error":{"message":"try again","type":"OAuthException","code":2,"is_transient":true}}`})
	meta.Script(1, capitest.Answer{Status: http.StatusOK, Body: `{"events_received":0}`})
	q := newMemQueue()
	for i := 1; i <= n; i++ {
		it := clickItem(i, fmt.Sprint(11*(i%2+1)), time.Now())
		q.put(crm, it.Header, it.Payload)
	}
	e := New(q, Options{Rand: func() float64 { return 0.001 }})
	e.Configure([]Destination{{
		Dest: crm, Kind: KindCAPI, Target: "1234567890", Sender: newCAPI(t, meta, CAPIConfig{}),
		Batch: 1000, RetryFor: 7 * 24 * time.Hour,
	}})
	<-finished
	for { // the refused ones may still be on their way
		if left, _, dead := q.counts(crm); left == 0 && dead == len(bad) {
			break
		}
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
	e.Close(context.Background())
	if total := meta.Total(); total != len(good) {
		t.Errorf("%d events were accepted, want %d", total, len(good))
	}
	for _, d := range q.letters(t, crm) {
		_, after, _ := bytes.Cut(d.Payload, []byte("ARAclick"))
		n, err := strconv.Atoi(string(after[:6]))
		if d.Code != "100/2804087" || d.Explanation == "" || err != nil || n%97 != 0 {
			t.Errorf("dead letter %+v", d)
		}
	}
}
