package redis

import (
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// What edges tell each other, as "token tenant words": a destination's name,
// behind a mark unless entries came.
const (
	newsReleased  = "!" // its lease is free
	newsState     = "=" // its state was set
	newsForgotten = "*" // its entries were moved away
)

func (m *leaseManager) message(d queue.Dest, mark string) string {
	return m.r.token + " " + shownTenant(d.Tenant) + " " + mark + d.Name
}

// heard takes in what another edge told.
func (m *leaseManager) heard(message string) {
	words := strings.Fields(message)
	if len(words) < 3 || words[0] == m.r.token {
		return
	}
	tenant := tenantShown(words[1])
	for _, word := range words[2:] {
		switch word[:1] {
		case newsReleased, newsState:
			if d := (queue.Dest{Tenant: tenant, Name: word[1:]}); m.holder(d) != nil {
				m.hurry()
			} else if word[:1] == newsReleased {
				m.askTakeover(d)
			}
		case newsForgotten:
			if d := m.holder(queue.Dest{Tenant: tenant, Name: word[1:]}); d != nil {
				m.hurry() // its state is gone, too
				d.forget()
			}
		default:
			m.wake(queue.Dest{Tenant: tenant, Name: word})
		}
	}
}
