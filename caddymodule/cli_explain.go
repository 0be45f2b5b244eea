package caddymodule

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/capi"
)

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [<code>]",
		Short: "Says what an error code of Meta means, and what to do",
		Long: `Says what an error code of Meta's Graph API means, what the edge does about it,
and what to do. Logs, dead letters and parked destinations name such codes.

A code is written 190, 100/2804066 (code and subcode) or 2804118 (a subcode of
the Conversions API alone). Without one, all that are known are listed.

Examples:

  caddy leadgate explain 190
  caddy leadgate explain 100/2804066`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return writeAll(cmd.OutOrStdout(), explainAll())
			}
			code, subcode, err := capi.ParseCode(args[0])
			if err != nil {
				return err
			}
			return writeAll(cmd.OutOrStdout(), explain(code, subcode))
		},
	}
}

func writeAll(out io.Writer, text string) error {
	_, err := io.WriteString(out, text)
	return err
}

// classDoes is what the edge does about an error of a class.
var classDoes = map[capi.Class]string{
	capi.Transient:     "keeps the events and tries again, with growing pauses, until they are 7 days old (retry_for)",
	capi.Throttled:     "keeps the events and waits as long as Meta's headers say, else from 1 to 15 minutes; no attempt is lost",
	capi.Token:         "parks the destination: all events wait in the queue; it reads its {file.*} secrets again and tries the oldest event alone once a minute, and goes on by itself when Meta takes it, after a reload with a new token, or by resume",
	capi.Permission:    "parks the destination: all events wait in the queue; it tries the oldest event alone once a minute, and goes on by itself when Meta takes it, or by resume",
	capi.Configuration: "parks the destination: all events wait in the queue; it tries the oldest event alone once a minute, and goes on by itself when Meta takes it, after a reload, or by resume",
	capi.BadEvent:      "makes the refused event a dead letter, with this code, and sends the rest of its batch; see caddy leadgate dead list",
}

func explain(code, subcode int) string {
	x := capi.Explain(code, subcode)
	var b strings.Builder
	title := fmt.Sprintf("%s  %s", x.Name(), x.Class)
	if !codeKnown(code, subcode) {
		title = x.Name() + "  not known; treated as " + x.Class.String()
	}
	b.WriteString(title + "\n\n")
	field := func(name, text string) {
		if text != "" {
			b.WriteString(wrapText(text, fmt.Sprintf("  %-9s", name), strings.Repeat(" ", 11), cliWidth))
		}
	}
	field("meaning", x.Sentence)
	does := classDoes[x.Class]
	if x.Wait > 0 {
		does += "; with this code for at least " + shortAge(int64(x.Wait.Seconds()))
	}
	field("the edge", does)
	field("you", x.Fix)
	return b.String()
}

// codeKnown says whether the table has an entry for a code, or for the code
// with whatever subcode.
func codeKnown(code, subcode int) bool {
	return slices.ContainsFunc(capi.Codes(), func(x capi.Explanation) bool {
		return (code == x.Code || x.LastCode != 0 && code >= x.Code && code <= x.LastCode) &&
			(x.Subcode == subcode || x.Subcode == 0 && !(code == 100 && subcode >= 2804000 && subcode <= 2804999))
	})
}

func explainAll() string {
	var b strings.Builder
	var class capi.Class
	for _, x := range capi.Codes() {
		if x.Class != class {
			class = x.Class
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(wrapText(fmt.Sprintf("%s: the edge %s", strings.ToUpper(class.String()), classDoes[class]), "", "", cliWidth))
		}
		b.WriteString(wrapText(x.Sentence, fmt.Sprintf("  %-13s", x.Name()), strings.Repeat(" ", 15), cliWidth))
	}
	b.WriteString("\nWhat to do about one: caddy leadgate explain <code>\n")
	return b.String()
}
