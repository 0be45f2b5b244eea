package redis

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// Version 1 has no once keys of counters; versions 1 and 2 have one click an event at
// most, of an ad; versions 1 to 3 have no notes. The oldest version from 2 on that says it all is written.
const groupVersion = 4

// appendGroup appends a group's record, without its tenant, and how it is divided:
//
//	version, the ends of its parts of events, of jobs,
//	events:   id, seal (0 = none, 1 and the seal), time, contact, aliases, former keys, message id, clicks
//	          (each kind, time, data). In version 2 there is one of these: 0 = no click, 1 = a click, 2 = one with a click
//	          id; its time, data
//	payloads
//	jobs:     destination's name, events (each as the difference to the one before), once keys (key, window in ns,
//	          use), payload, header, dead (1: reason, code, explanation)
//	counters: day, key, field, add, text, when, of, once key, and with one its window in ns
//	notes:    contact, id, when it was, data, outcome, when it is written, of
//
// Lists have their number of elements in front.
func appendGroup(dst []byte, g *queue.Group, p *partition) []byte {
	version := versionOf(g)
	dst = append(dst, version)
	for _, ends := range [...][]int{p.events, p.jobs} {
		dst = binary.AppendUvarint(dst, uint64(len(ends)))
		for _, end := range ends {
			dst = binary.AppendUvarint(dst, uint64(end))
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(g.Events)))
	for i := range g.Events {
		ev := &g.Events[i]
		dst = append(dst, ev.ID[:]...)
		if ev.SealEvent() == nil {
			dst = append(dst, 0)
		} else {
			dst = append(append(dst, 1), ev.Seal[:]...)
		}
		dst = binary.AppendVarint(dst, ev.Time)
		dst = codec.AppendText(dst, ev.Contact)
		for _, keys := range [...][]string{ev.Aliases, ev.Former} {
			dst = binary.AppendUvarint(dst, uint64(len(keys)))
			for _, key := range keys {
				dst = codec.AppendText(dst, key)
			}
		}
		dst = codec.AppendText(dst, ev.MessageID)
		dst = appendEventClicks(dst, ev, version)
	}
	dst = binary.AppendUvarint(dst, uint64(len(g.Payloads)))
	for _, payload := range g.Payloads {
		dst = codec.AppendText(dst, payload)
	}
	dst = binary.AppendUvarint(dst, uint64(len(g.Jobs)))
	for i := range g.Jobs {
		dst = appendJob(dst, &g.Jobs[i])
	}
	dst = binary.AppendUvarint(dst, uint64(len(g.Counters)))
	for i := range g.Counters {
		c := &g.Counters[i]
		dst = binary.AppendVarint(dst, c.Day)
		dst = codec.AppendText(codec.AppendText(dst, c.Key), c.Field)
		dst = binary.AppendVarint(dst, c.Add)
		dst = append(codec.AppendText(dst, c.Text), byte(c.When))
		dst = codec.AppendText(binary.AppendUvarint(dst, uint64(c.Of)), c.Once)
		if c.Once != "" {
			dst = binary.AppendVarint(dst, int64(c.Window))
		}
	}
	if version > 3 {
		dst = appendNotes(dst, g.Notes)
	}
	return dst
}

func appendNotes(dst []byte, notes []queue.Note) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(notes)))
	for i := range notes {
		n := &notes[i]
		dst = append(codec.AppendText(dst, n.Contact), n.ID[:]...)
		dst = codec.AppendText(codec.AppendText(binary.AppendVarint(dst, n.At), n.Data), n.Outcome)
		dst = binary.AppendUvarint(append(dst, byte(n.When)), uint64(n.Of))
	}
	return dst
}

func readNotes(r *codec.Reader) []queue.Note {
	notes := make([]queue.Note, r.Elements())
	for i := range notes {
		n := &notes[i]
		n.Contact = r.Text()
		copy(n.ID[:], r.Take(uint64(len(n.ID))))
		n.At, n.Data, n.Outcome, n.When, n.Of = r.Varint(), r.Bytes(), r.Bytes(), queue.When(r.Byte()), r.Count()
	}
	return notes
}

// versionOf is the oldest version that says all of a group: an edge of the commit before
// may have to finish it.
func versionOf(g *queue.Group) byte {
	if len(g.Notes) > 0 {
		return groupVersion
	}
	for i := range g.Events {
		clicks := g.Events[i].Clicks
		if len(clicks) > 1 || len(clicks) == 1 && clicks[0].Kind > queue.ClickClid {
			return 3
		}
	}
	return 2
}

func appendEventClicks(dst []byte, ev *queue.Event, version byte) []byte {
	plus := byte(0)
	if version == 2 {
		if plus = 1; len(ev.Clicks) == 0 {
			return append(dst, 0)
		}
	} else {
		dst = append(dst, byte(len(ev.Clicks)))
	}
	for i := range ev.Clicks {
		c := &ev.Clicks[i]
		dst = binary.AppendVarint(append(dst, byte(c.Kind)+plus), c.At)
		dst = codec.AppendText(dst, c.Data)
	}
	return dst
}

