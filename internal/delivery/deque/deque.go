// Package deque is a queue in memory that things can be put back to the front of.
package deque

// Deque is a queue that things can be put back to the front of. The zero Deque is empty.
type Deque[T any] struct {
	items []T
	head  int
}

// Len is how many there are.
func (d *Deque[T]) Len() int { return len(d.items) - d.head }

// At is the i-th from the front.
func (d *Deque[T]) At(i int) T { return d.items[d.head+i] }

// Push puts one to the end.
func (d *Deque[T]) Push(v T) {
	// Full, and half of it long gone: move down instead of growing.
	if len(d.items) == cap(d.items) && d.head > len(d.items)/2 {
		n := copy(d.items, d.items[d.head:])
		clear(d.items[n:])
		d.items, d.head = d.items[:n], 0
	}
	d.items = append(d.items, v)
}

// PushFront puts one back to the front.
func (d *Deque[T]) PushFront(v T) {
	if d.head == 0 {
		room := max(16, d.Len())
		items := make([]T, room+len(d.items), 2*room+len(d.items))
		copy(items[room:], d.items)
		d.items, d.head = items, room
	}
	d.head--
	d.items[d.head] = v
}

// Pop takes the first.
func (d *Deque[T]) Pop() T {
	var zero T
	v := d.items[d.head]
	d.items[d.head] = zero
	if d.head++; d.head == len(d.items) {
		d.items, d.head = d.items[:0], 0
	}
	return v
}

// Remove takes out the i-th.
func (d *Deque[T]) Remove(i int) T {
	v := d.At(i)
	copy(d.items[d.head+1:], d.items[d.head:d.head+i])
	d.Pop()
	return v
}
