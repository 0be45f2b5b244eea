package google

import (
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/google"
)

// The outcomes of events of which Google says later what became of them, beside those of
// the verdicts.
const (
	confirmed = "confirmed" // Google has it
	unknown   = "unknown"   // Google does not say, and will not
	unmatched = "unmatched" // Google knows no click of the phone or e-mail: normal without a click's id
)

// How often the status of a request is asked: ever more slowly, for as long as Google may
// still say something.
const (
	slowestAsk = time.Hour
	askFor     = 24 * time.Hour
)

// kept is what is kept of an event that was sent: as its receipt where it is to be asked
// about, and as its note where it is to be sent again. Google is known to give no reason
// to any event but by its place in a request.
type kept struct {
	Request string `json:"request,omitempty"`
	Index   int    `json:"index,omitempty"`
	Of      int    `json:"of,omitempty"`
	At      int64  `json:"at,omitempty"`    // when Google gave the receipt, ms
	Every   int64  `json:"every,omitempty"` // how long was waited before it is asked, ms

	Again int `json:"again,omitempty"` // how often it was sent again
	Shift int `json:"shift,omitempty"` // by so many seconds, see google.Conversion
}

func readKept(text string) (k kept, err error) {
	if text == "" {
		return k, nil
	}
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		return kept{}, fmt.Errorf("reading what is kept of a request: %w", err)
	}
	return k, nil
}

func (k *kept) encode() string {
	b, err := json.Marshal(k)
	if err != nil {
		panic(err) // numbers and a string
	}
	return string(b)
}

// askIn has the request be asked about after a time.
func (k *kept) askIn(d time.Duration) destination.Verdict {
	return destination.Verdict{Action: destination.Later, After: d, Reason: "its status is open", Receipt: k.encode()}
}

// askAgain has it be asked about once more; not ok when there is no time left.
func (k *kept) askAgain(now time.Time) (v destination.Verdict, ok bool) {
	left := time.UnixMilli(k.At).Add(askFor).Sub(now)
	if left <= 0 {
		return destination.Verdict{}, false
	}
	every := min(time.Duration(k.Every)*time.Millisecond*13/10, slowestAsk)
	k.Every = every.Milliseconds()
	return k.askIn(min(every, left)), true
}

// sendAgain has it be sent once more after a time, under the same id.
func (k *kept) sendAgain(d time.Duration, x *google.Explanation) destination.Verdict {
	note := kept{Again: k.Again + 1, Shift: k.Shift}
	return destination.Verdict{Action: destination.Later, After: d, Reason: "to be sent again", Code: x.Reason, Explanation: x.Text(),
		Note: note.encode()}
}

// ask asks what became of the events of a request.
func (c *call) ask(q *question) {
	if c.stop {
		for _, i := range q.at {
			c.verdicts[i] = destination.Verdict{Action: destination.Again}
		}
		return
	}
	status, result := c.s.client.Status(c.ctx, q.request)
	if result.Fate == google.Taken {
		c.s.parked.Store(false)
		for _, w := range status.Warnings {
			c.s.warn(w.Reason, "", c.now)
		}
	}
	for n, i := range q.at {
		k := &q.kept[n]
		switch {
		case result.Fate == google.Taken:
			c.settle(i, k, status.Of(k.Index, k.Of))
		case result.Fate == google.Dead: // Google knows the request no more
			c.s.complain("Google does not know a request any more: nobody can say what became of its events", q.request, c.now)
			c.done(i, unknown)
		case result.Fate == google.Retry && !result.Throttled:
			// Google has the event: that it does not answer now is no failure of it.
			c.s.complain("the status of requests cannot be asked: "+result.Text, q.request, c.now)
			c.open(i, k)
		default:
			c.verdicts[i] = c.verdict(&result)
		}
	}
}

func (c *call) done(i int, outcome string) {
	c.verdicts[i], c.outcomes[i] = destination.Verdict{Action: destination.Done}, outcome
}

