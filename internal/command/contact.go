package command

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/printable"
)

func (env *Env) contact() *cobra.Command {
	cli := adminCLI{env: env}
	var tenant string
	cmd := &cobra.Command{
		Use:   "contact --tenant <name> [--address <admin>] [--json] <contact>",
		Short: "Shows a contact's touches, what was reported, and what came of it",
		Long: `Shows what a running edge knows of one contact: the ads, links and forms that it
came by (TOUCHES), and what was reported of it to ad platforms (EVENTS), the
newest first: when it happened, its name, what became of it, its value, and
where it went. Below it stands why, where it went nowhere.

The contact is a number as E.164, a waId, a userId, an e-mail address or the id
of a lead. Times are UTC.

What became of an event: sent: queued, or the platform's word is waited for;
delivered: the platform has it; duplicate: it was reported before; no_click: the
contact has no click that the platforms take; invalid: it was refused as it was
posted or said; dead: a dead letter, see caddy leadgate dead.

Example:

  caddy leadgate contact --tenant acme +15551234567` + adminFlags,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var j journey.Journey
			body := map[string]string{"tenant": tenant, "contact": args[0]}
			answer, err := cli.call(http.MethodPost, "/leadgate/contacts/show", body, &j)
			if err != nil {
				return err
			}
			if cli.json {
				return printJSON(cmd.OutOrStdout(), answer)
			}
			return writeAll(cmd.OutOrStdout(), ContactText(&j))
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", "whose contact it is")
	_ = cmd.MarkFlagRequired("tenant") // it is declared
	cli.flags(cmd)
	return cmd
}

// ContactText is a contact's journey for an 80-column terminal.
func ContactText(j *journey.Journey) string {
	if len(j.Touches)+len(j.Events) == 0 {
		return "nothing is known of this contact: it has no click, and nothing was reported\n"
	}
	var b strings.Builder
	b.WriteString("TOUCHES\n")
	if len(j.Touches) == 0 {
		b.WriteString("none: no click of it is stored\n")
	}
	for _, data := range j.Touches {
		b.WriteString(touchLine(data))
	}
	b.WriteString("\nEVENTS\n")
	if len(j.Events) == 0 {
		b.WriteString("none: nothing was reported of it\n")
	}
	name, value := 0, 0
	for i := range j.Events {
		name = max(name, min(utf8.RuneCountInString(printable.Line(orNone(j.Events[i].Name))), 16))
		value = max(value, utf8.RuneCountInString(valueOf(&j.Events[i])))
	}
	for i := range j.Events {
		b.WriteString(eventLines(&j.Events[i], name, value))
	}
	return b.String()
}

// touchLine is a touch: when, by what, and how that is called.
func touchLine(data []byte) string {
	var t struct {
		AdID, Headline, AdName *string
		ClickedAt              *int64
		Link                   *struct{ Name, Code string }
		Lead                   *struct {
			LeadID string
			Test   bool
		}
	}
	if json.Unmarshal(data, &t) != nil {
		return "a touch of a kind that this program does not know\n"
	}
	var what string
	switch {
	case t.Lead != nil && t.Lead.Test:
		what = "test form " + t.Lead.LeadID
	case t.Lead != nil:
		what = "form " + t.Lead.LeadID
	case t.Link != nil:
		what = "link " + t.Link.Name + " " + t.Link.Code
	case t.AdID != nil:
		what = "ad " + *t.AdID
	default:
		what = "an ad, of which no id came"
	}
	for _, name := range []*string{t.AdName, t.Headline} {
		if name != nil && t.Link == nil {
			what += "  " + *name
			break
		}
	}
	return strings.TrimRight(minute(t.ClickedAt)+"  "+printable.Fit(printable.Line(what), printable.Width-18), " ") + "\n"
}

// eventLines are an event's, with columns so wide for its name and its value. A
// destination's name is not cut, since other commands want it: where there is no room, it
// has a line of its own.
func eventLines(e *journey.Event, name, value int) string {
	row := fmt.Sprintf("%s  %s  %s  %s", minute(&e.At), printable.Fit(orNone(e.Name), name),
		printable.Fit(string(e.Outcome), 9), printable.Fit(valueOf(e), value))
	below, to := "", orNone(e.Destination)
	if utf8.RuneCountInString(row+"  "+to) > printable.Width {
		below, to = "  "+to+"\n", ""
	}
	lines := strings.TrimRight(row+"  "+to, " ") + "\n" + below
	if e.Reason != nil {
		lines += printable.Wrap(printable.Line(*e.Reason), "  ", "  ", printable.Width)
	}
	return lines
}

// valueOf is an event's value and currency; an amount is never cut, unless it is none.
func valueOf(e *journey.Event) string {
	value := ""
	if e.Value != nil {
		value = e.Value.String()
	}
	if e.Currency != nil {
		value += " " + *e.Currency
	}
	return printable.Short(strings.TrimSpace(value), 30)
}

func orNone(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

// minute is a time in UTC.
func minute(ms *int64) string {
	if ms == nil || *ms == 0 {
		return strings.Repeat(" ", len("2006-01-02 15:04"))
	}
	return time.UnixMilli(*ms).UTC().Format("2006-01-02 15:04")
}
