package dataset

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// clickItem is a first message with an ad click, of a WhatsApp account.
func clickItem(n int, waba string, at time.Time) destination.Item {
	payload := fmt.Sprintf(`{"id":"e70210fe-620f-555d-bc02-%012x","tenantId":"acme","kind":"message","channel":"whatsapp","provider":"meta",`+
		`"account":{"wabaId":%q},"waPhone":"+1555%07d","waId":"1555%07d","userId":null,"receivedAt":%d,`+
		`"referral":{"ctwaClid":"ARAclick%06d","sourceType":"ad","sourceId":"120","adId":"120","dedupToken":null},`+
		`"automaticEvent":null,"conversion":null,"attribution":null,"raw":{}}`,
		n, waba, n, n, at.UnixMilli(), n)
	it := destination.Item{Attempt: 1}
	it.Pos = queue.Pos{Seq: uint64(n)}
	it.Payload = []byte(payload)
	it.Header = queue.Header{Format: queue.FormatConversion, Kind: uint8(normalize.KindMessage), EventID: queue.ID{15: byte(n)}}
	return it
}

func newCAPI(t *testing.T, meta *capitest.Server, c Config) *Sender {
	t.Helper()
	c.Settings.Dataset, c.Settings.Endpoint = "1234567890", meta.URL()
	if c.Settings.AccessToken == "" {
		c.Settings.AccessToken = "EAAG-right"
	}
	if err := c.Settings.Validate(); err != nil {
		t.Fatal(err)
	}
	s := NewSender(c)
	t.Cleanup(s.CloseIdleConnections)
	return s
}

func wantActions(t *testing.T, got []destination.Verdict, want ...destination.Action) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d verdicts, want %d", len(got), len(want))
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
	s := newCAPI(t, meta, Config{OnEvents: func(name, outcome string, n int) { counts[name+" "+outcome] += n }})
	now := time.Now()
	old := clickItem(4, "11", now.Add(-8*24*time.Hour))
	broken := clickItem(5, "11", now)
	broken.Payload = []byte(`{`)
	got := s.Send(t.Context(), []destination.Item{
		clickItem(1, "11", now), clickItem(2, "22", now), clickItem(3, "11", now), old, broken,
	})
	wantActions(t, got, destination.Done, destination.Done, destination.Done, destination.Dead, destination.Dead)
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
	s := newCAPI(t, meta, Config{})
	it := clickItem(1, "11", time.Now())
	it.Header.Kind = uint8(normalize.KindConversion)
	it.Payload = []byte(fmt.Sprintf(`{"id":"e70210fe-620f-555d-bc02-000000000001","kind":"conversion","channel":"whatsapp",`+
		`"account":{"wabaId":null},`+
		`"waPhone":null,"waId":null,"userId":null,"receivedAt":%d,"referral":null,`+
		`"conversion":{"eventName":"won","value":12.50,"currency":"EUR"}}`, time.Now().UnixMilli()))
	it.Header.Meta = metaOf(&capi.Conversion{
		EventName: "Purchase",
		Click: capi.Click{
			Channel: normalize.ChannelWhatsApp, CtwaClid: "ARAclick", WabaID: "11", WaPhone: "+15551234567", WaID: "15551234567",
		},
	}, &destination.Tally{Day: 20600, Key: "1"})
	bad := it
	bad.Header.Meta = []byte("?")
	got := s.Send(t.Context(), []destination.Item{it, bad})
	wantActions(t, got, destination.Done, destination.Dead)
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
	s := newCAPI(t, meta, Config{
		Settings: capi.Settings{AccessToken: "EAAG-old"},
		Credentials: func() (string, string, error) {
			if reads.Add(1) == 2 {
				return "", "", errors.New("file is being written")
			}
			return file.Load().(string), "", nil
		},
	})
	now := time.Now()
	items := []destination.Item{clickItem(1, "11", now), clickItem(2, "22", now)}
	got := s.Send(t.Context(), items)
	wantActions(t, got, destination.Park, destination.Again) // the second identity's request is spared
	if got[0].Code == "" || got[0].Explanation == "" || strings.Contains(got[0].Explanation, "EAAG") {
		t.Errorf("parked: %+v", got[0])
	}
	wantActions(t, s.Send(t.Context(), items[:1]), destination.Park)
	wantActions(t, s.Send(t.Context(), items[:1]), destination.Park) // the file cannot be read
	file.Store("EAAG-new")
	wantActions(t, s.Send(t.Context(), items), destination.Done, destination.Done)
	s.Send(t.Context(), items)
	if n := reads.Load(); n != 3 {
		t.Errorf("the secrets were read %d times, want 3: not while all is well", n)
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name   string
		result capi.Result
		want   destination.Verdict
	}{
		{"done", capi.Result{Fate: capi.Done}, destination.Verdict{Action: destination.Done}},
		{"done, limit reached", capi.Result{Fate: capi.Done, After: time.Minute},
			destination.Verdict{Action: destination.Done, After: time.Minute}},
		{"not sent", capi.Result{}, destination.Verdict{Action: destination.Again}},
		{"transient", capi.Result{Fate: capi.Retry, Class: capi.Transient, Code: 2, Text: "x"},
			destination.Verdict{Action: destination.Retry, Reason: "transient", Code: "2", Explanation: "x"}},
		{"unconfirmed", capi.Result{Fate: capi.Retry, Unconfirmed: true},
			destination.Verdict{Action: destination.Retry, Reason: "unconfirmed", Unconfirmed: true}},
		{"throttled", capi.Result{Fate: capi.Retry, Throttled: true, Class: capi.Throttled, Code: 80004},
			destination.Verdict{Action: destination.Throttle, After: time.Minute, Reason: "throttled", Code: "80004"}},
		{"parked", capi.Result{Fate: capi.Park, Class: capi.Token, Code: 190, Subcode: 463},
			destination.Verdict{Action: destination.Park, Reason: "token", Code: "190/463"}},
		{"dead", capi.Result{Fate: capi.Dead, Class: capi.BadEvent, Reason: capi.ReasonRefused, Code: 100, Subcode: 2804066},
			destination.Verdict{Action: destination.Dead, Reason: "refused", Code: "100/2804066"}},
	} {
		if got := verdictOf(&c.result); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
