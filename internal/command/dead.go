package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/printable"
)

func (env *Env) dead() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead <list|show|replay|drop>",
		Short: "Lists, shows, replays and drops dead letters of a running edge",
		Long: `Dead letters are events that a destination refused for good. They are kept, with
the reason, until they are replayed or dropped, or for keep_dead (30 days).`,
	}
	cmd.AddCommand(env.deadList(), env.deadShow(),
		env.deadAction("replay", "Puts dead letters back at the end of their queue",
			`Puts dead letters of a destination back at the end of its queue. Those of the
destination unmatched are routed again, each by the leadgate block that it came
by: what one of its tenants matches by now is queued, the rest stays.`),
		env.deadAction("drop", "Discards dead letters", `Discards dead letters of a destination, for good.`))
	cmd.RunE = onlySubcommands
	return cmd
}

func (env *Env) deadList() *cobra.Command {
	cli := adminCLI{env: env}
	var destination, reason, after string
	var limit int
	cmd := &cobra.Command{
		Use:   "list [--destination <name>] [--reason <reason>] [--limit <n>]",
		Short: "Lists dead letters, newest first",
		Long: `Lists dead letters, newest first: when they died, of which destination, after
how many attempts, and why; below, the id that the other commands take. A reason
is overflow, expired, refused, unmatched…, as the table shows it.

The next page begins after the last id of this one: --after <id>.` + adminFlags,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := make(url.Values)
			for name, value := range map[string]string{"destination": destination, "reason": reason, "after": after, "limit": strconv.Itoa(limit)} {
				if value != "" {
					query.Set(name, value)
				}
			}
			var page admin.DeadPage
			answer, err := cli.call(http.MethodGet, "/leadgate/dead?"+query.Encode(), nil, &page)
			if err != nil {
				return err
			}
			if cli.json {
				return printJSON(cmd.OutOrStdout(), answer)
			}
			return writeAll(cmd.OutOrStdout(), deadTable(&page))
		},
	}
	cli.flags(cmd)
	cmd.Flags().StringVar(&destination, "destination", "", "Only those of this destination")
	cmd.Flags().StringVar(&reason, "reason", "", "Only those with this reason")
	cmd.Flags().StringVar(&after, "after", "", "Only those that come after this id in the list")
	cmd.Flags().IntVar(&limit, "limit", admin.DefaultDeadPage, "At most so many, up to 1000")
	return cmd
}

func deadTable(page *admin.DeadPage) string {
	if len(page.Dead) == 0 {
		return "no dead letters\n"
	}
	destination := len("DESTINATION")
	for i := range page.Dead {
		destination = max(destination, min(len(page.Dead[i].Destination), 26))
	}
	reason := printable.Width - (16 + 2 + destination + 2 + 5 + 2)
	var b strings.Builder
	row := func(died, dest, tries, why string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%s  %s  %5s  %s", printable.Fit(died, 16), printable.Fit(dest, destination), tries,
			printable.Fit(why, reason)), " ") + "\n")
	}
	row("DIED", "DESTINATION", "TRIES", "REASON")
	for i := range page.Dead {
		d := &page.Dead[i]
		why := d.Reason
		if d.Code != "" && !strings.Contains(why, d.Code) {
			why += " (" + d.Code + ")"
		}
		why = printable.HidePhones(why)
		if d.Code != "" { // Meta's codes are as long as phone numbers
			why = strings.ReplaceAll(why, printable.HidePhones(d.Code), d.Code)
		}
		row(printable.Time(d.DiedAt), d.Destination, strconv.Itoa(d.Attempts), why)
		b.WriteString("  " + printable.Line(d.ID))
		if len(d.Destination) > destination {
			b.WriteString("  (" + d.Destination + ")")
		}
		b.WriteByte('\n')
	}
	if page.Next != nil {
		b.WriteString(printable.Wrap("there are more: --after "+printable.Line(*page.Next), "", "  ", printable.Width))
	}
	return b.String()
}

