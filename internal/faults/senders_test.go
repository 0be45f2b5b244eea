package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// patience is how long a provider waits for an answer before it repeats.
const patience = 6 * time.Second

// senders post webhooks as providers do: each for one contact, whose next
// webhook is posted when the last one got its 200, and repeated until then.
type senders struct {
	posting sync.RWMutex // held by each webhook on its way, see quietly

	edges   []*edge
	padding int // bytes of text in each message
	client  *http.Client
	pace    *rate.Limiter
	repeat  *rate.Limiter
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	mu           sync.Mutex
	stopping     bool
	events       map[string]int // contact → events acknowledged
	clicks       []string       // click ids acknowledged
	acknowledged int            // webhooks
	refused      int            // other answers, or none
	answers      map[string]int // of the refused: statuses, or why there was none
	took         []time.Duration
}

// send starts senders for so many contacts that post together a bounded number
// of webhooks a second to any of the edges.
func send(t *testing.T, contacts int, perSecond rate.Limit, padding int, edges []*edge) *senders {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: contacts, DisableCompression: true}
	s := &senders{
		edges: edges, padding: padding, client: &http.Client{Transport: transport, Timeout: patience},
		pace: rate.NewLimiter(perSecond, 1), repeat: rate.NewLimiter(min(perSecond, 200), 1), events: map[string]int{}, answers: map[string]int{},
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	for c := range contacts {
		s.wg.Go(func() { s.contact(ctx, fmt.Sprintf("1555%07d", c)) })
	}
	t.Cleanup(func() {
		s.cancel()
		s.wg.Wait()
		transport.CloseIdleConnections()
	})
	return s
}

// contact is the life of one contact.
func (s *senders) contact(ctx context.Context, contact string) {
	for next, turn := 0, 0; !s.isStopping(); turn++ {
		count := 1
		if turn%5 == 4 {
			count = 3
		}
		clid := ""
		if turn%4 == 1 {
			clid = fmt.Sprintf("Aff-%s-%d-%s", contact, turn, strings.Repeat("x", 24))
		}
		body := webhook(contact, next, count, clid, s.padding)
		signature := edgetest.Sign(body)
		for edge := rand.IntN(len(s.edges)); ; edge++ {
			if s.pace.Wait(ctx) != nil {
				return
			}
			s.posting.RLock()
			began := time.Now()
			status, err := s.edges[edge%len(s.edges)].Post(s.client, body, signature)
			s.posting.RUnlock()
			if ctx.Err() != nil {
				return
			}
			if err == nil && status == http.StatusOK {
				s.acknowledge(contact, next+count, clid, time.Since(began))
				break
			}
			s.refuse(status, err)
			if s.repeat.Wait(ctx) != nil {
				return
			}
		}
		next += count
	}
}

// quietly does something while no webhook is on its way.
func (s *senders) quietly(do func()) {
	s.posting.Lock()
	defer s.posting.Unlock()
	do()
}

func (s *senders) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

func (s *senders) acknowledge(contact string, events int, clid string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acknowledged++
	s.events[contact] = events
	s.took = append(s.took, took)
	if clid != "" {
		s.clicks = append(s.clicks, clid)
	}
}

func (s *senders) refuse(status int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	answer := fmt.Sprint(status)
	if err != nil {
		answer = err.Error()
		answer = answer[strings.LastIndex(answer, ": ")+2:]
	}
	s.answers[answer]++
}

// counts returns how many webhooks were acknowledged and refused so far.
func (s *senders) counts() (acknowledged, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acknowledged, s.refused
}

// fullSpeed lets the senders post as fast as they can, and forgets how long the
// answers took so far. It returns how many webhooks were acknowledged.
func (s *senders) fullSpeed() (acknowledged int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pace.SetLimit(rate.Inf)
	s.took = nil
	return s.acknowledged
}

// more waits until so many more webhooks were acknowledged.
func (s *senders) more(t *testing.T, n int) {
	t.Helper()
	before, _ := s.counts()
	edgetest.Until(t, fmt.Sprintf("%d more webhooks are acknowledged", n), func() bool {
		now, _ := s.counts()
		return now >= before+n
	})
}

// moreRefused waits until so many more were answered otherwise or not at all.
func (s *senders) moreRefused(t *testing.T, n int) {
	t.Helper()
	_, before := s.counts()
	edgetest.Until(t, fmt.Sprintf("%d more webhooks are refused", n), func() bool {
		_, now := s.counts()
		return now >= before+n
	})
}

// stop waits until so many webhooks were acknowledged in all, and every sender
// has its last 200.
func (s *senders) stop(t *testing.T, atLeast int) {
	t.Helper()
	edgetest.Until(t, fmt.Sprintf("%d webhooks are acknowledged", atLeast), func() bool {
		n, _ := s.counts()
		return n >= atLeast
	})
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(ended)
	}()
	edgetest.Until(t, "the senders have their last 200", func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
}

// posted is how many events were acknowledged.
func (s *senders) posted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, events := range s.events {
		n += events
	}
	return n
}

// quantile is how long a share of the answered webhooks took at most.
func (s *senders) quantile(share float64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.took) == 0 {
		return 0
	}
	slices.Sort(s.took)
	return s.took[min(int(share*float64(len(s.took))), len(s.took)-1)]
}

// webhook is a Cloud API webhook with text messages of a contact, the first of
// them brought by an ad if clid is not empty.
func webhook(contact string, first, count int, clid string, padding int) []byte {
	var messages []string
	for n := first; n < first+count; n++ {
		referral := ""
		if clid != "" && n == first {
			referral = fmt.Sprintf(`,"referral":{"source_url":"https:\/\/fb.me\/x","source_id":"120210000000000001","source_type":"ad",`+
				`"headline":"Sale","ctwa_clid":%q}`, clid)
		}
		messages = append(messages, fmt.Sprintf(`{"from":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":"Hello%s"}%s}`,
			contact, nameOf(contact, n), time.Now().Unix(), strings.Repeat(".", padding), referral))
	}
	return fmt.Appendf(nil,
		`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp",`+
			`"metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"Maria"},`+
			`"wa_id":%q}],"messages":[%s]},"field":"messages"}]}]}`,
		contact, strings.Join(messages, ","))
}
