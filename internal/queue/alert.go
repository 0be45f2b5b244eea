package queue

// Alert is what a store has noticed by which something that was acknowledged is lost, or
// may be.
type Alert struct {
	Reason string `json:"reason"` // one of [AlertReasons]
	Text   string `json:"text"`   // what is wrong, and what to do, for people
}

// The reasons of alerts.
const (
	AlertEvicting     = "evicting"     // it throws things away for want of memory, or may
	AlertEmptied      = "emptied"      // what it held is gone
	AlertUnreplicated = "unreplicated" // a failover or a crash loses more than it must
	AlertGone         = "gone"         // its files are gone, or were replaced
)

// AlertReasons lists all of them.
func AlertReasons() []string {
	return []string{AlertEvicting, AlertEmptied, AlertUnreplicated, AlertGone}
}

// Watched is a store that looks after itself.
type Watched interface {
	// Alerts are those of now, at most one for each reason. It waits for nothing.
	Alerts() []Alert
}