func (env *Env) deadShow() *cobra.Command {
	cli := adminCLI{env: env}
	cmd := &cobra.Command{
		Use:   "show <id>",
		Short: "Shows one dead letter, with its event",
		Long: `Shows one dead letter: why it is one, what to do, and its event, whole. The
event holds the contact's phone number.` + adminFlags,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var page admin.DeadPage
			if _, err := cli.call(http.MethodGet, "/leadgate/dead?"+url.Values{"id": args}.Encode(), nil, &page); err != nil {
				return err
			}
			if len(page.Dead) != 1 {
				return fmt.Errorf("asking the edge: it answered with %d dead letters", len(page.Dead))
			}
			if cli.json {
				b, err := json.Marshal(&page.Dead[0])
				if err != nil {
					return fmt.Errorf("writing dead letter: %w", err)
				}
				return printJSON(cmd.OutOrStdout(), b)
			}
			return writeAll(cmd.OutOrStdout(), showDeadText(&page.Dead[0]))
		},
	}
	cli.flags(cmd)
	return cmd
}

func showDeadText(d *admin.DeadLetter) string {
	var b strings.Builder
	field := func(name, text string) {
		if text != "" {
			b.WriteString(printable.Wrap(printable.Line(text), fmt.Sprintf("%-12s", name), strings.Repeat(" ", 12), printable.Width))
		}
	}
	field("id", d.ID)
	field("destination", d.Destination)
	field("tenant", d.Tenant)
	field("event", d.Kind+" "+d.EventID)
	field("reason", d.Reason)
	field("code", d.Code)
	field("meaning", d.Explanation)
	attempts := strconv.Itoa(d.Attempts)
	if d.FirstAt != nil {
		attempts += ", the first at " + time.UnixMilli(*d.FirstAt).Format(time.RFC3339)
	}
	field("attempts", attempts)
	field("died", time.UnixMilli(d.DiedAt).Format(time.RFC3339))
	b.WriteByte('\n')
	var out bytes.Buffer
	if json.Indent(&out, d.Event, "", "  ") != nil {
		out.Write(d.Event)
	}
	b.Write(out.Bytes())
	b.WriteByte('\n')
	return b.String()
}

func (env *Env) deadAction(action, short, long string) *cobra.Command {
	cli := adminCLI{env: env}
	var destination, reason, since string
	var all bool
	cmd := &cobra.Command{
		Use:   action + " --destination <name> (--all | <id>...) [flags]",
		Short: short,
		Long: long + `

Which ones: the ids, or --all of the destination; --reason and --since narrow
both. --since takes a duration (2h, 7d: died in that time) or a time
(2026-11-20T09:00:00Z: died at or after it).

Examples:

  caddy leadgate dead ` + action + ` --destination n8n --since 2h --all
  caddy leadgate dead ` + action + ` --destination n8n --reason overflow --all` + adminFlags,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("name the dead letters by their ids, or write --all")
			}
			body := map[string]any{"destination": destination}
			if all {
				body["all"] = true
			} else {
				body["ids"] = args
			}
			if reason != "" {
				body["reason"] = reason
			}
			if since != "" {
				at, err := parseSince(since, time.Now(), env.Duration)
				if err != nil {
					return err
				}
				body["since"] = at.UnixMilli()
			}
			var count intake.Replayed // of other destinations count alone
			answer, err := cli.call(http.MethodPost, "/leadgate/dead/"+action, body, &count)
			if err != nil {
				return err
			}
			if cli.json {
				return printJSON(cmd.OutOrStdout(), answer)
			}
			done := map[string]string{"replay": "replayed", "drop": "dropped"}[action]
			text := fmt.Sprintf("%s %d\n", done, count.Count)
			if count.Unmatched > 0 {
				text += fmt.Sprintf("%d still match nobody\n", count.Unmatched)
			}
			if count.NoBlock > 0 {
				text += fmt.Sprintf("%d came by a leadgate block that is not in the configuration\n", count.NoBlock)
			}
			return writeAll(cmd.OutOrStdout(), text)
		},
	}
	cli.flags(cmd)
	cmd.Flags().StringVar(&destination, "destination", "", "Whose dead letters (required)")
	cmd.Flags().StringVar(&reason, "reason", "", "Only those with this reason")
	cmd.Flags().StringVar(&since, "since", "", "Only those that died since: a duration or a time")
	cmd.Flags().BoolVar(&all, "all", false, "All of the destination's")
	_ = cmd.MarkFlagRequired("destination") // it exists
	return cmd
}

// parseSince reads a duration before now, or RFC 3339.
func parseSince(text string, now time.Time, duration func(string) (time.Duration, error)) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	d, err := duration(text)
	if err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("--since '%s' is neither a duration such as 2h nor a time such as 2026-11-20T09:00:00Z", text)
	}
	return now.Add(-d), nil
}
