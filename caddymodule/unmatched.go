package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// routeAgain replays events that no tenant matched: those that one matches now
// are queued for its destinations, and are dead letters no more. Destinations
// that want raw bytes get none, since the webhook itself is gone.
func (a *App) routeAgain(ctx context.Context, q queue.Queue, filter queue.DeadFilter) (int, error) {
	letters, err := q.Dead(ctx, filter)
	if err != nil {
		return 0, err
	}
	count := 0
	// Oldest first, so that a contact's events keep their order.
	for i := len(letters) - 1; i >= 0; i-- {
		queued, err := a.routeOne(ctx, q, &letters[i])
		if err != nil {
			return count, err
		}
		if !queued {
			continue
		}
		if _, err := q.DropDead(ctx, queue.DeadFilter{Destination: queue.Unmatched.Name, IDs: []string{letters[i].ID}}); err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}

func (a *App) routeOne(ctx context.Context, q queue.Queue, letter *queue.DeadLetter) (bool, error) {
	var doc jsondoc.Doc
	ev, err := revive(&doc, letter)
	if err != nil {
		return false, err
	}
	for _, h := range a.blocks {
		if h.providerName() != ev.Provider {
			continue
		}
		t := h.routes.route(ev)
		if t == nil {
			continue
		}
		ev.SetTenant(t.name)
		var s scratch // not from the pool: this is rare
		s.batch.Events = append(s.batch.Events, *ev)
		s.tenants = append(s.tenants, t)
		g := s.group(t)
		payload, attribution := moved(ev, letter)
		s.preset(g, payload, attribution)
		s.lookUpAds(ctx, h, q)
		s.planEvent(h, g, 0)
		results := q.Append(ctx, s.groups)
		if err := h.report(&s, results); err != nil {
			return false, err
		}
		return true, nil
	}
	return false, nil
}

// preset gives the first event of a group a payload that is made already.
func (s *scratch) preset(g int, payload []byte, attribution uint32) {
	group, p := &s.groups[g], &s.parts[g]
	group.Payloads = append(group.Payloads, payload)
	p.attribution = append(p.attribution, attribution)
	p.ready = true
}

// revive reads back what planning must know of an event. Its key, which the
// JSON does not hold, was kept beside it.
func revive(doc *jsondoc.Doc, letter *queue.DeadLetter) (*normalize.Event, error) {
	if err := doc.Parse(letter.Payload); err != nil {
		return nil, fmt.Errorf("reading dead letter %s: %w", letter.ID, err)
	}
	root := doc.Root()
	if !strings.HasPrefix(string(letter.Payload), unmatchedPrefix(letter)) {
		return nil, errors.New("reading dead letter " + letter.ID + ": it is no unmatched event")
	}
	account := root.Get("account")
	ev := &normalize.Event{
		Kind: normalize.Kind(letter.Header.Kind), Channel: normalize.ChannelNamed(root.Get("channel").String()), Provider: root.Get("provider").String(),
		Account: normalize.Account{
			WabaID: token(account, "wabaId"), PhoneNumberID: token(account, "phoneNumberId"), DisplayPhoneNumber: token(account, "displayPhoneNumber"),
			PageID: token(account, "pageId"), InstagramID: token(account, "instagramId"), App: token(account, "app"), ChannelID: token(account, "channelId"),
		},
		WaPhone: token(root, "waPhone"), WaID: token(root, "waId"), UserID: token(root, "userId"), RawLastEventType: token(root, "rawLastEventType"),
	}
	ev.ReceivedAt, _ = root.Get("receivedAt").Int()
	ev.IngestedAt, _ = root.Get("ingestedAt").Int()
	ev.HasProviderTime = ev.ReceivedAt != ev.IngestedAt
	if m := root.Get("message"); m.Kind() == '{' {
		ev.Message = &normalize.Message{ID: token(m, "id"), Type: m.Get("type").String()}
	}
	if r := root.Get("referral"); r.Kind() == '{' {
		ev.Referral = &normalize.Referral{
			CtwaClid: token(r, "ctwaClid"), AdID: token(r, "adId"), SourceType: token(r, "sourceType"),
			SourceURL: token(r, "sourceUrl"), Headline: token(r, "headline"),
		}
	}
	if e := root.Get("automaticEvent"); e.Kind() == '{' {
		ev.AutomaticEvent = &normalize.AutomaticEvent{EventName: token(e, "eventName"), CtwaClid: token(e, "ctwaClid"), Currency: token(e, "currency")}
		if v := e.Get("value"); v.Kind() == '0' {
			ev.AutomaticEvent.Value = v.Raw()
		}
	}
	ev.SetKey(string(letter.Header.Meta))
	return ev, nil
}

// token is a member as a Text, nil for null.
func token(n jsondoc.Node, name string) normalize.Text {
	if m := n.Get(name); m.Kind() == '"' {
		return m.Raw()
	}
	return nil
}

func unmatchedPrefix(letter *queue.DeadLetter) string {
	return `{"id":"` + normalize.ID(letter.Header.EventID).String() + `","tenantId":"`
}

// moved is the event's JSON with its new id and tenant.
func moved(ev *normalize.Event, letter *queue.DeadLetter) (payload []byte, attribution uint32) {
	rest := letter.Payload[len(unmatchedPrefix(letter)):] // begins with the end of the empty tenant
	payload = append(payload, `{"id":"`+ev.ID().String()+`","tenantId":"`+ev.TenantID...)
	return append(payload, rest...), letter.Header.Attribution + uint32(len(ev.TenantID))
}
