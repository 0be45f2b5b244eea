package queue

// Group is one tenant's part of one webhook: stored whole or not at all.
// The store may read its bytes until Append has returned; when Append returns
// an error other than ErrClaimed, also after that: the caller then leaves them to the
// collector.
type Group struct {
	Tenant   string
	Events   []Event
	Payloads [][]byte // shared by jobs
	Jobs     []Job
	Counters []Counter
	Notes    []Note // for journals of contacts
}

// Event is what a store must know of an event to store it once.
type Event struct {
	ID   ID
	Time int64 // the provider's time, ms; 0 if it gave none. Copies of an event may differ in it

	// Seal is an id of what vouches for the event, where that would vouch for
	// another too: the event is new only if its seal is. It is remembered with
	// the event, by the day of its arrival. The zero ID is none.
	Seal ID

	// Contact is the contact's key, see package clicks; "" if the event has
	// none. Aliases are the contact's other keys, MessageID the message's key.
	// They are written when the contact has a click, or this event brings one.
	Contact   string
	Aliases   []string
	MessageID string
	Clicks    []Click // in order: of equal times the later one is the newer. Nearly always none or one, at most MaxClicks

	// Claim is a link's code that becomes the contact's in the same step: see
	// [Queue.Append]. "" = none; that of an event without a Contact is none.
	Claim string

	// Former are contact keys of the same person's old identities. What is stored
	// under them moves to Contact, and they become aliases of it.
	Former []string
}

// MaxClicks is how many clicks an event may bring.
const MaxClicks = 3

// ClickKind is which platforms can be told of a click: of each kind a contact's oldest
// and newest click are kept, so that none hides another. The numbers are stored.
type ClickKind uint8

// The kinds of clicks.
const (
	ClickAd     ClickKind = iota // an ad's, without an id that platforms take: Messenger, Instagram, Status ads
	ClickClid                    // an ad's, with a ctwa_clid
	ClickGoogle                  // a link's, with gclid, gbraid or wbraid
	ClickLink                    // any other link's
	ClickLead                    // no click, but a form of a lead ad

	ClickKinds // how many there are
)

// OfAd reports whether it is a kind of ads' clicks.
func (k ClickKind) OfAd() bool { return k == ClickAd || k == ClickClid }

// Click is what is kept of a click on an ad or on a link.
type Click struct {
	At   int64 // ms; one in the future counts as now
	Kind ClickKind
	Data []byte // JSON, see package clicks; a click without it is none
}

// Clicks are a contact's stored clicks, JSON each, nil where there is none: of all the
// oldest and the newest, and of each kind.
type Clicks struct {
	First, Last    []byte
	Oldest, Newest [ClickKinds][]byte
}
