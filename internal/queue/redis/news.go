package redis

import (
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// News is what edges tell each other on the channel: the token of who tells it, the
// tenant, and words, with spaces between. A word is a destination's name, to which
// entries came; or one of these and the name. What is missed, looks find out.
const (
	newsReleased  = "!" // its lease is free
	newsState     = "=" // its state was set
	newsForgotten = "*" // its entries were moved away
)

// message is news of a destination, as a message.
func (m *leaseManager) message(d queue.Dest, news string) string {
	return m.r.token + " " + shownTenant(d.Tenant) + " " + news + d.Name
}

// heard takes in a message of another edge.
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
