package google

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/google"
)

// defaultThrottle is how long a throttled account waits when Google does not say.
const defaultThrottle = time.Minute

// Config is what a destination of kind google is made of.
type Config struct {
	Settings google.Settings // as Validate accepts them
	Actions  Actions
	Key      *google.Key
	Hold     time.Duration // an event is not sent before its click is that old
	AskAfter time.Duration // when the status of a request is first asked
	// Credentials reads the key again, from its file; it is asked before each try while
	// the destination is parked. nil: it never changes.
	Credentials func() (*google.Key, error)
	// OnEvents is told how many events of a name had an outcome, for metrics; nil is
	// allowed.
	OnEvents func(eventName, outcome string, events int)
	Logger   *zap.Logger
	Now      func() time.Time
}

// Sender reports events to an account of Google Ads.
type Sender struct {
	c       Config
	client  *google.Client
	parked  atomic.Bool  // the last answer parked us
	foreign atomic.Int32 // events in a row whose click is another account's
	seconds seconds
	said    said
}

// NewSender makes the sender of an account.
func NewSender(c Config) *Sender {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	s := &Sender{c: c}
	s.client = google.NewClient(&s.c.Settings, c.Key)
	s.client.Now = c.Now
	return s
}

// CloseIdleConnections ends connections that no request uses.
func (s *Sender) CloseIdleConnections() { s.client.Close() }

// Send builds events and sends them, a request for each conversion action, one after
// another; of what it sent before, it asks what became of it, with one request for all
// that were sent together. What Google would refuse is dead before a request is spent.
func (s *Sender) Send(ctx context.Context, items []destination.Item) []destination.Verdict {
	if s.parked.Load() {
		s.renew()
	}
	c := &call{
		s: s, ctx: ctx, now: s.c.Now(), items: items, verdicts: make([]destination.Verdict, len(items)),
		names: make([]string, len(items)), outcomes: make([]string, len(items)),
	}
	for i := range items {
		c.sort(i)
	}
	for _, b := range c.batches {
		c.ingest(b)
	}
	for _, q := range c.questions {
		c.ask(q)
	}
	c.count()
	return c.verdicts
}

// call is one call of Send.
type call struct {
	s        *Sender
	ctx      context.Context //nolint:containedctx // lives as long as the call
	now      time.Time
	items    []destination.Item
	verdicts []destination.Verdict
	names    []string // of the items' events
	outcomes []string // for the metrics; "" = the verdict's action

	batches   []*batch
	questions []*question
	stop      bool // the rest has to wait
}

// sort puts an item where it belongs: to be sent, to be asked about, or neither.
func (c *call) sort(i int) {
	it := &c.items[i]
	m, err := readMeta(it.Header.Meta)
	if err != nil {
		c.verdicts[i] = unreadable(err)
		return
	}
	c.names[i] = m.Name
	if it.Receipt != "" {
		if k, err := readKept(it.Receipt); err == nil && k.Request != "" {
			c.question(k.Request).add(i, &k)
			return
		}
	}
	k, err := readKept(it.Note)
	if err != nil {
		c.verdicts[i] = unreadable(err)
		return
	}
	action := c.s.c.Actions.Of(m.Name)
	if action == "" {
		c.verdicts[i] = destination.Verdict{Action: destination.Dead, Reason: google.ReasonRefused,
			Explanation: m.Name + " has no conversion action any more: put `convert " + m.Name + " <conversion action>` back into the google " +
				"block, and replay it"}
		return
	}
	if wait := c.hold(m); wait > 0 {
		c.verdicts[i] = destination.Verdict{Action: destination.Later, After: wait, Reason: "held until its click is old enough", Note: it.Note}
		return
	}
	c.build(i, m, &k, action)
}

func unreadable(err error) destination.Verdict {
	return destination.Verdict{Action: destination.Dead, Reason: "unreadable", Explanation: err.Error()}
}

// hold is how long an event waits for Google to know its click, and for the second after
// the click that it is to have.
func (c *call) hold(m *meta) time.Duration {
	if m.click() == "" || m.ClickedAt == 0 {
		return 0
	}
	return time.UnixMilli(m.ClickedAt).Add(max(c.s.c.Hold, time.Second)).Sub(c.now)
}

