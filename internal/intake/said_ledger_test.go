package intake

import (
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// googleLedger is a ledger of clicks of Google's, whatever the name.
type googleLedger struct{ dataset.Planner }

func (*googleLedger) Plan(*normalize.Event, []*destination.Destination) (destination.Job, bool) {
	return destination.Job{}, false
}

func (*googleLedger) Credit(c *queue.Clicks, _ bool) []byte { return c.Newest[queue.ClickGoogle] }

func (*googleLedger) Convert(c *destination.Conversion, _ time.Time) (destination.Job, destination.Report, error) {
	return destination.Job{Format: queue.FormatConversion, Report: c.Name, Lane: "lane"}, destination.Report{}, nil
}
