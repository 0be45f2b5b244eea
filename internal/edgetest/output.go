package edgetest

import "sync"

// output keeps what a process wrote, or the end of it.
type output struct {
	mu  sync.Mutex
	buf []byte
	all bool // keep the beginning, too
}

const keptOutput = 16 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf = append(o.buf, p...)
	if !o.all && len(o.buf) > 2*keptOutput {
		o.buf = append(o.buf[:0], o.buf[len(o.buf)-keptOutput:]...)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.buf)
}
