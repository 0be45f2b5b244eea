package command

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/destination/google"
	"github.com/leadgate/leadgate/internal/printable"
)

func (env *Env) destinations() *cobra.Command {
	cli := adminCLI{env: env}
	cmd := &cobra.Command{
		Use:   "destinations [--address <admin>] [--json]",
		Short: "Lists the destinations of a running edge, and what waits for them",
		Long: `Lists the destinations of a running edge: their state, how many events wait
(WAITING) and for how long the oldest one has (OLDEST), and how many dead
letters there are (DEAD); of a dataset also how many events were in doubt: sent,
and nothing said whether Meta has them. Below one that doesn't run stands why,
with Meta's code or the HTTP status, and until when it waits.

States: running; retrying: the last requests failed, or the destination asks to
wait (Meta throttles or blocks a dataset for a time); failing (open in the
JSON): so many failed that only probes are sent; parked: Meta refuses the token,
the permission or the configuration; paused: by an operator or by a 410;
removed: in no running configuration, its queue is kept.` + adminFlags,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list []delivery.Status
			answer, err := cli.call(http.MethodGet, "/leadgate/destinations", nil, &list)
			if err != nil {
				return err
			}
			if cli.json {
				return printJSON(cmd.OutOrStdout(), answer)
			}
			return writeAll(cmd.OutOrStdout(), DestinationTable(list))
		},
	}
	cli.flags(cmd)
	return cmd
}

// shownState is a state in a word that people read right: the API's open is the
// breaker's, and says the opposite of what one thinks.
func shownState(s delivery.State) string {
	if s == delivery.StateOpen {
		return "failing"
	}
	return string(s)
}

// DestinationTable is a line for each destination, and its reason below. A name
// is never cut, since the other commands want it: a long one, like a long
// target, has a line of its own.
func DestinationTable(list []delivery.Status) string {
	if len(list) == 0 {
		return "no destinations\n"
	}
	name := len("NAME")
	for i := range list {
		if n := len(list[i].Name); n <= 26 {
			name = max(name, n)
		}
	}
	target := printable.Width - (name + 2 + 8 + 2 + 7 + 2 + 6 + 2 + 6 + 2)
	var b strings.Builder
	row := func(n, state, waiting, oldest, dead, to string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%s  %s  %7s  %6s  %6s  %s", printable.Fit(n, name), printable.Fit(state, 8), waiting,
			oldest, dead, printable.Fit(to, target)), " ") + "\n")
	}
	row("NAME", "STATE", "WAITING", "OLDEST", "DEAD", "TARGET")
	for i := range list {
		d := &list[i]
		shown, to := d.Name, printable.Line(shownTarget(d))
		if len(shown) > name {
			b.WriteString(shown + "\n")
			shown = ""
		}
		inRow := to
		if utf8.RuneCountInString(to) > target {
			inRow = ""
		}
		row(shown, shownState(d.State), fmt.Sprint(d.Backlog), printable.Age(d.OldestAgeSeconds), fmt.Sprint(d.Dead), inRow)
		if inRow != to {
			b.WriteString("  " + printable.Fit(to, min(utf8.RuneCountInString(to), printable.Width-2)) + "\n")
		}
		if d.InDoubt > 0 {
			b.WriteString(printable.Wrap(fmt.Sprintf("%d in doubt since the edge began: caddy leadgate explain \"in doubt\"", d.InDoubt), "  ", "  ",
				printable.Width))
		}
		if d.Awaiting > 0 {
			fmt.Fprintf(&b, "  %d delivered, and not confirmed yet\n", d.Awaiting)
		}
		if d.Reason != "" && d.State != delivery.StateRunning {
			b.WriteString(printable.Wrap(shownReason(d), "  ", "  ", printable.Width))
		}
	}
	return b.String()
}

// shownReason is why a destination doesn't run, and when it tries again. Codes of
// Meta's are long numbers, but no phone's.
func shownReason(d *delivery.Status) string {
	reason := printable.Line(d.Reason)
	if before, after, ok := strings.Cut(reason, "("+d.Code+")"); ok && d.Code != "" {
		reason = printable.HidePhones(before) + "(" + d.Code + ")" + printable.HidePhones(after)
	} else {
		reason = printable.HidePhones(reason)
	}
	if d.Until != nil && !strings.Contains(reason, " until ") {
		reason += "; the next attempt is at " + time.UnixMilli(*d.Until).UTC().Format(time.RFC3339)
	}
	return reason
}

// shownTarget is a dataset, an account, or a URL without its scheme and any phone number.
func shownTarget(d *delivery.Status) string {
	switch d.Kind {
	case dataset.Kind:
		return "dataset " + d.Target
	case google.Kind:
		return "Google Ads " + d.Target
	}
	_, rest, ok := strings.Cut(d.Target, "://")
	if !ok {
		rest = d.Target
	}
	return printable.HidePhones(rest)
}
