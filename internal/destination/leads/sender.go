package leads

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/apicall"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

const (
	// patience is for how long a lead that Meta does not know is asked for again: it may be
	// there only seconds after its webhook, and access to leads is often mended in hours.
	patience = 6 * time.Hour

	defaultThrottle = time.Minute      // where Meta does not say how long to wait
	storePause      = 2 * time.Second  // for a queue that takes nothing
	soonest         = 2 * time.Second  // until a lead that Meta does not know is asked for again
	longest         = 10 * time.Minute // likewise, later on
)

// mostAnswer is how much is read of an answer, in bytes: a form may have many questions, with long texts
// for answers, and a letter that is not ASCII takes 6 or 12 bytes.
const mostAnswer = 1 << 20

// Sender reads leads, and hands them on.
type Sender struct {
	c           Config
	client      graph.Client
	credentials atomic.Pointer[graph.Credentials]
	parked      atomic.Bool // the last answer parked us
	forms       forms
	renewing    sync.Mutex
}

// NewSender makes the sender of a tenant's leads.
func NewSender(c Config) *Sender {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	s := &Sender{c: c, client: graph.Client{
		Transport: apicall.New(), Endpoint: c.Endpoint, Version: c.GraphVersion, UserAgent: c.UserAgent, Most: mostAnswer,
	}}
	s.credentials.Store(&c.Credentials)
	return s
}

// CloseIdleConnections ends connections that no request uses.
func (s *Sender) CloseIdleConnections() { apicall.Close(s.client.Transport) }

// Send reads each lead and hands it on.
func (s *Sender) Send(ctx context.Context, items []destination.Item) []destination.Verdict {
	if s.parked.Load() {
		s.renew()
	}
	verdicts := make([]destination.Verdict, len(items))
	for i := range items {
		verdicts[i] = s.send(ctx, &items[i])
		switch verdicts[i].Action {
		case destination.Park:
			s.parked.Store(true)
		case destination.Done:
			s.parked.Store(false)
		}
	}
	return verdicts
}

// renew reads the secrets again.
func (s *Sender) renew() {
	if s.c.Renew == nil {
		return
	}
	s.renewing.Lock()
	defer s.renewing.Unlock()
	c, err := s.c.Renew()
	if err != nil {
		// The destination is parked, and its state says why; the old ones stay.
		s.c.Logger.Warn("secrets cannot be read again", zap.Error(err))
		return
	}
	s.credentials.Store(&c)
}

func (s *Sender) send(ctx context.Context, it *destination.Item) destination.Verdict {
	var doc jsondoc.Doc
	ev, err := revive(&doc, &it.Entry)
	if err != nil {
		return destination.Verdict{Action: destination.Dead, Reason: "unreadable", Explanation: err.Error()}
	}
	id := ev.Lead.LeadgenID.String()
	if !isDigits([]byte(id)) {
		return destination.Verdict{
			Action: destination.Dead, Reason: "invalid", Explanation: "the lead's id is none of Meta's: those are of digits alone",
		}
	}
	if v, ok := s.forgotten(ctx, id); ok {
		return v
	}
	answer, err := s.read(ctx, id)
	if err != nil {
		return destination.Verdict{Action: destination.Retry, Reason: "Meta was not reached", Explanation: err.Error()}
	}
	if v, ok := s.judge(answer, id, it); !ok {
		return v
	}
	if v, ok := s.forgotten(ctx, id); ok { // meanwhile
		return v
	}
	emailHash := lead{answer.Root}.fill(ev, s.forms.name(ctx, s, ev.Lead.FormID.String()))
	if err := s.c.Complete(ctx, ev, emailHash); err != nil {
		return noQueue(err)
	}
	v := destination.Verdict{Action: destination.Done}
	if wait, atLimit := graph.Wait(answer.Header, s.c.Now()); wait > 0 || atLimit {
		v.After, v.Reason = max(wait, soonest), "Meta asks to wait"
	}
	return v
}

// What is asked of a lead. Those of the ad want rights that not every token has.
const (
	leadFields = "id,created_time,form_id,field_data,is_organic,platform,custom_disclaimer_responses"
	adFields   = ",ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name"
)

// read asks for a lead, and once more without what the ad is called where that is refused: the
// lead itself is not to be lost for it.
func (s *Sender) read(ctx context.Context, id string) (*graph.Answer, error) {
	answer, err := s.ask(ctx, id+"?fields="+leadFields+adFields)
	if err != nil || answer.Error == nil || !mayBeTheAd(answer.Error) {
		return answer, err
	}
	without, err := s.ask(ctx, id+"?fields="+leadFields)
	if err != nil || without.Error != nil {
		return answer, nil //nolint:nilerr // the first answer says what is wrong
	}
	return without, nil
}

// mayBeTheAd reports whether an error may be one of the ad's fields alone.
func mayBeTheAd(e *graph.Error) bool {
	x := explain(e)
	return x.Class == capi.Permission && !isMissing(e) || x.Class == capi.BadEvent && e.Code == 100
}

