package embedded

import "github.com/leadgate/leadgate/internal/queue"

// publish tells the drains what the last transaction did.
func (e *Store) publish() {
	t := &e.txn
	if len(t.wake) == 0 && len(t.moved) == 0 && len(t.heirs) == 0 {
		return
	}
	var woken []*drain
	heirs := map[queue.Dest]bool{}
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
		if e.drains[d] == nil {
			for _, heir := range e.namesakes(d) { // of an old configuration's last webhooks
				heirs[heir] = true
			}
		}
	}
	for d, settled := range t.heirs {
		if settled {
			woken = append(woken, e.settled(d)...)
		} else {
			heirs[d] = true
		}
	}
	e.drainsMu.Unlock()
	for d := range heirs {
		e.adopt(d)
	}
	for _, drain := range woken {
		drain.call()
	}
}

// restart tells all drains that the file was opened again.
func (e *Store) restart() {
	var woken []*drain
	e.drainsMu.Lock()
	for _, drains := range e.drains {
		for drain := range drains {
			drain.epoch.Add(1)
			woken = append(woken, drain)
		}
	}
	e.drainsMu.Unlock()
	for _, d := range e.unready() {
		e.adopt(d)
	}
	for _, drain := range woken {
		drain.call()
	}
}
