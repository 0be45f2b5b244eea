package leads

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/metrics"
)

// Found is a lead as a form's list has it: what a webhook says of one, and no answers.
type Found struct {
	ID      string
	Created int64 // ms; 0: not said
}

// Form is an instant form of a Page.
type Form struct {
	ID     string
	Active bool
}

// Refusal is why forms or leads were not read.
type Refusal struct {
	Code    string        // Meta's, such as 190/463; "" for another
	Text    string        // with what to do
	Why     string        // as metrics have it; "" is of none
	Wait    time.Duration // not 0: Meta asks for that
	Token   bool          // no form can be read as things are
	Missing bool          // there is no such object, or not for this token
	Asked   bool          // what was asked for is refused, such as a cursor that is old
}

func (r *Refusal) Error() string {
	if r.Code == "" {
		return r.Text
	}
	return "error " + r.Code + ": " + r.Text
}

// pageOf is how many forms or leads are asked for at once: larger ones are refused now and then,
// smaller ones cost calls.
const pageOf = 100

// pageAccess is who asks for what is of one Page: the token itself, or the Page's own, which the
// token of a person or a system user is changed for where Meta wants it.
type pageAccess struct {
	page   string
	own    *graph.Credentials // nil: the token itself
	wanted bool               // the Page's own was asked for
	wait   time.Duration      // as long as the last answer asked to wait: nothing more is asked for

	forms []Form // as far as they were listed
	after string // Meta's cursor of where the list of forms goes on; "" where it does not
}

// limited is that Meta asks to wait; nil where it does not.
func (p *pageAccess) limited() error {
	if p.wait == 0 {
		return nil
	}
	return &Refusal{Text: "Meta asks to wait", Why: metrics.FormsThrottled, Wait: p.wait}
}

// formsOf reads the forms of a Page, from where the last reading of them came to, as far as they
// can be read.
func (s *Sender) formsOf(ctx context.Context, p *pageAccess) error {
	return s.list(ctx, p, p.page+"/leadgen_forms?fields=id,status", p.after, func(a *graph.Answer, next string) (bool, error) {
		for f := a.Root.Get("data").First(); f.Exists(); f = f.Next() {
			if id := f.Get("id").String(); isDigits([]byte(id)) {
				status := f.Get("status").String() // where it is not said, leads are better read than lost
				p.forms = append(p.forms, Form{ID: id, Active: status == "" || strings.EqualFold(status, "ACTIVE")})
			}
		}
		p.after = next
		return true, nil
	})
}

// leadsOf calls do for each part of a form's list from a cursor on, "" from its beginning, newest
// first, of leads that are younger than since (ms), or of no time that can be read: those are
// better queued again than lost. next is the cursor of what is behind the part, "" for nothing; it
// is of the list with this since alone. It goes on as long as do returns true.
func (s *Sender) leadsOf(
	ctx context.Context, p *pageAccess, form string, since int64, after string, do func(found []Found, next string) (bool, error),
) error {
	filter := `[{"field":"time_created","operator":"GREATER_THAN","value":` + strconv.FormatInt(since/1000, 10) + `}]`
	what := form + "/leads?fields=id,created_time&filtering=" + url.QueryEscape(filter)
	return s.list(ctx, p, what, after, func(a *graph.Answer, next string) (bool, error) {
		var found []Found
		all := 0
		for l := a.Root.Get("data").First(); l.Exists(); l = l.Next() {
			all++
			one := Found{ID: l.Get("id").String(), Created: createdAt(l.Get("created_time").String())}
			if isDigits([]byte(one.ID)) && (one.Created == 0 || one.Created >= since) {
				found = append(found, one)
			}
		}
		if len(found) == 0 && all > 0 {
			return false, nil // all that follows is older, too
		}
		return do(found, next)
	})
}

// list reads a list from a cursor on, "" from its beginning, part by part, as long as do returns
// true. It goes on by the cursor: the address of the next part has the token in it. A cursor that
// Meta knows no more begins the list anew.
func (s *Sender) list(
	ctx context.Context, p *pageAccess, what, after string, do func(a *graph.Answer, next string) (bool, error),
) error {
	for kept := after; ; {
		next := what + "&limit=" + strconv.Itoa(pageOf)
		if after != "" {
			next += "&after=" + url.QueryEscape(after)
		}
		a, err := s.askOf(ctx, p, next)
		if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Asked && after != "" && after == kept {
			kept, after = "", ""
			continue
		}
		if err != nil {
			return err
		}
		cursor, more := graph.NextPage(a.Root.Get("paging"))
		nowhere := more && cursor == ""
		if cursor == after || !more {
			cursor = ""
		}
		if goOn, err := do(a, cursor); err != nil || !goOn {
			return err
		}
		switch {
		case nowhere:
			return &Refusal{Text: "the list goes on, but Meta does not say where", Why: metrics.FormsTransient}
		case cursor == "":
			return nil
		}
		after = cursor
	}
}