func readEventClicks(r *codec.Reader, version byte) []queue.Click {
	n, plus := 1, 1
	if version > 2 {
		n, plus = r.Elements(), 0
	} else if len(r.Rest) > 0 && r.Rest[0] == 0 {
		r.Byte()
		return nil
	}
	if n == 0 {
		return nil
	}
	clicks := make([]queue.Click, n)
	for i := range clicks {
		clicks[i] = queue.Click{Kind: queue.ClickKind(int(r.Byte()) - plus), At: r.Varint(), Data: r.Bytes()}
	}
	return clicks
}

func appendJob(dst []byte, j *queue.Job) []byte {
	dst = codec.AppendText(dst, j.Dest.Name)
	dst = binary.AppendUvarint(dst, uint64(len(j.Events)))
	last := 0
	for _, e := range j.Events {
		dst = binary.AppendVarint(dst, int64(e-last))
		last = e
	}
	dst = binary.AppendUvarint(dst, uint64(len(j.Once)))
	for _, o := range j.Once {
		dst = binary.AppendVarint(codec.AppendText(dst, o.Key), int64(o.Window))
		dst = append(dst, byte(o.Use))
	}
	dst = binary.AppendUvarint(dst, uint64(j.Payload))
	dst = codec.AppendHeader(dst, &j.Header)
	if j.Dead == nil {
		return append(dst, 0)
	}
	return codec.AppendText(codec.AppendText(codec.AppendText(append(dst, 1), j.Dead.Reason), j.Dead.Code), j.Dead.Explanation)
}

// decodeGroup reads what appendGroup wrote of a tenant's group, whose payloads
// are slices of b.
func decodeGroup(tenant string, b []byte) (*queue.Group, *partition, error) {
	r := codec.Reader{Rest: b}
	version := byte(groupVersion)
	if len(b) > 0 && b[0] >= 1 && b[0] < groupVersion {
		version = b[0]
	}
	r.Version(version)
	g, p := &queue.Group{Tenant: tenant}, &partition{}
	for _, ends := range [...]*[]int{&p.events, &p.jobs} {
		*ends = make([]int, r.Elements())
		for i := range *ends {
			(*ends)[i] = r.Count()
		}
	}
	g.Events = make([]queue.Event, r.Elements())
	for i := range g.Events {
		ev := &g.Events[i]
		copy(ev.ID[:], r.Take(uint64(len(ev.ID))))
		if r.Byte() > 0 {
			copy(ev.Seal[:], r.Take(uint64(len(ev.Seal))))
		}
		ev.Time, ev.Contact = r.Varint(), r.Text()
		for _, keys := range [...]*[]string{&ev.Aliases, &ev.Former} {
			if n := r.Elements(); n > 0 {
				*keys = make([]string, n)
				for k := range *keys {
					(*keys)[k] = r.Text()
				}
			}
		}
		ev.MessageID = r.Text()
		ev.Clicks = readEventClicks(&r, version)
	}
	g.Payloads = make([][]byte, r.Elements())
	for i := range g.Payloads {
		g.Payloads[i] = r.Bytes()
	}
	g.Jobs = make([]queue.Job, r.Elements())
	for i := range g.Jobs {
		g.Jobs[i] = readJob(&r, tenant)
	}
	g.Counters = make([]queue.Counter, r.Elements())
	for i := range g.Counters {
		g.Counters[i] = queue.Counter{
			Day: r.Varint(), Key: r.Text(), Field: r.Text(), Add: r.Varint(), Text: r.Text(), When: queue.When(r.Byte()), Of: r.Count(),
		}
		if c := &g.Counters[i]; version > 1 {
			if c.Once = r.Text(); c.Once != "" {
				c.Window = time.Duration(r.Varint())
			}
		}
	}
	if version > 3 {
		g.Notes = readNotes(&r)
	}
	err := r.Err
	if err == nil {
		err = g.Validate()
	}
	if err == nil && !p.fits(g) {
		err = codec.ErrShort
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decoding group: %w", err)
	}
	return g, p, nil
}

func readJob(r *codec.Reader, tenant string) (j queue.Job) {
	j.Dest = queue.Dest{Tenant: tenant, Name: r.Text()}
	j.Events = make([]int, r.Elements())
	last := int64(0)
	for i := range j.Events {
		last += r.Varint()
		j.Events[i] = int(last)
	}
	if n := r.Elements(); n > 0 {
		j.Once = make([]queue.Once, n)
		for i := range j.Once {
			j.Once[i] = queue.Once{Key: r.Text(), Window: time.Duration(r.Varint()), Use: queue.Use(r.Byte())}
		}
	}
	j.Payload, j.Header = r.Count(), r.Header()
	if r.Byte() > 0 {
		j.Dead = &queue.Reason{Reason: r.Text(), Code: r.Text(), Explanation: r.Text()}
	}
	return j
}
