package command

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/samples"
)

func (env *Env) send() *cobra.Command {
	var to, provider, secret, sample string
	cmd := &cobra.Command{
		Use:   "send --to <url> --secret <secret> (--sample <name> | <file>)",
		Short: "Posts a webhook as the provider would, signed",
		Long: `Posts a webhook as the provider would: signed with the app secret, or with
the token as a header and in the query. Prints the answer, and what became of
the webhook (queued, duplicate, empty, unmatched, inline); fails unless a
leadgate block took it. A sample is a new event each time.

` + printable.Wrap(strings.Join(samples.Names(), ", "), "Samples: ", "  ", printable.Width) + `
Example:

  caddy leadgate send --to http://127.0.0.1:8080/webhooks/meta --secret demo-secret --sample click`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := webhookBody(cmd.InOrStdin(), sample, args)
			if err != nil {
				return err
			}
			p, err := env.Provider(provider)
			if err != nil {
				return err
			}
			w := webhook{to: to, provider: provider, secret: secret, body: asPosted(p, body)}
			return w.send(cmd.Context(), cmd.OutOrStdout(), p, "Leadgate/"+env.Version)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "where to post")
	cmd.Flags().StringVar(&provider, "provider", "", "the provider that posts (default: the sample's, else meta)")
	cmd.Flags().StringVar(&secret, "secret", "", "the app secret or token")
	cmd.Flags().StringVar(&sample, "sample", "", "a built-in webhook instead of a file")
	_ = cmd.MarkFlagRequired("to")
	cmd.PreRun = func(*cobra.Command, []string) {
		if provider == "" {
			provider = samples.Provider(sample)
		}
	}
	return cmd
}

// webhookBody is the sample, the file, or what comes in.
func webhookBody(stdin io.Reader, sample string, args []string) ([]byte, error) {
	switch {
	case sample != "" && len(args) > 0:
		return nil, errors.New("a sample and a file exclude each other")
	case sample != "":
		return samples.Render(sample, time.Now())
	case len(args) == 0 && isTerminal(stdin):
		return nil, errors.New("write a file or --sample <name>; samples are " + strings.Join(samples.Names(), ", "))
	case len(args) == 0 || args[0] == "-":
		body, err := io.ReadAll(stdin)
		if err == nil && len(bytes.TrimSpace(body)) == 0 {
			return nil, errors.New("nothing came in: write a file or --sample <name>; samples are " + strings.Join(samples.Names(), ", "))
		}
		return body, err
	default:
		return os.ReadFile(args[0])
	}
}

// asPosted is a file's content as the provider would post it: a form has no line
// end, which an editor puts there.
func asPosted(p Provider, body []byte) []byte {
	if contentType(p) == formType {
		return bytes.TrimRight(body, "\r\n")
	}
	return body
}

// contentType is that of a provider's webhooks.
func contentType(p Provider) string {
	if c, ok := p.(interface{ ContentType() string }); ok {
		return c.ContentType()
	}
	return "application/json"
}

const formType = "application/x-www-form-urlencoded"

// webhook is one that is posted as its provider would.
type webhook struct {
	to, provider, secret string
	body                 []byte
}

// send posts it, and says what became of it. An error says that no leadgate block
// took it.
func (w *webhook) send(ctx context.Context, out io.Writer, p Provider, userAgent string) error {
	if hosts.WebURL(w.to) == nil {
		return fmt.Errorf("--to %s is no URL: write one such as http://localhost:8080/webhooks/%s", printable.Line(w.to), w.provider)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.to, bytes.NewReader(w.body))
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Content-Type", contentType(p))
	req.Header.Set("User-Agent", userAgent)
	signer, ok := p.(interface {
		SignRequest(r *http.Request, body []byte, secret string)
	})
	if ok && w.secret != "" {
		signer.SignRequest(req, w.body, w.secret)
	}
	client := http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return unreached(w.to, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	outcome := resp.Header.Get(intake.OutcomeHeader)
	_, _ = fmt.Fprintln(out, strings.TrimSpace(resp.Status+" "+printable.Line(outcome)))
	if len(answer) > 0 {
		_, _ = fmt.Fprintln(out, string(answer))
	}
	if err := w.notTaken(resp, answer, outcome); err != nil {
		return err
	}
	if note := sendNotes[outcome]; note != "" {
		_, _ = fmt.Fprintln(out, note)
	}
	return nil
}

// notTaken says why an answer is not that of a block that took the webhook; nil
// where it is.
func (w *webhook) notTaken(resp *http.Response, answer []byte, outcome string) error {
	switch {
	case outcome == "":
		why := cmp.Or(elsewhere(w.to, resp, answer), "--to is not the path of one, or not its site's host name, and the webhook is lost")
		return fmt.Errorf("no leadgate block answered this (%s, without %s): %s", resp.Status, intake.OutcomeHeader, why)
	case outcome == "inline" && resp.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("the handler after the leadgate block answered %s: the block has no destination, so that its events go there; "+
			"write `forward <url>` into it, or a handler behind it", resp.Status)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the edge answered %s%s", resp.Status, sendHint(resp.StatusCode, w.provider, w.secret))
	}
	return nil
}

// sendNotes say what an outcome means that is no delivery.
var sendNotes = map[string]string{
	"duplicate": "The edge knew this event: nothing was queued again.",
	"inline":    "The block has no destination: the events went to the handler after it, whose answer this is.",
	"empty":     "Nothing came of it: it has no event, or none that a destination's `only` wants.",
	"unmatched": "No tenant's match fits it: `caddy leadgate dead list --destination unmatched` shows it, and the edge's log what to write.",
}

// sendHint says what a status usually means.
func sendHint(status int, provider, secret string) string {
	switch {
	case status == http.StatusUnauthorized && secret == "":
		return " to provider " + provider + "'s webhook: write --secret, the app_secret, auth_token or token of the leadgate block"
	case status == http.StatusUnauthorized:
		return ": --secret is not the app_secret or token of the leadgate block, or the block is not for " + provider +
			", as whom this was posted (--provider)"
	case status == http.StatusBadRequest:
		return ": the body is nothing that " + provider + " posts, or the block is for another provider (--provider)"
	case status == http.StatusServiceUnavailable:
		return ": the queue cannot take it; the edge's log says why"
	}
	return ""
}
