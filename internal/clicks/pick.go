package clicks

import "github.com/leadgate/leadgate/internal/queue"

// OfAd is the ad's click that a conversion is credited to: of those that Meta takes a
// conversion for the newest, or the oldest, nil where no ad brought the contact. One of
// WhatsApp without a ctwa_clid it is only where there is none with one.
func OfAd(c *queue.Clicks, first bool) []byte {
	list := &c.Newest
	if first {
		list = &c.Oldest
	}
	if clid := list[queue.ClickClid]; len(clid) > 0 {
		return clid
	}
	return list[queue.ClickAd]
}
