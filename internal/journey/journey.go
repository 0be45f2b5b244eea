// Package journey is the story of one contact: its touches, and what was reported of it to
// ad platforms, where to, and what came of it. It is kept as notes of the store, see
// [queue.Note]: who plans a report notes it ([AddJob], [AddRefused]), the delivery engine
// notes what became of it ([Settled]), and [Show] reads all of it.
package journey

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue"
)

// The kinds of reports. What a webhook brings has the word of its unified event.
const (
	KindLead       = "lead"            // a click, or a form of a lead ad, that is reported
	KindAutomatic  = "automatic_event" // what Meta found in a chat
	KindConversion = "conversion"      // posted by a CRM, or said in a chat
)

// Outcome is what became of a report.
type Outcome string

// The outcomes.
const (
	Sent      Outcome = "sent"      // queued: on its way, or waiting for the platform's word
	Delivered Outcome = "delivered" // the platform has it
	Duplicate Outcome = "duplicate" // it was reported before
	NoClick   Outcome = "no_click"  // the contact has no click that a ledger takes
	Invalid   Outcome = "invalid"   // it was refused when it was posted or said
	Dead      Outcome = "dead"      // it is a dead letter, or was dropped
)

// Report is what is noted of a report.
type Report struct {
	Kind, Name      string
	Value, Currency string // a decimal without an exponent; "" for none
}

// The most that is kept of a text, in bytes: a hundred notes have queue.MaxNoteBytes.
const (
	maxName   = 100
	maxReason = 300
)

func (r *Report) data(destination string) []byte {
	n := noted{Kind: r.Kind, Name: short(r.Name, maxName), Destination: destination, Currency: short(r.Currency, maxName)}
	if isNumber(r.Value) && len(r.Value) <= maxName {
		n.Value = json.Number(r.Value)
	}
	return n.encode()
}

// isNumber reports whether a text is a number of JSON, and no other value, as true is.
func isNumber(s string) bool {
	return s != "" && strings.IndexByte("-0123456789", s[0]) >= 0 && json.Valid([]byte(s))
}

func (o Outcome) because(reason string) []byte {
	return (&ending{o, short(printable.Line(reason), maxReason)}).encode()
}

// short is the beginning of a text, in whole characters.
func short(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}

// contactOf is the key of whom an entry is of, "" if nobody knows. Where entries are
// ordered by something else, that stands in Contact.
func contactOf(h *queue.Header) string { return cmp.Or(h.ClickKey, h.Contact) }

// idOf is the ID of the note of an entry, which a conversion that is posted again after a
// while does not share with the one before.
func idOf(destination string, h *queue.Header) queue.ID {
	at := binary.BigEndian.AppendUint64(nil, uint64(h.QueuedAt))
	return sumOf("job", destination, string(h.EventID[:]), string(at))
}

func sumOf(parts ...string) (id queue.ID) {
	sum := sha256.New()
	for _, p := range parts {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		sum.Write([]byte(p))
	}
	copy(id[:], sum.Sum(nil))
	return id
}

// AddJob notes a group's job j, which reports something, for each way that it may go. told
// says that a repetition is noted, too: once, however often it comes.
func AddJob(g *queue.Group, j int, r *Report, told bool) {
	job := &g.Jobs[j]
	contact := contactOf(&job.Header)
	if contact == "" {
		return
	}
	if len(job.Header.Meta) == 0 {
		job.Header.Meta = []byte("{}") // says that there is a note, which is told of
	}
	data := r.data(job.Dest.Name)
	n := queue.Note{Contact: contact, ID: idOf(job.Dest.Name, &job.Header), At: job.Header.Time, Data: data, Of: j}
	n.When, n.Outcome = queue.WhenDead, overflowed
	if job.Dead != nil {
		n.Outcome = Dead.because(Why(job.Dead))
	}
	g.Notes = append(g.Notes, n)
	if job.Dead == nil {
		n.When, n.Outcome = queue.WhenQueued, sent
		g.Notes = append(g.Notes, n)
	}
	if told {
		n.When, n.Outcome = queue.WhenDuplicate, duplicate
		n.ID = sumOf("duplicate", job.Dest.Name, string(job.Header.EventID[:]))
		g.Notes = append(g.Notes, n)
	}
}

// Those of most notes, which are written before a webhook is answered.
var sent, duplicate, overflowed = Sent.because(""), Duplicate.because(""), Dead.because(Why(&queue.OverflowReason))

// Why is a dead letter's reason as a journey shows it.
func Why(r *queue.Reason) string {
	why := r.Reason
	if r.Code != "" {
		why += " (" + r.Code + ")"
	}
	if r.Explanation != "" {
		why += ": " + r.Explanation
	}
	return why
}

// Refused is a report that was not made.
type Refused struct {
	Contact string // the contact's key
	Report
	Outcome Outcome // NoClick or Invalid
	Reason  string
	At      int64  // ms
	Same    string // what a repetition has the same: it is noted once
}

// AddRefused notes it for event n of a group.
func AddRefused(g *queue.Group, n int, r *Refused) {
	g.Notes = append(g.Notes, queue.Note{
		Contact: r.Contact, ID: sumOf("refused", string(r.Outcome), r.Name, r.Same), At: r.At,
		Data: r.data(""), Outcome: r.Outcome.because(r.Reason), When: queue.WhenNew, Of: n,
	})
}

// Settled is the note of what became of an entry that reports something, to be written when an
// event of a group is new. It has no Contact where nobody knows whose the entry is.
func Settled(destination string, h *queue.Header, o Outcome, reason string) queue.Note {
	return queue.Note{Contact: contactOf(h), ID: idOf(destination, h), At: h.Time, Outcome: o.because(reason), When: queue.WhenNew}
}

// Contacts are whom entries are of, each once.
func Contacts(of []*queue.Header) (keys []string) {
	for _, h := range of {
		if contact := contactOf(h); contact != "" && !slices.Contains(keys, contact) {
			keys = append(keys, contact)
		}
	}
	return keys
}

// Moved are the notes of entries that go from one destination to another, of those that stand
// in the journals of their contacts: each is noted as the other's, with what became of it so
// far, and the first one says where it went.
func Moved(known []queue.Note, from, to string, moved []*queue.Header) (notes []queue.Note) {
	by := make(map[queue.ID]*queue.Note, len(known))
	for i := range known {
		by[known[i].ID] = &known[i]
	}
	for _, h := range moved {
		id := idOf(from, h)
		n := by[id]
		if n == nil || by[idOf(to, h)] != nil { // noted before, by a move that was broken off
			continue
		}
		of, ok := readNoted(n.Data)
		if !ok {
			continue
		}
		of.Destination = to
		contact := contactOf(h)
		notes = append(notes,
			queue.Note{Contact: contact, ID: idOf(to, h), At: n.At, Data: of.encode(), Outcome: n.Outcome, When: queue.WhenNew},
			queue.Note{Contact: contact, ID: id, Outcome: Sent.because("moved to destination " + to), When: queue.WhenNew})
	}
	return notes
}
