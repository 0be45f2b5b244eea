// Package alert posts what happened to a URL, that of a chat's incoming webhooks say: a
// few times if need be, off the way of whoever tells. It knows no Caddy.
package alert

import (
	"strconv"
	"time"
)

// Alert is what is posted, as JSON.
type Alert struct {
	ID          string    `json:"id"`
	Event       string    `json:"event"`
	Destination string    `json:"destination"`
	Tenant      string    `json:"tenant"`
	Reason      string    `json:"reason"`
	Count       int       `json:"count,omitempty"` // of events, where there are several
	At          time.Time `json:"at"`
	// Text and Content are one line of the above, where chats look for it: Slack,
	// Mattermost and Rocket.Chat at text, Discord at content.
	Text    string `json:"text"`
	Content string `json:"content"`
}

// line is the alert as a chat shows it.
func (a *Alert) line() string {
	text := a.Event
	if a.Destination != "" {
		text += ": " + a.Destination
	}
	if a.Tenant != "" {
		text += " (tenant " + a.Tenant + ")"
	}
	if a.Count > 1 {
		text += ", " + strconv.Itoa(a.Count) + " events"
	}
	if a.Reason != "" {
		text += ": " + a.Reason
	}
	return text
}
