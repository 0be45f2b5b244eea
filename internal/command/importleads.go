package command

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/admin"
)

// leadImport is `import --leads`.
type leadImport struct {
	adminCLI
	form, tenant, since string
}

func (l *leadImport) flags(cmd *cobra.Command) {
	l.adminCLI.flags(cmd)
	cmd.Flags().StringVar(&l.form, "leads", "", "Read the leads of this form, by its id")
	cmd.Flags().StringVar(&l.tenant, "tenant", "", "With --leads: whose form it is, where several tenants have leads")
	cmd.Flags().StringVar(&l.since, "since", "", "With --leads: from when on, as 30d, 2026-11-01 or RFC 3339 (default 90d)")
}

// misused says what does not go together.
func (l *leadImport) misused(cmd *cobra.Command, args []string) error {
	if l.form == "" {
		for _, name := range []string{"tenant", "since", "config", "address", "adapter", "json"} {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s is for --leads <form id>", name)
			}
		}
		if len(args) != 1 {
			return errors.New("name a file of conversions, or write --leads <form id>")
		}
		return nil
	}
	if len(args) > 0 {
		return errors.New("--leads reads a form, and no file: leave the file out")
	}
	for _, name := range []string{"to", "token", "map", "from-line", "batch", "retry-for"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is for conversions of a file, and not for --leads", name)
		}
	}
	if strings.Trim(l.form, "0123456789") != "" {
		return fmt.Errorf("--leads %s is no id of a form: those are of digits alone (Ads Manager and the Leads Center show it)", l.form)
	}
	return nil
}

// run asks the edge.
func (l *leadImport) run(cmd *cobra.Command, dry bool) error {
	asked := admin.BackfillAsked{Form: l.form, DryRun: dry}
	if l.tenant != "" {
		asked.Tenant = &l.tenant
	}
	if l.since != "" {
		since, err := l.sinceAt(time.Now())
		if err != nil {
			return err
		}
		asked.Since = since.UnixMilli()
	}
	var done admin.Backfilled
	answer, err := l.call(http.MethodPost, "/leadgate/leads/import", asked, &done)
	if err != nil {
		return err
	}
	if l.json {
		return printJSON(cmd.OutOrStdout(), answer)
	}
	if dry {
		return writeAll(cmd.OutOrStdout(), fmt.Sprintf("form %s of tenant %s: %d leads; nothing was queued (--dry-run)\n",
			l.form, done.Tenant, done.Leads))
	}
	return writeAll(cmd.OutOrStdout(), fmt.Sprintf("form %s of tenant %s: %d leads, %d queued, %d known already\n",
		l.form, done.Tenant, done.Leads, done.Queued, done.Leads-done.Queued))
}

// sinceAt reads --since.
func (l *leadImport) sinceAt(now time.Time) (time.Time, error) {
	if d, err := l.env.Duration(l.since); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, l.since); err == nil && t.Before(now) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since '%s' is no time before now: write 30d, 2026-11-01 or 2026-11-01T08:00:00Z", l.since)
}
