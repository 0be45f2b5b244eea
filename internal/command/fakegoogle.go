package command

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/google/googletest"
)

func fakeGoogle() *cobra.Command {
	var listen, credentials string
	var ready time.Duration
	cmd := &cobra.Command{
		Use:   "fake-google [--listen <address>] [--credentials <file>] [--ready-after <time>]",
		Short: "Stands in for Google Ads, and prints what it accepts",
		Long: `Answers as Google's Data Manager API for Google Ads would: it refuses what
Google refuses, with its reasons, and prints each event that it accepts as a
line of JSON. Point a google block's endpoint at it for a rehearsal. Nothing
reaches Google.

It gives access tokens at /token to any credential whose token_uri is there;
--credentials writes the key of an invented service account that is, and from
then on takes no other. What became of a request is known after --ready-after.

What it accepted can also be read at /_leadgate/accepted.

Example:

  caddy leadgate fake-google --credentials google.json --ready-after 1m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, log := cmd.OutOrStdout(), cmd.ErrOrStderr()
			fake := &googletest.Server{
				Keep:       10_000,
				ReadyAfter: ready,
				OnAccept:   func(a googletest.Accepted) { _ = json.NewEncoder(out).Encode(a) },
				OnRefuse:   func(e *googletest.Error) { _, _ = fmt.Fprintf(log, "refused: %v\n", e) },
			}
			return serveFake(cmd, listen, fake, func(endpoint string) error {
				if credentials != "" {
					if err := writeKey(fake, endpoint, credentials); err != nil {
						return err
					}
				}
				_, err := fmt.Fprintf(log, "fake Google listens: write `endpoint %s` in a google block, whose credentials have the token_uri "+
					"%s/token\n", endpoint, endpoint)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9098", "the address to listen on")
	cmd.Flags().StringVar(&credentials, "credentials", "", "Write the key of an invented service account to this file, and take no other")
	cmd.Flags().DurationVar(&ready, "ready-after", 30*time.Minute, "how long until it is known what became of a request")
	return cmd
}

// writeKey writes a key that the fake knows, over no other file.
func writeKey(fake *googletest.Server, endpoint, name string) error {
	key, err := fake.NewKey(endpoint + "/token")
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	if _, err = file.Write(append(key, '\n')); err != nil {
		_ = file.Close() // the first error counts
		return fmt.Errorf("writing a key: %w", err)
	}
	return file.Close()
}
