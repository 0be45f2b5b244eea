package queue

// publish tells the drains what the last transaction did.
func (e *Embedded) publish() {
	t := &e.txn
	if len(t.wake) == 0 && len(t.moved) == 0 {
		return
	}
	var woken []*embeddedDrain
	e.drainsMu.Lock()
	for d := range t.moved {
		for drain := range e.drains[d] {
			drain.epoch.Add(1)
			woken = append(woken, drain)
		}
	}
	for d := range t.wake {
		for drain := range e.drains[d] {
			woken = append(woken, drain)
		}
	}
	e.drainsMu.Unlock()
	for _, drain := range woken {
		drain.call()
	}
}

// restart tells all drains that the file was opened again.
func (e *Embedded) restart() {
	var woken []*embeddedDrain
	e.drainsMu.Lock()
	for _, drains := range e.drains {
		for drain := range drains {
			drain.epoch.Add(1)
			woken = append(woken, drain)
		}
	}
	e.drainsMu.Unlock()
	for _, drain := range woken {
		drain.call()
	}
}
