package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// Append implements [queue.Queue].
func (e *Store) Append(ctx context.Context, groups []queue.Group) []queue.Result {
	if len(groups) == 0 {
		return nil
	}
	results := make([]queue.Result, len(groups))
	req := newRequest(len(groups))
	for i := range groups {
		g, r := &groups[i], &results[i]
		if err := g.Validate(); err != nil {
			r.Err = err
			continue
		}
		r.New, r.Jobs = make([]bool, len(g.Events)), make([]queue.Admission, len(g.Jobs))
		req.units = append(req.units, unit{adds: groupSize(g), group: g, result: r})
	}
	if err := e.write(ctx, req); err != nil {
		return queue.Failed(len(groups), err)
	}
	for i := range req.units {
		if u := &req.units[i]; u.err != nil {
			*u.result = queue.Result{Err: u.err}
		}
	}
	req.free()
	return results
}

// draft is what append found out before its first write.
type draft struct {
	values   [][]byte                // per job: the record, nil for a duplicate
	shared   []sharing               // per payload
	numbered uint64                  // how many of these have a number
	ids      map[queue.ID]bool       // of this group, where it has several events
	keys     map[codec.KeyHash]int64 // once keys that its jobs set, and their expiry
	claims   map[string]*codeRow     // codes that nobody has claimed before, with their owners of now
	seals    []queue.ID              // to be remembered
	queued   map[queue.Dest]int      // entries that it adds
	first    []bool                  // per event: its click is its contact's first; filled while writing
	arena    []byte                  // where the values lie
}

// alloc returns n bytes that are good until the draft is reset.
func (d *draft) alloc(n int) []byte {
	const chunk = 64 << 10
	if len(d.arena)+n > cap(d.arena) {
		d.arena = make([]byte, 0, max(n, chunk))
	}
	at := len(d.arena)
	d.arena = d.arena[:at+n]
	return d.arena[at : at+n : at+n]
}

// join is alloc of parts.
func (d *draft) join(parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	value := d.alloc(n)[:0]
	for _, p := range parts {
		value = append(value, p...)
	}
	return value
}

func (d *draft) reset() {
	d.numbered = 0
	clear(d.values)
	d.values = d.values[:0]
	clear(d.shared)
	d.shared = d.shared[:0]
	clear(d.ids)
	clear(d.keys)
	clear(d.queued)
	clear(d.claims)
	d.first = d.first[:0]
	d.arena = d.arena[:0]
	if cap(d.arena) > 1<<20 {
		d.arena = nil // a rare large webhook's
	}
	if d.ids == nil {
		d.ids, d.keys, d.queued = map[queue.ID]bool{}, map[codec.KeyHash]int64{}, map[queue.Dest]int{}
		d.claims = map[string]*codeRow{}
	}
}

// append stores a group: first everything is looked up, then written.
func (t *txn) append(g *queue.Group, r *queue.Result) error {
	t.draft.reset()
	fresh := false
	t.draft.seals = t.draft.seals[:0]
	for i := range g.Events {
		id := g.Events[i].ID
		r.New[i] = t.unsealed(&g.Events[i]) && !t.draft.ids[id] && !t.known(&g.Events[i])
		if len(g.Events) > 1 {
			t.draft.ids[id] = true
		}
		fresh = fresh || r.New[i]
	}
	if err := t.draftClaims(g, r); err != nil {
		return err
	}
	need, err := t.draftJobs(g, r)
	if err != nil {
		return err
	}
	if need > 0 && t.opts.MaxSize > 0 && t.bytes+need > t.opts.MaxSize {
		return fmt.Errorf("%w: over max_size, %d bytes wait", queue.ErrFull, t.bytes)
	}
	for _, seal := range t.draft.seals {
		t.remember(&queue.Event{ID: seal})
	}
	if !fresh {
		return nil
	}

	for i := range g.Events {
		t.draft.first = append(t.draft.first, false)
		if !r.New[i] {
			continue
		}
		t.remember(&g.Events[i])
		first, err := t.touch(g.Tenant, &g.Events[i])
		if err != nil {
			return fmt.Errorf("storing click: %w", err)
		}
		t.draft.first[i] = first
	}
	if err := t.claim(); err != nil {
		return fmt.Errorf("storing claim: %w", err)
	}
	for key, expiry := range t.draft.keys {
		if err := t.setOnce(key, expiry); err != nil {
			return fmt.Errorf("remembering once key: %w", err)
		}
	}
	if err := t.addShared(); err != nil {
		return fmt.Errorf("storing payload: %w", err)
	}
	for i, value := range t.draft.values {
		if value == nil {
			continue
		}
		d, err := t.need(g.Jobs[i].Dest)
		if err != nil {
			return err
		}
		if r.Jobs[i] == queue.Queued {
			_, err = t.addEntry(d, value)
		} else {
			err = t.addDead(d, value)
		}
		if err != nil {
			return fmt.Errorf("storing job for %s: %w", d.Name, err)
		}
	}
	if err := t.count(g, r); err != nil {
		return fmt.Errorf("storing counter: %w", err)
	}
	if err := t.writeNotes(g, r); err != nil {
		return fmt.Errorf("storing note: %w", err)
	}
	return nil
}

