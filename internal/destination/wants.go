package destination

import (
	"fmt"
	"strings"

	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

// Wants is which events a destination wants: which kinds, and whether of ad clicks
// alone. The zero value is none.
type Wants struct {
	kinds uint8 // a bit for each normalize.Kind, and one for what another app or agent answers
	ads   bool
}

const (
	wantMessages    = 1 << normalize.KindMessage
	wantEchoes      = 1 << normalize.KindEcho
	wantStatuses    = 1 << normalize.KindStatus
	wantAutomatic   = 1 << normalize.KindAutomaticEvent
	wantAccount     = 1 << normalize.KindAccount
	wantConversions = 1 << normalize.KindConversion
	wantLeads       = 1 << normalize.KindLead
	wantStandby     = 1 // no Kind is 0
	wantAll         = wantMessages | wantEchoes | wantStatuses | wantAutomatic | wantAccount | wantConversions | wantLeads | wantStandby
	wantOfAds       = wantMessages | wantAutomatic | wantLeads | wantStandby | wantEchoes // the last for its standby threads
	wantDefault     = wantMessages | wantStatuses | wantAutomatic | wantLeads
)

// wantWords are the words of `only`, in the order that a message names them. ads
// is no kind: it narrows the others.
var wantWords = []struct {
	word string
	bits uint8
}{
	{"messages", wantMessages},
	{"statuses", wantStatuses},
	{"echoes", wantEchoes},
	{"automatic_events", wantAutomatic},
	{"account", wantAccount},
	{"conversions", wantConversions},
	{"leads", wantLeads},
	{"standby", wantStandby},
	{"all", wantAll},
	{"ads", 0},
}

// ParseWants reads the words of the option `only`: the kinds, or-ed. No word is
// the default, messages, statuses, automatic_events and leads; ads alone is messages and
// automatic_events with ads.
func ParseWants(words ...string) (Wants, error) {
	var w Wants
	for _, word := range words {
		bits, ok := wantBits(word)
		if !ok {
			return w, fmt.Errorf("only '%s' is unknown: write %s", word, wording.Or(wantNames()))
		}
		w.kinds |= bits
		w.ads = w.ads || word == "ads"
	}
	switch {
	case w.kinds == 0 && w.ads:
		w.kinds = wantMessages | wantAutomatic
	case w.kinds == 0:
		w.kinds = wantDefault
	case w.ads && w.kinds&wantOfAds == 0:
		return w, fmt.Errorf("only %s takes nothing: ads narrows the others to what an ad brought, and of these nothing is: "+
			"leave ads out, or add messages, automatic_events, leads or standby", strings.Join(words, " "))
	}
	return w, nil
}

func wantBits(word string) (bits uint8, ok bool) {
	for _, w := range wantWords {
		if w.word == word {
			return w.bits, true
		}
	}
	return 0, false
}

func wantNames() []string {
	names := make([]string, len(wantWords))
	for i, w := range wantWords {
		names[i] = w.word
	}
	return names
}

// Event reports whether the destination wants an event.
func (w Wants) Event(ev *normalize.Event) bool {
	kind := uint8(1) << ev.Kind
	// Another app or agent answers in a standby thread, so what is said there is
	// for those who will not answer, too: they say so, or listen to both sides.
	if string(ev.RawLastEventType) == `"standby"` {
		kind = wantStandby | wantEchoes
	}
	if w.kinds&kind == 0 {
		return false
	}
	return !w.ads || ev.Kind == normalize.KindAutomaticEvent || ev.Referral.IsAd() || ev.Lead.IsAd()
}
