package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/normalize"
)

// defaultThrottle is how long a throttled dataset waits when Meta does not say.
const defaultThrottle = time.Minute

// Config is what a destination of kind capi is made of.
type Config struct {
	Settings capi.Settings // as Validate accepts them, with the access token
	// Credentials reads the secrets again, from their files; it is asked before
	// each try while the destination is parked. nil: they never change.
	Credentials func() (accessToken, appSecret string, err error)
	// OnEvents is told how many events of a name had an outcome (an Action's
	// name), for metrics; nil is allowed.
	OnEvents func(eventName, outcome string, events int)
	Logger   *zap.Logger
	Now      func() time.Time
}

// Sender reports events to a dataset of Meta's Conversions API.
type Sender struct {
	c      Config
	client *capi.Client
	parked atomic.Bool // the last answer parked us
}

// NewSender makes the sender of a dataset.
func NewSender(c Config) *Sender {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	s := &Sender{c: c}
	s.client = capi.NewClient(&s.c.Settings)
	s.client.Now = c.Now
	return s
}

// CloseIdleConnections ends connections that no request uses.
func (s *Sender) CloseIdleConnections() { s.client.Close() }

// Send builds the events, one batch for each identity, and posts the batches
// one after another. What Meta would refuse is dead before a request is spent.
func (s *Sender) Send(ctx context.Context, items []destination.Item) []destination.Verdict {
	if s.parked.Load() {
		s.renew()
	}
	now := s.c.Now()
	verdicts := make([]destination.Verdict, len(items))
	var batches []*batch
	for i := range items {
		body, identity, err := s.build(&items[i], now)
		if err != nil {
			verdicts[i] = refused(err)
			continue
		}
		b := batchOf(&batches, identity)
		b.at = append(b.at, i)
		b.items = append(b.items, capi.Item{Body: body, Identity: identity, Unconfirmed: items[i].Unconfirmed})
	}
	stop := false
	for _, b := range batches {
		for from := 0; from < len(b.at); from += capi.MaxBatch {
			part := batch{at: b.at[from:], items: b.items[from:]}
			if len(part.at) > capi.MaxBatch {
				part = batch{at: part.at[:capi.MaxBatch], items: part.items[:capi.MaxBatch]}
			}
			if stop {
				part.all(verdicts, destination.Verdict{Action: destination.Again})
				continue
			}
			stop = s.post(ctx, &part, verdicts)
		}
	}
	s.count(batches, items, verdicts)
	return verdicts
}

// batch is the events of one identity, and where they stand among the items.
type batch struct {
	at    []int
	items []capi.Item
}

func batchOf(batches *[]*batch, id capi.Identity) *batch {
	for _, b := range *batches {
		if b.items[0].Identity == id {
			return b
		}
	}
	b := new(batch)
	*batches = append(*batches, b)
	return b
}

func (b *batch) all(verdicts []destination.Verdict, o destination.Verdict) {
	for _, i := range b.at {
		verdicts[i] = o
	}
}

// post sends a batch; it reports whether the other batches have to wait.
func (s *Sender) post(ctx context.Context, b *batch, verdicts []destination.Verdict) (stop bool) {
	results, err := s.client.Send(ctx, b.items)
	if err != nil || len(results) != len(b.items) {
		b.all(verdicts, destination.Verdict{Action: destination.Retry, Reason: "internal error", Explanation: fmt.Sprint(err)})
		return false
	}
	for i := range results {
		o := verdictOf(&results[i])
		verdicts[b.at[i]] = o
		if o.Action == destination.Park || o.Action == destination.Throttle || o.Action == destination.Done && o.After > 0 {
			stop = true
		}
		switch o.Action {
		case destination.Park:
			s.parked.Store(true)
		case destination.Done:
			s.parked.Store(false)
		}
	}
	return stop
}

// build makes the event for Meta.
func (s *Sender) build(it *destination.Item, now time.Time) ([]byte, capi.Identity, error) {
	dst := make([]byte, 0, 768)
	switch normalize.Kind(it.Header.Kind) {
	case normalize.KindConversion, normalize.KindLead:
	default:
		return capi.AppendEvent(dst, it.Payload, &s.c.Settings, now)
	}
	c, err := readConversion(it.Header.Meta)
	if err != nil {
		return nil, capi.Identity{}, err
	}
	return capi.AppendConversion(dst, it.Payload, c, &s.c.Settings, now)
}

// renew reads the secrets again.
func (s *Sender) renew() {
	if s.c.Credentials == nil {
		return
	}
	token, secret, err := s.c.Credentials()
	if err != nil {
		// The destination is parked, and its state says why; the old ones stay.
		s.c.Logger.Warn("secrets cannot be read again", zap.String("dataset", s.c.Settings.Dataset), zap.Error(err))
		return
	}
	s.client.SetCredentials(token, secret)
}

// count tells the metrics, by event name.
func (s *Sender) count(batches []*batch, items []destination.Item, verdicts []destination.Verdict) {
	if s.c.OnEvents == nil {
		return
	}
	type key struct{ name, outcome string }
	counts := map[key]int{}
	built := make([]bool, len(items))
	for _, b := range batches {
		for i, at := range b.at {
			built[at] = true
			counts[key{eventName(b.items[i].Body), verdicts[at].Action.String()}]++
		}
	}
	for i := range items {
		if !built[i] {
			counts[key{"", verdicts[i].Action.String()}]++
		}
	}
	for k, n := range counts {
		s.c.OnEvents(k.name, k.outcome, n)
	}
}

// eventName reads the name from an event as package capi writes it: first.
func eventName(body []byte) string {
	rest, ok := bytes.CutPrefix(body, []byte(`{"event_name":"`))
	if !ok {
		return ""
	}
	name, _, _ := bytes.Cut(rest, []byte{'"'})
	return string(name)
}

// refused is the verdict on an event that is not sent.
func refused(err error) destination.Verdict {
	var r *capi.Refusal
	if !errors.As(err, &r) {
		return destination.Verdict{Action: destination.Dead, Reason: "unreadable", Explanation: err.Error()}
	}
	o := destination.Verdict{Action: destination.Dead, Reason: r.Reason, Explanation: r.Error()}
	if r.Code != 0 {
		o.Code = r.Name()
	}
	return o
}

func verdictOf(r *capi.Result) destination.Verdict {
	o := destination.Verdict{After: r.After, Reason: r.Reason, Explanation: r.Text, InDoubt: r.InDoubt}
	if r.Code != 0 {
		o.Code = strconv.Itoa(r.Code)
		if r.Subcode != 0 {
			o.Code += "/" + strconv.Itoa(r.Subcode)
		}
	}
	if o.Reason == "" && r.Class != 0 {
		o.Reason = r.Class.String()
	}
	switch r.Fate {
	case capi.Done:
		return destination.Verdict{Action: destination.Done, After: r.After}
	case capi.Dead:
		o.Action = destination.Dead
	case capi.Park:
		o.Action = destination.Park
	case capi.Retry:
		o.Action = destination.Retry
		o.Unconfirmed = r.Unconfirmed
		if r.Throttled {
			o.Action = destination.Throttle
			if o.After <= 0 {
				o.After = defaultThrottle
			}
		}
		if r.Unconfirmed {
			o.Reason = capi.ReasonUnconfirmed
		}
	default:
		o.Action = destination.Again
	}
	return o
}

var _ destination.Sender = (*Sender)(nil)
