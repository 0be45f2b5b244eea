package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/printable"
)

// adminCLI is what a command that talks to a running edge has: Caddy's own flags
// for where its admin endpoint is, and --json.
type adminCLI struct {
	env                      *Env
	address, config, adapter string
	json                     bool
}

// adminFlags is the part of a command's help that explains them.
const adminFlags = `

The edge is asked through Caddy's admin endpoint: the one of --address, else
that of --config, else localhost:2019. --json prints what it answers, as JSON.`

func (a *adminCLI) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.address, "address", "", "The address to use to reach the admin API endpoint, if not the default")
	cmd.Flags().StringVarP(&a.config, "config", "c", "", "Configuration file to use to parse the admin address, if --address is not used")
	cmd.Flags().StringVarP(&a.adapter, "adapter", "a", "", "Name of config adapter to apply (when --config is used)")
	cmd.Flags().BoolVar(&a.json, "json", false, "Print JSON")
}

// call asks the edge; body nil is none. The answer is read into into, and
// returned as it came.
func (a *adminCLI) call(method, uri string, body, into any) ([]byte, error) {
	address, err := a.env.AdminAddress(a.address, a.config, a.adapter)
	if err != nil {
		return nil, fmt.Errorf("finding the admin endpoint: %w", err)
	}
	if strings.Contains(a.address, "://") {
		return nil, fmt.Errorf("--address %s is a URL: write the host and port alone, such as localhost:2019", printable.URL(a.address))
	}
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("writing the request: %w", err)
		}
		payload = bytes.NewReader(b)
	}
	resp, err := a.env.AdminRequest(address, method, uri, payload)
	if err != nil {
		return nil, fmt.Errorf("asking the edge at %s: %s", address, adminFailure(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the edge's answer: %w", err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		if len(bytes.TrimSpace(answer)) == 0 {
			return nil, fmt.Errorf("asking the edge at %s: the answer is empty: is it the address of the admin endpoint, and not of a site?",
				address)
		}
		return nil, fmt.Errorf("reading the edge's answer: %w", err)
	}
	return answer, nil
}

// adminFailure takes the sentence out of the JSON that Caddy's error wraps, and
// says what to do where nobody listens.
func adminFailure(err error) string {
	text := err.Error()
	if i := strings.IndexByte(text, '{'); i >= 0 {
		var answer struct{ Error string }
		if json.Unmarshal([]byte(strings.TrimSpace(text[i:])), &answer) == nil && answer.Error != "" {
			return answer.Error
		}
	}
	switch {
	case strings.Contains(text, "HTTP 404"):
		return "it has no Leadgate: is this the right Caddy?"
	case strings.Contains(text, "connection refused"), strings.Contains(text, "no such file"):
		return "nobody listens there: is the edge running, and is its admin endpoint elsewhere (--address) or off?"
	}
	return text
}

// printJSON prints an answer as it came.
func printJSON(out io.Writer, answer []byte) error {
	_, err := out.Write(append(bytes.TrimSpace(answer), '\n'))
	return err
}
