package queue

import (
	"bytes"
	"cmp"
	"slices"
)

// Note is a line of a contact's journal: a conversion, say, and what became of it. A
// journal follows its contact as clicks do: by aliases, and from an old identity to the new
// one. It is kept for [Options.RememberClicks] from the last note that was written.
type Note struct {
	// Contact is one of the contact's keys, see package clicks: the journal is that of the
	// contact it leads to, its own where it leads to none.
	Contact string
	// ID is that of what the note tells of: a note with the ID of one that is there takes
	// its place, or has its Outcome alone take the other's, if it has no Data.
	ID ID
	At int64 // when it happened, ms; in the future counts as now
	// Data is of package journey, and stays. A note without it tells what became of
	// one that is there, and is nothing where there is none.
	Data    []byte
	Outcome []byte // of package journey

	When When // which outcome of the group it is written for: any but WhenFirst
	Of   int  // the index into Group.Events, or into Group.Jobs, for all but WhenNew
}

// The limits of a contact's journal: of what is beyond, the oldest goes.
const (
	MaxNotes     = 100
	MaxNoteBytes = 32 << 10 // of all notes' Data and Outcome
	// MaxNote is how long a note's Data, or its Outcome, may be.
	MaxNote = 2 << 10
)

// Written reports whether a note is, by the outcome of its group.
func (n *Note) Written(g *Group, r *Result) bool {
	switch n.When {
	case WhenQueued:
		return r.Jobs[n.Of] == Queued
	case WhenDuplicate:
		return r.Jobs[n.Of] == Duplicate && slices.ContainsFunc(g.Jobs[n.Of].Events, func(i int) bool { return r.New[i] })
	case WhenDead:
		return r.Jobs[n.Of] == Overflow || r.Jobs[n.Of] == Died
	}
	return r.New[n.Of]
}

// Journal is a contact's notes as durable stores keep them, the oldest first.
type Journal []Note

// Add writes a note, and reports whether that changed anything. now is in ms.
func (j Journal) Add(n *Note, now int64) (_ Journal, changed bool) {
	known := slices.IndexFunc(j, func(o Note) bool { return o.ID == n.ID })
	switch {
	case len(n.Data) > 0:
		if known >= 0 {
			j = slices.Delete(j, known, known+1)
		}
		j = j.insert(Note{ID: n.ID, At: min(n.At, now), Data: n.Data, Outcome: n.Outcome})
	case known >= 0:
		j[known].Outcome = n.Outcome
	default:
		return j, false
	}
	return j.trim(), true
}

// Merge adds the notes of another journal, but for those of an ID that is here.
func (j Journal) Merge(other Journal) Journal {
	for i := range other {
		if !slices.ContainsFunc(j, func(n Note) bool { return n.ID == other[i].ID }) {
			j = j.insert(other[i])
		}
	}
	return j.trim()
}

// insert puts a note in its place: by time, and by ID where that is the same, so that it
// does not matter which came first.
func (j Journal) insert(n Note) Journal {
	at, _ := slices.BinarySearchFunc(j, n, compareNotes)
	return slices.Insert(j, at, n)
}

func compareNotes(a, b Note) int {
	return cmp.Or(cmp.Compare(a.At, b.At), bytes.Compare(a.ID[:], b.ID[:]))
}

// trim leaves out the oldest notes, beyond the limits.
func (j Journal) trim() Journal {
	kept, size := len(j), 0
	for kept > 0 && len(j)-kept < MaxNotes {
		if size += len(j[kept-1].Data) + len(j[kept-1].Outcome); size > MaxNoteBytes {
			break
		}
		kept--
	}
	return slices.Delete(j, 0, kept)
}

// noteProblem says what is wrong with a group's notes, "" if nothing is.
func (g *Group) noteProblem() string {
	for i := range g.Notes {
		n := &g.Notes[i]
		of := len(g.Jobs)
		if n.When == WhenNew {
			of = len(g.Events)
		}
		switch {
		case n.When == WhenFirst || n.When > WhenDead:
			return "a note is of an outcome that it cannot be of"
		case n.Of < 0 || n.Of >= of:
			return "a note is of an event or a job that is not there"
		case n.Contact == "":
			return "a note is of no contact"
		case len(n.Data) > MaxNote || len(n.Outcome) > MaxNote || len(n.Contact) > 2*MaxNote:
			return "a note is longer than a note can be"
		}
	}
	return ""
}

// NewestFirst is the notes of several journals as they are shown: each once.
func NewestFirst(journals ...Journal) []Note {
	var all Journal
	for _, j := range journals {
		for i := range j {
			if !slices.ContainsFunc(all, func(n Note) bool { return n.ID == j[i].ID }) {
				all = all.insert(j[i])
			}
		}
	}
	slices.Reverse(all)
	return all
}