// open leaves an event of which nothing is known yet.
func (c *call) open(i int, k *kept) {
	v, ok := k.askAgain(c.now)
	if !ok {
		c.done(i, unknown)
		return
	}
	c.verdicts[i] = v
}

// settle does with an event what Google says of it.
func (c *call) settle(i int, k *kept, o google.Outcome) {
	switch {
	case o.Open:
		c.open(i, k)
	case o.Clean:
		c.s.foreign.Store(0)
		c.done(i, confirmed)
	case o.Reason == nil:
		c.verdicts[i] = destination.Verdict{Action: destination.Dead, Reason: google.ReasonUnconfirmed,
			Explanation: "Google refused some events of its request, and does not say which: compare with the conversion action's diagnostics " +
				"in Google Ads; a replay sends it under the same id, which does not count twice"}
	default:
		c.refused(i, k, o.Reason)
	}
}

// refused does what the table says of a reason for which Google refused an event after it
// had taken it.
func (c *call) refused(i int, k *kept, x *google.Explanation) {
	m, _ := readMeta(c.items[i].Header.Meta) // it was read before
	if x.Foreign {
		c.s.countForeign(c.now)
	}
	switch {
	case x.Action == google.Done, x.Action == google.Shift && k.Again > 0 && k.Shift == 0:
		c.done(i, confirmed) // in the second case it is the resend that Google knows
	case x.Quiet && m.click() == "":
		c.done(i, unmatched)
	case (x.Action == google.SendAgain || x.Action == google.Shift) && k.Again < len(x.Again):
		if x.Action == google.Shift {
			k.Shift++
		}
		c.verdicts[i] = k.sendAgain(c.againAfter(k, x, m), x)
	case x.Action == google.Halt:
		v := k.sendAgain(time.Minute, x)
		v.Parks, v.Reason = true, "configuration"
		c.verdicts[i] = v
		c.s.parked.Store(true)
	case x.Action == google.Unknown:
		c.done(i, unknown)
	default:
		c.verdicts[i] = destination.Verdict{Action: destination.Dead, Reason: letter(x), Code: x.Reason, Explanation: x.Text()}
	}
}

func letter(x *google.Explanation) string {
	if x.Letter == "" {
		return google.ReasonRefused
	}
	return x.Letter
}

// againAfter is how long an event waits before it is sent again: where Google does not
// know its click yet, until that is old enough.
func (c *call) againAfter(k *kept, x *google.Explanation, m *meta) time.Duration {
	if x.FromHour && m.ClickedAt > 0 {
		if wait := time.UnixMilli(m.ClickedAt).Add(google.MinClickAge).Sub(c.now); wait > 0 {
			return wait
		}
	}
	return x.Again[k.Again]
}

// warn says what of events Google ignores, each reason once a day.
func (s *Sender) warn(reason, field string, now time.Time) {
	if !s.said.first("warning "+reason, 24*time.Hour, now) {
		return
	}
	x := google.ExplainWarning(reason)
	s.c.Logger.Warn("Google takes events and ignores a part of them", zap.String("account", s.c.Settings.Account),
		zap.String("reason", reason), zap.String("field", field), zap.String("explanation", x.Text()))
}

// manyForeign is how many clicks of other accounts in a row are no stray links any more.
const manyForeign = 5

// countForeign counts an event whose click is another account's, and says once a day that
// the account is probably wrong.
func (s *Sender) countForeign(now time.Time) {
	if n := s.foreign.Add(1); n >= manyForeign && s.said.first("foreign", 24*time.Hour, now) {
		s.c.Logger.Warn("the clicks are of ads of another Google Ads account: set `account` to the one that pays for the ads and owns the "+
			"conversion actions, and replay the dead letters", zap.String("account", s.c.Settings.Account), zap.Int32("in_a_row", n))
	}
}

// complain says once an hour what is wrong with asking.
func (s *Sender) complain(what, request string, now time.Time) {
	if s.said.first("asking", time.Hour, now) {
		s.c.Logger.Warn(what, zap.String("account", s.c.Settings.Account), zap.String("request", request))
	}
}
