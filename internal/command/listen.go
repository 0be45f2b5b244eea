package command

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/printable"
)

func listen() *cobra.Command {
	var address string
	l := new(Listener)
	cmd := &cobra.Command{
		Use:   "listen [--listen <address>] [--json]",
		Short: "Takes events as a destination does, and prints them",
		Long: `Takes events as a destination does, answers 200, and prints what it got: what
it is, from whom, the text, the ad. Point a forward at it to see what your CRM
would get; --json prints the bodies whole. With raw, the provider's own body is
shown.

Example:

  caddy leadgate listen
  LEADGATE_FORWARD=http://localhost:8082/ caddy run --config Caddyfile.example`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			socket, err := listenAt(cmd.Context(), address)
			if err != nil {
				return err
			}
			l.Out = cmd.OutOrStdout()
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "listening: write `forward http://%s/` in a leadgate block\n", socket.Addr())
			server := &http.Server{Handler: l, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
			return server.Serve(socket)
		},
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:8082", "the address to listen on")
	cmd.Flags().BoolVar(&l.Whole, "json", false, "Print the bodies as they come, one a line")
	return cmd
}

// Listener is a destination that prints what it gets, and answers 200.
type Listener struct {
	Out   io.Writer
	Whole bool // the bodies as they come, one a line

	mu sync.Mutex // of Out
}

// ServeHTTP implements http.Handler.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	text := received(r.Header, body, time.Now())
	if l.Whole {
		text = oneLine(body)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := io.WriteString(l.Out, text); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// oneLine is a body on one line, if it is JSON.
func oneLine(body []byte) string {
	var line bytes.Buffer
	if err := json.Compact(&line, body); err == nil {
		return printable.Line(line.String()) + "\n"
	}
	return printable.Line(string(body)) + "\n"
}

// received is what came, for people.
func received(header http.Header, body []byte, now time.Time) string {
	var b strings.Builder
	head := func(what string) {
		b.WriteString(printable.Wrap(what, now.Format("15:04:05")+"  ", strings.Repeat(" ", 10), printable.Width))
	}
	field := func(name, text string) {
		if text != "" {
			b.WriteString(printable.Wrap(printable.Line(text), fmt.Sprintf("          %-9s", name), strings.Repeat(" ", 19), printable.Width))
		}
	}
	var doc jsondoc.Doc
	if doc.Parse(body) != nil || !doc.Root().Get("tenantId").Exists() {
		head("the provider's own body, " + cmp.Or(printable.Line(header.Get("Content-Type")), "without a Content-Type"))
		var indented bytes.Buffer
		if json.Indent(&indented, body, "          ", "  ") != nil {
			indented.Reset()
			indented.Write(body)
		}
		for line := range strings.Lines(strings.TrimRight(indented.String(), "\n")) {
			b.WriteString("          " + strings.TrimPrefix(printable.Line(strings.TrimSuffix(line, "\n")), "          ") + "\n")
		}
		return b.String()
	}
	ev := doc.Root()
	get := func(path ...string) string {
		n := ev
		for _, name := range path {
			n = n.Get(name)
		}
		if n.Kind() == 'n' {
			return ""
		}
		return n.String()
	}
	who := cmp.Or(get("waPhone"), get("userId"), get("waId"))
	if name := get("profileName"); name != "" {
		who = strings.TrimSpace(who + " (" + name + ")")
	}
	head(printable.Line(strings.Join(nonEmpty(get("kind"), get("channel"), "tenant "+get("tenantId"), who), ", ")))
	field(get("message", "type"), cmp.Or(get("message", "text"), get("message", "caption")))
	field("status", get("status", "state"))
	field("event", get("automaticEvent", "eventName"))
	field("posted", get("conversion", "eventName"))
	if clid, ad := get("referral", "ctwaClid"), get("referral", "adId"); clid != "" || ad != "" {
		field("ad", strings.Join(nonEmpty(prefixed("ad ", ad), prefixed("click ", clid), get("referral", "headline"),
			get("referral", "sourceUrl")), ", "))
	}
	field("link", strings.Join(nonEmpty(get("link", "name"), get("link", "code"), get("link", "source")), ", "))
	if ad := get("attribution", "lastClick", "adId"); ad != "" {
		field("came by", "ad "+ad)
	}
	field("came by", prefixed("link ", get("attribution", "lastClick", "link", "name")))
	field("id", get("id")+prefixed(", attempt ", header.Get("Leadgate-Attempt")))
	return b.String()
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func nonEmpty(list ...string) (out []string) {
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