// unsealed reports whether an event has no seal, or one that no event had before, which
// is then to be remembered.
func (t *txn) unsealed(ev *queue.Event) bool {
	seal := ev.SealEvent()
	if seal == nil {
		return true
	}
	if slices.Contains(t.draft.seals, seal.ID) || t.known(seal) {
		return false
	}
	t.draft.seals = append(t.draft.seals, seal.ID)
	return true
}

// draftJobs decides the jobs' outcomes and encodes their records. need is what these
// count against MaxSize.
func (t *txn) draftJobs(g *queue.Group, r *queue.Result) (need int64, err error) {
	d := &t.draft
	d.shared = append(d.shared, make([]sharing, len(g.Payloads))...)
	for i := range g.Jobs {
		if r.Jobs[i], err = t.decide(g, r, i); err != nil {
			return 0, err
		}
		if r.Jobs[i] != queue.Duplicate {
			d.shared[g.Jobs[i].Payload].jobs++
		}
	}
	for i := range g.Jobs {
		var value []byte
		if r.Jobs[i] != queue.Duplicate {
			value = t.draftRecord(g, r, i)
			need += cost(value)
		}
		d.values = append(d.values, value)
	}
	for i := range d.shared {
		if value := d.shared[i].value; value != nil {
			need += cost(value)
		}
	}
	return need, nil
}

// decide decides a job's outcome.
func (t *txn) decide(g *queue.Group, r *queue.Result, i int) (queue.Admission, error) {
	j := &g.Jobs[i]
	fresh := false
	for _, n := range j.Events {
		fresh = fresh || r.New[n]
	}
	if !fresh {
		return queue.Duplicate, nil
	}
	for k := range j.Once {
		if o := &j.Once[k]; o.Use != queue.Mark && t.onceKnown(codec.HashKey(g.Tenant, o.Key)) {
			return queue.Duplicate, nil
		}
	}
	for k := range j.Once {
		if o := &j.Once[k]; o.Use != queue.Look {
			t.draft.keys[codec.HashKey(g.Tenant, o.Key)] = t.now + o.Window.Milliseconds()
		}
	}
	if j.Dead != nil {
		return queue.Died, nil
	}
	d, err := t.find(j.Dest)
	if err != nil {
		return 0, err
	}
	backlog := t.draft.queued[j.Dest]
	if d != nil {
		backlog += d.backlog
	}
	if t.opts.MaxBacklog > 0 && backlog >= t.opts.MaxBacklog {
		return queue.Overflow, nil
	}
	t.draft.queued[j.Dest]++
	return queue.Queued, nil
}

// draftRecord encodes a job's record: with its payload, or as a reference to one that
// it shares with other jobs.
func (t *txn) draftRecord(g *queue.Group, r *queue.Result, i int) []byte {
	j := &g.Jobs[i]
	t.scratch = t.scratch[:0]
	switch r.Jobs[i] {
	case queue.Died:
		t.scratch = codec.AppendDeath(t.scratch, 0, 0, t.now, j.Dead)
	case queue.Overflow:
		t.scratch = codec.AppendDeath(t.scratch, 0, 0, t.now, &queue.OverflowReason)
	}
	death := len(t.scratch)
	t.scratch = codec.AppendHeader(t.scratch, &j.Header)
	s, payload := &t.draft.shared[j.Payload], g.Payloads[j.Payload]
	if s.jobs == 1 {
		return t.draft.join(t.scratch, payload)
	}
	header := t.scratch[death:]
	if s.value == nil {
		var uses [binary.MaxVarintLen64]byte
		t.draft.numbered++
		s.number = t.table(sharedBucket).b.Sequence() + t.draft.numbered
		n := binary.PutUvarint(uses[:], uint64(s.jobs))
		s.value = t.draft.join(uses[:n], header, payload)
		s.header = s.value[n : n+len(header)]
	}
	ref := reference{format: j.Header.Format, number: s.number, uses: uint64(s.jobs)}
	if !bytes.Equal(header, s.header) {
		ref.skip, ref.own = len(s.header), header
	}
	whole := len(t.scratch)
	t.scratch = appendReference(t.scratch, &ref)
	return t.draft.join(t.scratch[:death], t.scratch[whole:])
}
