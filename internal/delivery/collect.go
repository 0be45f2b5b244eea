package delivery

import "time"

// deque is a queue that things can be put back to the front of.
type deque[T any] struct {
	items []T
	head  int
}

func (d *deque[T]) len() int { return len(d.items) - d.head }

func (d *deque[T]) at(i int) T { return d.items[d.head+i] }

func (d *deque[T]) push(v T) {
	// Full, and half of it long gone: move down instead of growing.
	if len(d.items) == cap(d.items) && d.head > len(d.items)/2 {
		n := copy(d.items, d.items[d.head:])
		clear(d.items[n:])
		d.items, d.head = d.items[:n], 0
	}
	d.items = append(d.items, v)
}

func (d *deque[T]) pushFront(v T) {
	if d.head == 0 {
		room := max(16, d.len())
		items := make([]T, room+len(d.items), 2*room+len(d.items))
		copy(items[room:], d.items)
		d.items, d.head = items, room
	}
	d.head--
	d.items[d.head] = v
}

func (d *deque[T]) pop() T {
	var zero T
	v := d.items[d.head]
	d.items[d.head] = zero
	if d.head++; d.head == len(d.items) {
		d.items, d.head = d.items[:0], 0
	}
	return v
}

// remove takes out the i-th.
func (d *deque[T]) remove(i int) T {
	v := d.at(i)
	copy(d.items[d.head+1:], d.items[d.head:d.head+i])
	d.pop()
	return v
}

// timeHeap is a binary heap of failed events by a time, that knows each one's
// place so that it can be taken out.
type timeHeap struct {
	items []*failed
	key   func(*failed) time.Duration
	place func(*failed) *int // where its index+1 is kept; 0 = not in the heap
}

func (h *timeHeap) len() int { return len(h.items) }

func (h *timeHeap) min() *failed { return h.items[0] }

func (h *timeHeap) push(f *failed) {
	h.items = append(h.items, f)
	h.up(len(h.items) - 1)
}

// remove takes f out, if it is in.
func (h *timeHeap) remove(f *failed) {
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

func (h *timeHeap) set(i int, f *failed) {
	h.items[i] = f
	*h.place(f) = i + 1
}
