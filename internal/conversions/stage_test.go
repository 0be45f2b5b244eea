package conversions

import (
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/normalize"
)

// TestStageNames: a name that is none is refused by the rule of stages, and a chat's contact who may
// be a lead, too, is told how a free name is posted.
func TestStageNames(t *testing.T) {
	for item, want := range map[string]string{
		`"eventName":"a\nb","leadId":"` + anaLead + `"`:                          "1 to 100 characters",
		`"eventName":"` + strings.Repeat("x", 101) + `","waPhone":"` + ana + `"`: "1 to 100 characters",
		`"eventName":"Marketing Qualified Lead","waPhone":"` + ana + `"`:         "post its leadId",
	} {
		b := openBooks(t, "", meta(), stages())
		touchedStore(t, b.store, b.Now(), normalize.ChannelWhatsApp, strings.TrimPrefix(ana, "+"), "clid:A")
		b.addLead(t, anaLead, ana, "ana@example.com", false)
		if r := b.post(t, "{"+item+"}"); r.Status != "invalid" || !strings.Contains(deref(r.Error)+deref(r.Fix), want) {
			t.Errorf("%s: %s %s %s", item, r.Status, deref(r.Error), deref(r.Fix))
		}
	}
}

// TestDuplicateIsNoEvent: what is reported once is an event of kind conversion once, too, however its
// lead is named, in one post and in several.
func TestDuplicateIsNoEvent(t *testing.T) {
	wants, err := destination.ParseWants("conversions")
	if err != nil {
		t.Fatal(err)
	}
	b := openBooks(t, "", stages(), &forward.Planner{Wants: wants})
	b.addLead(t, anaLead, ana, "ana@example.com", false)
	first := `{"eventName":"Won","leadId":"` + anaLead + `"}`
	results, err := b.accept(append(itemNodes(t, first), itemNodes(t, `{"eventName":"Won","leadId":"l:`+anaLead+`"}`)...))
	if err != nil || results[0].Status != Queued || results[1].Status != Duplicate {
		t.Fatal(results, err)
	}
	for _, item := range []string{first, `{"eventName":"Won","waPhone":"` + ana + `"}`} {
		if r := b.post(t, item); r.Status != Duplicate {
			t.Errorf("%s: %s", item, r.Status)
		}
	}
	if r := b.post(t, `{"eventName":"Lost","leadId":"`+anaLead+`"}`); r.Status != Queued {
		t.Error(r)
	}
	if told, events := len(b.queued(t, "a")), len(b.queued(t, "b")); told != 2 || events != 2 {
		t.Errorf("%d are told, and %d are events", told, events)
	}
}