func (s *Sender) ask(ctx context.Context, what string) (*graph.Answer, error) {
	return s.askAs(ctx, what, *s.credentials.Load())
}

func (s *Sender) askAs(ctx context.Context, what string, c graph.Credentials) (*graph.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, capi.DefaultTimeout)
	defer cancel()
	return s.client.Get(ctx, what, c)
}

func explain(e *graph.Error) capi.Explanation {
	return (&capi.GraphError{Code: e.Code, Subcode: e.Subcode, Transient: e.Transient}).Explain()
}

// isMissing reports whether an error means that there is no such object (803), or none that the
// token may see.
func isMissing(e *graph.Error) bool {
	return !e.Transient && (e.Code == 100 && e.Subcode == 33 || e.Code == 803)
}

const (
	rights = "the token needs leads_retrieval, pages_show_list, pages_read_engagement and pages_manage_ads, of a person or system user " +
		"who may see the Page's leads; where the Leads Access Manager was ever set, the app must be assigned there as a CRM " +
		"(`caddy leadgate doctor` says what Meta says)"
	notThere = "Meta knows no such lead, or the token may not see it: the token of another Page, a lead that was deleted or is older than " +
		"90 days, or one of the dashboard's Test button"
)

// lacks says what is missing where a right is.
func lacks(x capi.Explanation) string {
	if x.Code == wantsPage {
		return x.Text()
	}
	return x.Sentence + ": " + rights
}

// judge says what an answer means; ok reports whether it is the lead.
func (s *Sender) judge(a *graph.Answer, id string, it *destination.Item) (v destination.Verdict, ok bool) {
	if a.Error == nil {
		return s.strange(a, id)
	}
	x := explain(a.Error)
	v = destination.Verdict{Reason: x.Class.String(), Code: code(a.Error), Explanation: x.Text()}
	switch {
	case isMissing(a.Error):
		v.Reason, v.Explanation = "not found", notThere
		return s.later(v, it), false
	case x.Class == capi.Throttled:
		wait, _ := graph.Wait(a.Header, s.c.Now())
		if v.After = max(wait, x.Wait); v.After == 0 {
			v.After = defaultThrottle
		}
		v.Action = destination.Throttle
	case x.Class == capi.Token, x.Class == capi.Configuration:
		v.Action = destination.Park
	case x.Class == capi.Permission:
		v.Action, v.Explanation = destination.Park, lacks(x)
	case x.Class == capi.BadEvent:
		// Mostly it is not there, which is not always said by a subcode; and a field that a new version
		// has no more is no reason to lose it.
		v.Explanation = "Meta refuses to show the lead: " + notThere
		return s.later(v, it), false
	default:
		v.Action = destination.Retry
		v.After, _ = graph.Wait(a.Header, s.c.Now())
	}
	return v, false
}

// code is the error's as it is shown: 190/463.
func code(e *graph.Error) string {
	if e.Subcode == 0 {
		return strconv.Itoa(e.Code)
	}
	return strconv.Itoa(e.Code) + "/" + strconv.Itoa(e.Subcode)
}

// strange is what an answer without an error means: the lead, or one that is not the Graph
// API's.
func (s *Sender) strange(a *graph.Answer, id string) (v destination.Verdict, ok bool) {
	if a.Code == http.StatusOK && isLead(a.Root, id) {
		return v, true
	}
	v = destination.Verdict{
		Action: destination.Retry, Reason: a.Status,
		Explanation: "no answer of the Graph API: check `endpoint`, and any proxy between here and Meta",
	}
	wait, _ := graph.Wait(a.Header, s.c.Now())
	switch {
	case a.Code == http.StatusTooManyRequests:
		v.Action, v.After = destination.Throttle, max(wait, soonest)
		if wait == 0 {
			v.After = defaultThrottle
		}
	case a.Code >= 500:
		v.After = wait
	}
	return v, false
}

// isLead reports whether an answer is the lead that was asked for: it has its id, or answers and no id.
func isLead(root jsondoc.Node, id string) bool {
	if has := root.Get("id"); has.Exists() {
		return has.String() == id
	}
	return root.Get("field_data").Kind() == '['
}

// later has a lead that Meta does not show wait, and nobody else: nothing failed that others would.
// It is dead when that was so for too long.
func (s *Sender) later(v destination.Verdict, it *destination.Item) destination.Verdict {
	now := s.c.Now().UnixMilli()
	first, err := strconv.ParseInt(it.Note, 10, 64)
	if err != nil {
		first = now
	}
	waited := time.Duration(now-first) * time.Millisecond
	if waited >= patience {
		v.Action = destination.Dead
		v.Explanation = fmt.Sprintf("for %d hours: %s", int(patience/time.Hour), v.Explanation)
		return v
	}
	v.Action, v.Note = destination.Later, strconv.FormatInt(first, 10)
	v.After = min(max(waited, soonest), longest, patience-waited)
	return v
}

var _ destination.Sender = (*Sender)(nil)
