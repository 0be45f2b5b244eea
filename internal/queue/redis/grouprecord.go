package queue

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Version 1 has no once keys of counters.
const groupVersion = 2

// appendGroup appends a group's record, without its tenant, and how it is divided:
//
//	version, the ends of its parts of events, of jobs,
//	events:   id, seal (0 = none, 1 and the seal), time, contact, aliases, former keys, message id, click (1 = one, 2 =
//	          with a click id; its time, data)
//	payloads
//	jobs:     destination's name, events (each as the difference to the one before), once keys (key, window in ns,
//	          use), payload, header, dead (1: reason, code, explanation)
//	counters: day, key, field, add, text, when, of, once key, and with one its window in ns
//
// Lists have their number of elements in front.
func appendGroup(dst []byte, g *Group, p *partition) []byte {
	dst = append(dst, groupVersion)
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
		if ev.seal() == nil {
			dst = append(dst, 0)
		} else {
			dst = append(append(dst, 1), ev.Seal[:]...)
		}
		dst = binary.AppendVarint(dst, ev.Time)
		dst = appendText(dst, ev.Contact)
		for _, keys := range [...][]string{ev.Aliases, ev.Former} {
			dst = binary.AppendUvarint(dst, uint64(len(keys)))
			for _, key := range keys {
				dst = appendText(dst, key)
			}
		}
		dst = appendText(dst, ev.MessageID)
		if ev.Click == nil {
			dst = append(dst, 0)
			continue
		}
		kind := byte(1)
		if ev.Click.HasClid {
			kind = 2
		}
		dst = binary.AppendVarint(append(dst, kind), ev.Click.At)
		dst = appendText(dst, ev.Click.Data)
	}
	dst = binary.AppendUvarint(dst, uint64(len(g.Payloads)))
	for _, payload := range g.Payloads {
		dst = appendText(dst, payload)
	}
	dst = binary.AppendUvarint(dst, uint64(len(g.Jobs)))
	for i := range g.Jobs {
		dst = appendJob(dst, &g.Jobs[i])
	}
	dst = binary.AppendUvarint(dst, uint64(len(g.Counters)))
	for i := range g.Counters {
		c := &g.Counters[i]
		dst = binary.AppendVarint(dst, c.Day)
		dst = appendText(appendText(dst, c.Key), c.Field)
		dst = binary.AppendVarint(dst, c.Add)
		dst = append(appendText(dst, c.Text), byte(c.When))
		dst = appendText(binary.AppendUvarint(dst, uint64(c.Of)), c.Once)
		if c.Once != "" {
			dst = binary.AppendVarint(dst, int64(c.Window))
		}
	}
	return dst
}

func appendJob(dst []byte, j *Job) []byte {
	dst = appendText(dst, j.Dest.Name)
	dst = binary.AppendUvarint(dst, uint64(len(j.Events)))
	last := 0
	for _, e := range j.Events {
		dst = binary.AppendVarint(dst, int64(e-last))
		last = e
	}
	dst = binary.AppendUvarint(dst, uint64(len(j.Once)))
	for _, o := range j.Once {
		dst = binary.AppendVarint(appendText(dst, o.Key), int64(o.Window))
		dst = append(dst, byte(o.Use))
	}
	dst = binary.AppendUvarint(dst, uint64(j.Payload))
	dst = appendHeader(dst, &j.Header)
	if j.Dead == nil {
		return append(dst, 0)
	}
	return appendText(appendText(appendText(append(dst, 1), j.Dead.Reason), j.Dead.Code), j.Dead.Explanation)
}

// decodeGroup reads what appendGroup wrote of a tenant's group, whose payloads
// are slices of b.
func decodeGroup(tenant string, b []byte) (*Group, *partition, error) {
	r := reader{b: b}
	old := len(b) > 0 && b[0] == 1
	if old {
		r.byte()
	} else {
		r.version(groupVersion)
	}
	g, p := &Group{Tenant: tenant}, &partition{}
	for _, ends := range [...]*[]int{&p.events, &p.jobs} {
		*ends = make([]int, r.elements())
		for i := range *ends {
			(*ends)[i] = r.count()
		}
	}
	g.Events = make([]Event, r.elements())
	for i := range g.Events {
		ev := &g.Events[i]
		copy(ev.ID[:], r.take(uint64(len(ev.ID))))
		if r.byte() > 0 {
			copy(ev.Seal[:], r.take(uint64(len(ev.Seal))))
		}
		ev.Time, ev.Contact = r.varint(), r.text()
		for _, keys := range [...]*[]string{&ev.Aliases, &ev.Former} {
			if n := r.elements(); n > 0 {
				*keys = make([]string, n)
				for k := range *keys {
					(*keys)[k] = r.text()
				}
			}
		}
		ev.MessageID = r.text()
		if kind := r.byte(); kind > 0 {
			ev.Click = &Click{At: r.varint(), HasClid: kind == 2, Data: r.bytes()}
		}
	}
	g.Payloads = make([][]byte, r.elements())
	for i := range g.Payloads {
		g.Payloads[i] = r.bytes()
	}
	g.Jobs = make([]Job, r.elements())
	for i := range g.Jobs {
		g.Jobs[i] = r.job(tenant)
	}
	g.Counters = make([]Counter, r.elements())
	for i := range g.Counters {
		g.Counters[i] = Counter{
			Day: r.varint(), Key: r.text(), Field: r.text(), Add: r.varint(), Text: r.text(), When: When(r.byte()), Of: r.count(),
		}
		if c := &g.Counters[i]; !old {
			if c.Once = r.text(); c.Once != "" {
				c.Window = time.Duration(r.varint())
			}
		}
	}
	err := r.err
	if err == nil {
		err = g.Check()
	}
	if err == nil && !p.fits(g) {
		err = errShortRecord
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decoding group: %w", err)
	}
	return g, p, nil
}

func (r *reader) job(tenant string) (j Job) {
	j.Dest = Dest{Tenant: tenant, Name: r.text()}
	j.Events = make([]int, r.elements())
	last := int64(0)
	for i := range j.Events {
		last += r.varint()
		j.Events[i] = int(last)
	}
	if n := r.elements(); n > 0 {
		j.Once = make([]Once, n)
		for i := range j.Once {
			j.Once[i] = Once{Key: r.text(), Window: time.Duration(r.varint()), Use: Use(r.byte())}
		}
	}
	j.Payload, j.Header = r.count(), r.header()
	if r.byte() > 0 {
		j.Dead = &Reason{Reason: r.text(), Code: r.text(), Explanation: r.text()}
	}
	return j
}

// elements is the length of a list. Each takes a byte at least: a length that
// can't be true allocates nothing.
func (r *reader) elements() int {
	n := r.count()
	if n > len(r.b) {
		r.fail(errShortRecord)
		return 0
	}
	return n
}
