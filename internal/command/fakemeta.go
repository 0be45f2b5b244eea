package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/adfake"
	"github.com/leadgate/leadgate/internal/leadfake"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/setupfake"
)

func fakeMeta() *cobra.Command {
	var listen, rate string
	cmd := &cobra.Command{
		Use:   "fake-meta [--listen <address>] [--lead-rate <calls>/<time>]",
		Short: "Stands in for Meta, and prints what it accepts",
		Long: `Answers as Meta's Conversions API would: it refuses what Meta refuses, with its
codes, and prints each event that it accepts as a line of JSON. Point a capi
block's endpoint at it for a rehearsal, or a leads block's: it has two forms, a
lead for each id that it is asked for, and test leads; or an ads block's: it has
a name for each ad, and the account act_1029384756 with spend. It has an app
whose secret may be any, the WhatsApp account 102290129340398 with the dataset
1234567890, the Page 1029384756 and the Instagram account 17841400000000001, for
setup meta, of which no one is set up yet. Nothing reaches Meta.

With --lead-rate it takes so many calls about leads and forms in a time, and
refuses the others as Meta does, with 80005 and how long to wait; who asks
before that is over waits anew.

What it accepted can also be read at /_leadgate/accepted.

Example:

  caddy leadgate fake-meta --lead-rate 20/1m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			limit, err := leadRate(rate)
			if err != nil {
				return err
			}
			out, log := cmd.OutOrStdout(), cmd.ErrOrStderr()
			fake := &capitest.Server{
				Keep:     10_000,
				OnAccept: func(a capitest.Accepted) { _ = json.NewEncoder(out).Encode(a) },
				OnRefuse: func(dataset string, e *capitest.Error) {
					_, _ = fmt.Fprintf(log, "refused for dataset %s: %v\n", dataset, e)
				},
			}
			forms := &leadfake.Server{
				Rate: limit, PageToken: pageToken,
				MakeUp: func(id string) *leadfake.Lead { return leadfake.Sample(id, time.Now().Truncate(time.Second)) },
				Post: func(l *leadfake.Lead, f *leadfake.Form) {
					_, _ = fmt.Fprintf(log, "test lead %s of form %s: post its webhook with `caddy leadgate send --sample leadgen`\n", l.ID, f.ID)
				},
			}
			forms.Next = setUpFake(fake, log)
			sold := adsFake(forms)
			forms.AddForm(&leadfake.Form{ID: "771234567890123", Page: samplePage, Name: "Summer sale", Status: "ACTIVE"})
			forms.AddForm(&leadfake.Form{ID: "771234567890124", Page: samplePage, Name: "Spring sale", Status: "ARCHIVED"})
			return serveFake(cmd, listen, sold, func(endpoint string) error {
				_, err := fmt.Fprintf(log, "fake Meta listens: write `endpoint %s` in a capi block\n", endpoint)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9099", "the address to listen on")
	cmd.Flags().StringVar(&rate, "lead-rate", "", "how many calls about leads and forms are taken in a time, such as 20/1m; default any")
	return cmd
}

// leadRate reads 20/1m; "" is no limit.
func leadRate(text string) (rate leadfake.Rate, err error) {
	if text == "" {
		return rate, nil
	}
	calls, per, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(calls)
	if rate.Calls = n; err == nil {
		rate.Per, err = time.ParseDuration(per)
	}
	if err != nil || n < 1 || rate.Per <= 0 {
		return rate, fmt.Errorf("--lead-rate %s: write calls and a time, such as 20/1m", printable.Line(text))
	}
	return rate, nil
}

// samplePage is the Page of the samples, and its own token.
const (
	samplePage      = "1029384756"
	samplePageToken = "demo-token-of-the-page" //nolint:gosec // the fake's
)

func pageToken(page string) string {
	if page == samplePage {
		return samplePageToken
	}
	return ""
}

// sampleAd is the ad of the samples.
const sampleAd = "120210000000000001"

// adsFake has a name for every ad, and an account with an ad that cost something in the last
// week.
func adsFake(next http.Handler) http.Handler {
	named := func(id string) *adfake.Ad {
		return &adfake.Ad{
			ID: id, Name: "Ad " + id, Account: "1029384756", AdsetID: "120210000000000010", Adset: "Women 25-40",
			CampaignID: "120210000000000100", Campaign: "Summer",
		}
	}
	s := &adfake.Server{Next: next, MakeUp: named}
	s.AddAccount(adfake.Account{ID: "1029384756", Name: "Demo", Currency: "BRL", Timezone: "America/Sao_Paulo"})
	s.Put(*named(sampleAd))
	var days []adfake.Day
	for ago := range 7 {
		day := time.Now().AddDate(0, 0, -ago).Format(time.DateOnly)
		days = append(days, adfake.Day{Ad: sampleAd, Day: day, Spend: "12.34", Impressions: 1000, LinkClicks: 31, Chats: 7})
	}
	s.SetDays(days...)
	return s
}

// setUpFake has the accounts of the samples, of which nothing is set up.
func setUpFake(next http.Handler, log io.Writer) http.Handler {
	s := &setupfake.Server{
		Next: next, App: setupfake.App{ID: "515151515151515", Name: "Demo"},
		Changed: func(what string) { _, _ = fmt.Fprintln(log, what) },
	}
	s.AddWABA(&setupfake.WABA{ID: "102290129340398", Numbers: []string{"106540352242922"}, Dataset: "1234567890"})
	s.AddPage(&setupfake.Page{ID: samplePage, Name: "Summer shop", Token: samplePageToken})
	s.AddInstagram("17841400000000001", "")
	return s
}

// serveFake answers at an address until the command ends; greet is told where.
func serveFake(cmd *cobra.Command, listen string, fake http.Handler, greet func(endpoint string) error) error {
	l, err := listenAt(cmd.Context(), listen)
	if err != nil {
		return err
	}
	if err := greet("http://" + l.Addr().String()); err != nil {
		_ = l.Close() // nobody has it
		return err
	}
	server := &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	stop := context.AfterFunc(cmd.Context(), func() {
		defer close(ended)
		_ = server.Close()
	})
	err = server.Serve(l)
	if !stop() {
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