// askOf asks for what is of a Page, by the Page's own token where Meta wants that. Where Meta asked
// to wait it asks for nothing: that would be refused, and counted.
func (s *Sender) askOf(ctx context.Context, p *pageAccess, what string) (*graph.Answer, error) {
	a, err := s.askBy(ctx, p, what)
	if err == nil && a.Error != nil && mayWantPage(a.Error) && !p.wanted {
		if err := p.limited(); err != nil {
			return nil, err
		}
		p.wanted = true
		if p.own = s.pageToken(ctx, p); p.own != nil {
			a, err = s.askBy(ctx, p, what)
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err() // broken off, such as by a reload: Meta refused nothing
	case err != nil:
		return nil, err
	}
	return a, s.refusal(a)
}

// askBy asks by the token that there is.
func (s *Sender) askBy(ctx context.Context, p *pageAccess, what string) (*graph.Answer, error) {
	if err := p.limited(); err != nil {
		return nil, err
	}
	credentials := s.credentials.Load()
	if p.own != nil {
		credentials = p.own
	}
	a, err := s.askAs(ctx, what, *credentials)
	if err != nil {
		return nil, &Refusal{Text: "Meta was not reached: " + err.Error(), Why: metrics.FormsUnreachable}
	}
	wait, atLimit := graph.Wait(a.Header, s.c.Now())
	if p.wait = wait; atLimit {
		p.wait = max(wait, defaultThrottle)
	}
	return a, nil
}

// wantsPage is the code by which Meta says that a Page's own token is needed.
const wantsPage = 210

// mayWantPage reports whether an error may be that a Page's own token is needed, which Meta
// says by others, too, that mean more.
func mayWantPage(e *graph.Error) bool {
	return e.Code == wantsPage || e.Code == 190 && e.Subcode == 0 || e.Code == 200
}

// pageToken changes the token for the Page's own; nil where Meta does not give it.
func (s *Sender) pageToken(ctx context.Context, p *pageAccess) *graph.Credentials {
	a, err := s.askBy(ctx, p, p.page+"?fields=access_token")
	if err != nil || a.Error != nil || a.Code != http.StatusOK {
		return nil
	}
	own := *s.credentials.Load()
	if own.Token = a.Root.Get("access_token").String(); own.Token == "" {
		return nil
	}
	return &own
}

// refusal is what an answer means that is no list; nil for one.
func (s *Sender) refusal(a *graph.Answer) error {
	wait, _ := graph.Wait(a.Header, s.c.Now())
	if a.Error == nil {
		switch {
		case a.Code == http.StatusOK && a.Root.Get("data").Kind() == '[':
			return nil
		case a.Code == http.StatusTooManyRequests:
			return &Refusal{Text: "Meta asks to wait", Why: metrics.FormsThrottled, Wait: max(wait, defaultThrottle)}
		}
		return &Refusal{
			Text: fmt.Sprintf("%s: no answer of the Graph API: check `endpoint`, and any proxy between here and Meta", a.Status),
			Why:  metrics.FormsUnreachable,
		}
	}
	x := explain(a.Error)
	r := &Refusal{Code: code(a.Error), Text: x.Text(), Why: metrics.FormsTransient}
	switch {
	case isMissing(a.Error):
		r.Missing, r.Asked, r.Text, r.Why = true, true, "there is none, or the token may not see it", metrics.FormsPermission
	case x.Class == capi.Throttled:
		if r.Wait = max(wait, x.Wait); r.Wait == 0 {
			r.Wait = defaultThrottle
		}
		r.Why = metrics.FormsThrottled
	case x.Class == capi.Permission:
		r.Text, r.Why = lacks(x), metrics.FormsPermission
	case x.Class == capi.Token:
		r.Token, r.Why = true, metrics.FormsToken
	case x.Class == capi.Configuration:
		r.Token, r.Why = true, metrics.FormsConfiguration
	case x.Class == capi.BadEvent:
		r.Asked, r.Why = true, metrics.FormsConfiguration
	}
	return r
}

// begin reads the secrets again where the last answer refused them.
func (s *Sender) begin(refused bool) {
	if refused || s.parked.Load() {
		s.renew()
	}
}

// webhook is what Meta would have posted of leads: so what is read is the same event, with the
// same id.
func webhook(page, form string, found []Found) []byte {
	b := append([]byte(`{"object":"page","entry":[{"id":"`), page...)
	b = append(b, `","changes":[`...)
	for i, l := range found {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"field":"leadgen","value":{"leadgen_id":"`...), l.ID...)
		b = append(append(b, `","page_id":"`...), page...)
		b = append(append(append(b, `","form_id":"`...), form...), '"')
		if l.Created != 0 {
			b = strconv.AppendInt(append(b, `,"created_time":`...), l.Created/1000, 10)
		}
		b = append(b, "}}"...)
	}
	return append(b, "]}]}"...)
}
