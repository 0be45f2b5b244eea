package view

import "time"

// timeHeap is a binary heap of failed events by a time, that knows each one's
// place so that it can be taken out.
type timeHeap struct {
	items []*Failed
	key   func(*Failed) time.Duration
	place func(*Failed) *int // where its index+1 is kept; 0 = not in the heap
}

func (h *timeHeap) len() int { return len(h.items) }

func (h *timeHeap) min() *Failed { return h.items[0] }

func (h *timeHeap) push(f *Failed) {
	h.items = append(h.items, f)
	h.up(len(h.items) - 1)
}

// remove takes f out, if it is in.
func (h *timeHeap) remove(f *Failed) {
	i := *h.place(f) - 1
	if i < 0 {
		return
	}
	last := len(h.items) - 1
	moved := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	*h.place(f) = 0
	if i < last {
		h.items[i] = moved
		h.down(i)
		h.up(*h.place(moved) - 1)
	}
}

func (h *timeHeap) up(i int) {
	f := h.items[i]
	for i > 0 {
		parent := (i - 1) / 2
		if h.key(h.items[parent]) <= h.key(f) {
			break
		}
		h.set(i, h.items[parent])
		i = parent
	}
	h.set(i, f)
}

func (h *timeHeap) down(i int) {
	f := h.items[i]
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			break
		}
		if child+1 < len(h.items) && h.key(h.items[child+1]) < h.key(h.items[child]) {
			child++
		}
		if h.key(f) <= h.key(h.items[child]) {
			break
		}
		h.set(i, h.items[child])
		i = child
	}
	h.set(i, f)
}

func (h *timeHeap) set(i int, f *Failed) {
	h.items[i] = f
	*h.place(f) = i + 1
}

// restore makes a heap of it again, after keys changed.
func (h *timeHeap) restore() {
	for i := len(h.items)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

// newDueHeap makes a heap of failed events by their next attempt.
func newDueHeap() timeHeap {
	return timeHeap{
		key:   func(f *Failed) time.Duration { return f.due },
		place: func(f *Failed) *int { return &f.duePlace },
	}
}