// build makes the event for Google, at a second that no other of its click has.
func (c *call) build(i int, m *meta, k *kept, action string) {
	it := &c.items[i]
	conversion := m.conversion("")
	build := func() (event google.Event, err error) {
		conversion.Shift = time.Duration(k.Shift) * time.Second
		_, event, err = google.AppendEvent(make([]byte, 0, 512), it.Payload, &conversion, &c.s.c.Settings, c.now)
		return event, err
	}
	event, err := build()
	if err == nil {
		wish := event.At / 1000
		at, ok := c.s.seconds.take(m.click(), wish, c.now.Unix(), event.TransactionID, c.now)
		if !ok {
			c.verdicts[i] = destination.Verdict{Action: destination.Later, After: time.Second,
				Reason: "another conversion of its click has this second, and none is left before now", Note: it.Note}
			return
		}
		if at != wish {
			k.Shift += int(at - wish)
			event, err = build()
		}
	}
	if err != nil {
		c.verdicts[i] = refused(err)
		return
	}
	c.batch(action).add(c, i, &event, k)
}

// ingest sends a batch.
func (c *call) ingest(b *batch) {
	if c.stop {
		for _, i := range b.at {
			c.verdicts[i] = destination.Verdict{Action: destination.Again}
		}
		return
	}
	results, warnings, err := c.s.client.Ingest(c.ctx, b.action, b.events)
	if err != nil || len(results) != len(b.at) {
		for _, i := range b.at {
			c.verdicts[i] = destination.Verdict{Action: destination.Retry, Reason: "internal error", Explanation: fmt.Sprint(err)}
		}
		return
	}
	for n := range results {
		i := b.at[n]
		c.verdicts[i] = c.verdict(&results[n])
		if results[n].Fate == google.Taken {
			c.verdicts[i] = c.taken(&results[n], &b.kept[n], i)
		}
	}
	for i := range warnings {
		c.s.warn(warnings[i].Reason, warnings[i].Field, c.now)
	}
}

// taken keeps the receipt of an event.
func (c *call) taken(r *google.Result, k *kept, i int) destination.Verdict {
	c.s.parked.Store(false)
	c.outcomes[i] = destination.Done.String()
	k.Request, k.Index, k.Of, k.At = r.RequestID, r.Index, r.Of, c.now.UnixMilli()
	k.Every = max(c.s.c.AskAfter, time.Second).Milliseconds()
	return k.askIn(c.s.c.AskAfter)
}

// verdict is what a result says that is no receipt.
func (c *call) verdict(r *google.Result) destination.Verdict {
	v := destination.Verdict{After: r.After, Reason: r.Reason, Code: r.Code, Explanation: r.Text}
	switch r.Fate {
	case google.Dead:
		v.Action = destination.Dead
	case google.Park:
		v.Action, c.stop = destination.Park, true
		c.s.parked.Store(true)
	case google.Retry:
		v.Action = destination.Retry
		if r.Throttled {
			v.Action, v.After, c.stop = destination.Throttle, cmp.Or(r.After, defaultThrottle), true
		}
	default:
		v.Action = destination.Again
	}
	return v
}

// refused is the verdict on an event that is not sent.
func refused(err error) destination.Verdict {
	r, ok := errors.AsType[*google.Refusal](err)
	if !ok {
		return unreadable(err)
	}
	return destination.Verdict{Action: destination.Dead, Reason: r.Reason, Code: r.Code, Explanation: r.Error()}
}

// renew reads the key again.
func (s *Sender) renew() {
	if s.c.Credentials == nil {
		return
	}
	key, err := s.c.Credentials()
	if err == nil {
		err = s.c.Settings.Check(key)
	}
	if err != nil {
		// The destination is parked, and its state says why; the old one stays.
		s.c.Logger.Warn("credentials cannot be read again", zap.String("account", s.c.Settings.Account), zap.Error(err))
		return
	}
	s.client.SetKey(key)
}

// count tells the metrics, by event name.
func (c *call) count() {
	if c.s.c.OnEvents == nil {
		return
	}
	type key struct{ name, outcome string }
	counts := map[key]int{}
	for i := range c.items {
		counts[key{c.names[i], cmp.Or(c.outcomes[i], c.verdicts[i].Action.String())}]++
	}
	for k, n := range counts {
		c.s.c.OnEvents(k.name, k.outcome, n)
	}
}

var _ destination.Sender = (*Sender)(nil)
