package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue/embedded"
	"github.com/leadgate/leadgate/internal/wording"
)

func repair() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "repair --dir <folder> [--json]",
		Short: "Saves what can be read of a damaged embedded queue",
		Long: `Makes a whole queue of what can be read of a damaged embedded one, for an edge
that does not start and names leadgate.db or leadgate.journal. The folder is
that of the edge's message, of ` + "`queue embedded <folder>`" + ` in the configuration.

Stop the edge first: a folder that an edge runs on is refused. The damaged files
stay beside, as leadgate.db.damaged-<time> and leadgate.journal.damaged-<time>,
until you remove them; there must be room for the new file. A folder in which
nothing is damaged is left as it is.

It prints how many records (events that wait, and dead letters) were saved, and
how many were there and could not be, by destination. Where that cannot be
known, as of a journal that is missing, it says so. Then start the edge: it
delivers what was saved, in order. What is remembered of events stays where it
can be read, so that redeliveries are not queued again.

It succeeds if the queue is whole afterwards, whatever was lost: see "lost" and
"uncounted" of --json.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return errors.New("name the folder of the queue with --dir, such as the one in the edge's message")
			}
			folder, err := filepath.Abs(dir)
			if err != nil {
				return fmt.Errorf("finding %s: %w", dir, err)
			}
			report, err := embedded.Repair(folder, time.Now())
			if err != nil {
				return err
			}
			if asJSON {
				b, err := json.MarshalIndent(report, "", "  ")
				if err != nil {
					return fmt.Errorf("writing the report: %w", err)
				}
				return writeAll(cmd.OutOrStdout(), string(b)+"\n")
			}
			return writeAll(cmd.OutOrStdout(), RepairReport(folder, report))
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "The folder of the queue")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON")
	return cmd
}

// RepairReport is what became of a queue that was repaired.
func RepairReport(folder string, r *embedded.Repaired) string {
	var b strings.Builder
	paragraph := func(text, indent string) { b.WriteString(printable.Wrap(text, indent, indent+"  ", printable.Width)) }
	if len(r.Damage) == 0 {
		paragraph("Nothing is damaged in "+folder+". Nothing was changed.", "")
		return b.String()
	}
	b.WriteString("What was damaged:\n")
	for _, what := range r.Damage {
		paragraph(what, "  ")
	}
	fmt.Fprintf(&b, "\nSaved: %s. Lost: %s.\n", wording.Count(r.Saved, "record"), wording.Count(r.Lost, "record"))
	for i := range r.Destinations {
		d := &r.Destinations[i]
		line := fmt.Sprintf("%s: %s, %s", d.Name, wording.Count(d.Backlog, "event")+" to deliver", wording.Count(d.Dead, "dead letter"))
		if d.Lost > 0 {
			line += fmt.Sprintf(", %d lost", d.Lost)
		}
		if d.Again > 0 {
			line += fmt.Sprintf(", %d of them may have been delivered before", d.Again)
		}
		paragraph(line, "  ")
	}
	paragraph(fmt.Sprintf("remembered: %s, and the clicks of %s", wording.Count(r.IDs, "event"), wording.Count(r.Clicks, "contact")), "  ")
	if r.Forgotten > 0 {
		paragraph("remembered no more: "+wording.Count(r.Forgotten, "event")+", which would be delivered again if they were posted again", "  ")
	}
	if r.Codes > 0 {
		paragraph("links: "+wording.Count(r.Codes, "code"), "  ")
	}
	if len(r.Uncounted) > 0 {
		b.WriteString("\nMore may be lost than could be counted:\n")
		for _, why := range r.Uncounted {
			paragraph(why, "  ")
		}
	}
	b.WriteString("\nThe damaged files are kept, and hold what was lost if anything does:\n")
	for _, path := range r.Kept {
		b.WriteString("  " + printable.Line(path) + "\n")
	}
	b.WriteString("\nThe queue is whole again: start the edge.\n")
	return b.String()
}
