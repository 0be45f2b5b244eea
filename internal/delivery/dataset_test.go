package delivery

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
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

func newCAPI(t *testing.T, meta *capitest.Server, c dataset.Config) *dataset.Sender {
	t.Helper()
	c.Settings.Dataset, c.Settings.Endpoint = "1234567890", meta.URL()
	if c.Settings.AccessToken == "" {
		c.Settings.AccessToken = "EAAG-right"
	}
	if err := c.Settings.Validate(); err != nil {
		t.Fatal(err)
	}
	s := dataset.NewSender(c)
	t.Cleanup(s.CloseIdleConnections)
	return s
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
	meta.Script(1, capitest.Answer{
		Status: 500, Body: `{"error":{"message":"try again","type":"OAuthException","code":2,"is_transient":true}}`,
	})
	meta.Script(1, capitest.Answer{Status: http.StatusOK, Body: `{"events_received":0}`})
	q := newMemQueue()
	for i := 1; i <= n; i++ {
		it := clickItem(i, fmt.Sprint(11*(i%2+1)), time.Now())
		q.put(crm, it.Header, it.Payload)
	}
	e := New(q, Options{Rand: func() float64 { return 0.001 }})
	e.Configure([]destination.Destination{{
		Dest: crm, Kind: dataset.Kind, Target: "1234567890", Sender: newCAPI(t, meta, dataset.Config{}),
		Concurrency: 4, Batch: 1000, RetryFor: 7 * 24 * time.Hour,
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
