package command

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/destination/leads"
	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/wording"
)

func explain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [<code or reason>]",
		Short: "Says what a code of Meta's or a reason means, and what to do",
		Long: `Says what an error code of Meta's Graph API means, what the edge does about it,
and what to do. Logs, dead letters and parked destinations name such codes.

A code is written 190, 100/2804066 (code and subcode) or 2804118 (a subcode of
the Conversions API alone). A reason is Google's, such as CLICK_NOT_FOUND, with
its prefix or without; a word of Leadgate's own, as dead letters and
destinations show it: expired, overflow, parked…; or the status of an answer,
such as 404. Without one, all that are known are listed.

Examples:

  caddy leadgate explain 190
  caddy leadgate explain 100/2804066
  caddy leadgate explain TOO_RECENT_CLICK
  caddy leadgate explain unconfirmed`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return writeAll(cmd.OutOrStdout(), explainAll())
			}
			text, err := explainWord(strings.Join(args, " "))
			if err != nil {
				return err
			}
			return writeAll(cmd.OutOrStdout(), text)
		},
	}
}

// reasonMeans explains a word of Leadgate's own.
type reasonMeans struct{ word, meaning, fix string }

// reasons are the words that dead letters, destinations and events show beside
// Meta's codes and statuses of answers.
var reasons = []reasonMeans{
	{capi.ReasonRefused,
		"Meta or Google refuses the event, or is known to, so that no request was spent: the dead letter's code and sentence say why",
		"explain the code; correct what makes such events, and drop or replay the dead letter"},
	{capi.ReasonExpired, "the event was 7 days old before Meta took it (retry_for), and Meta takes no older ones; or its click was too old " +
		"for Google: 90 days, or what the conversion action's window says",
		"find out why it waited: caddy leadgate destinations; a replay would expire again"},
	{capi.ReasonUnconfirmed,
		"Meta answered without counting all events of the request, or the event was in doubt and on_timeout is drop: its request was sent, and " +
			"no answer came, or the edge died or lost the right to send before it kept the answer. Meta may have the event or not. Of Google's: " +
			"some events of the request were refused, and it does not say which",
		"look into the Events Manager before you replay it: a replay sends it, and Meta counts a repeated event twice; Google does not"},
	{google.ReasonConsent, "Google needs the person's consent for the event, and it is missing or denied",
		"explain the dead letter's code; never replay what a person denied"},
	{"not found", "Meta knew no such lead for 6 hours, or did not show it to the token",
		"give the token the lead's Page (caddy leadgate doctor says what it may read), and replay it; the dashboard's Test button sends ids " +
			"that no lead has"},
	{"invalid", "a webhook's lead has an id that is none of Meta's: those are of digits alone", "look at the dead letter's raw, and drop it"},
	{"in doubt", "a request with the event was sent, and nothing says whether Meta has it: on_timeout retry sends it again, drop makes it " +
		"a dead letter",
		"nothing, unless you would rather miss an event than repeat one: then write on_timeout drop"},
	{"timeout", "of an older Leadgate, now unconfirmed: the request was sent, no answer came, and on_timeout is drop",
		"look into the Events Manager before you replay it: Meta counts a repeated event twice"},
	{"overflow", "the destination had max_backlog events waiting when this one came",
		"get the destination going again, then replay the dead letters with this reason"},
	{"unmatched", "no tenant's match names one of the event's ids, and the block has no settings of its own",
		"add the match that the dead letter names, reload, and replay: unmatched ones are routed again"},
	{"unreadable", "the stored event could not be read: it was written by another version, or is damaged",
		"show the dead letter, and report it"},
	{"internal error", "a bug in Leadgate; its log has the stack", "report it, with the log's lines"},
	{"connection refused", "nothing listens at the destination's address and port",
		"start it, or correct the forward's URL; the events wait and are tried again"},
	{"connection reset", "the destination ended the connection without an answer", "look into its own log; the events are tried again"},
	{"running", "the destination takes events", ""},
	{"retrying", "the oldest event failed and is tried again; its reason says why and when", "explain the code in the reason, if it has one"},
	{"open", "the destination fails: after 10 failures in a row one event at a time is tried, and the rest wait in order",
		"look at the reason; it goes on by itself when an event is taken"},
	{"parked", "Meta or Google refuses the token, the permission or the configuration: all events wait, and the oldest is tried alone once " +
		"a minute",
		"explain the code in the reason; it goes on by itself when that is taken, or by resume"},
	{"token", "Meta or Google refuses the token or key, or gives none for it: the destination is parked",
		"put a new one where the configuration reads it; a {file.*} is read again once a minute, what else there is by a reload"},
	{"permission", "the token or key is good, and may not do this: the destination is parked",
		"read the reason's sentence: it says who gives it"},
	{"configuration", "Meta or Google does not know what the destination is configured for, or somebody else answers: it is parked",
		"read the reason's sentence, correct the configuration, and reload"},
	{"throttled", "Meta or Google says that a limit of requests is reached: the destination waits, and no attempt is lost",
		"nothing to do; the reason says until when"},
	{"transient", "no answer came, or one that says to try again: the event is tried again, with growing pauses, until retry_for",
		"nothing to do, unless it goes on: then look at what stands between here and there"},
	{"paused", "an operator paused it, or it answered 410: all events wait",
		"when it is ready, resume it in the dashboard, or by POST /leadgate/destinations/<name>/resume of the admin API"},
	{"removed", "no running configuration has this destination, and its queue is kept",
		"configure it again, or drop its queue, or move it to another destination: " +
			"POST /leadgate/destinations/<name>/drop or move of the admin API"},
}

// explainWord explains a code, a status or a reason.
func explainWord(word string) (string, error) {
	if i := slices.IndexFunc(reasons, func(r reasonMeans) bool { return strings.EqualFold(r.word, word) }); i >= 0 {
		r := reasons[i]
		return explained(r.word, "meaning", r.meaning, "you", r.fix), nil
	}
	if strings.HasPrefix(word, "timeout after ") {
		return explained(word, "meaning", "the destination did not answer in time; it may have taken the event", "the edge",
			"tries again until retry_for, with the same Leadgate-Event-Id",
			"you", "raise the forward's timeout, or let the workflow answer before it works"), nil
	}
	number, _, _ := strings.Cut(word, " ")
	code, subcode, err := capi.ParseCode(number)
	status := err == nil && subcode == 0 && code >= 300 && code < 600 && http.StatusText(code) != ""
	if text := explainGoogle(word); text != "" {
		return text, nil
	}
	switch {
	case status && !dataset.CodeKnown(code, 0):
		o := forward.Explain(code)
		return explained(fmt.Sprintf("%d %s", code, http.StatusText(code)), "meaning", o.Explanation, "the edge", forwardDoes[o.Action]), nil
	case err != nil:
		known := make([]string, 0, len(reasons))
		for _, r := range reasons {
			known = append(known, r.word)
		}
		return "", fmt.Errorf("'%s' is no code and no reason: %s, or a code such as 190, 100/2804066 or CLICK_NOT_FOUND", printable.Line(word),
			wording.Meant(word, known))
	}
	return explainCode(code, subcode), nil
}

// forwardDoes is what the edge does about a forward's answer.
var forwardDoes = map[destination.Action]string{
	destination.Retry: "keeps the event and tries again, with growing pauses, until retry_for; then it is a dead letter",
	destination.Dead:  "makes the event a dead letter at once, and goes on with the next",
	destination.Gone:  "makes the event a dead letter, and pauses the destination",
}

// explained is a title and what is to be said under it, in pairs.
func explained(title string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(title + "\n\n")
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			b.WriteString(printable.Wrap(pairs[i+1], fmt.Sprintf("  %-9s", pairs[i]), strings.Repeat(" ", 11), printable.Width))
		}
	}
	return b.String()
}

func writeAll(out io.Writer, text string) error {
	_, err := io.WriteString(out, text)
	return err
}

// classDoes is what the edge does about an error of a class.
var classDoes = map[capi.ErrorClass]string{
	capi.Transient: "keeps the events and tries again, with growing pauses, until they are 7 days old (retry_for)",
	capi.Throttled: "keeps the events and waits as long as Meta's headers say, else from 1 to 15 minutes; no attempt is lost",
	capi.Token: "parks the destination: all events wait in the queue; it reads its {file.*} secrets again and tries the oldest event " +
		"alone once a minute, and goes on by itself when Meta takes it, after a reload with a new token, or by resume",
	capi.Permission: "parks the destination: all events wait in the queue; it tries the oldest event alone once a minute, and goes on by " +
		"itself when Meta takes it, or by resume",
	capi.Configuration: "parks the destination: all events wait in the queue; it tries the oldest event alone once a minute, and goes on by " +
		"itself when Meta takes it, after a reload, or by resume",
	capi.BadEvent: "makes the refused event a dead letter, with this code, and sends the rest of its batch; see caddy leadgate dead list",
}

func explainCode(code, subcode int) string {
	x := capi.Explain(code, subcode)
	title := fmt.Sprintf("%s  %s", x.Name(), x.Class)
	if !dataset.CodeKnown(code, subcode) {
		title = x.Name() + "  not known; treated as " + x.Class.String()
	}
	does := classDoes[x.Class]
	if x.Wait > 0 {
		does += "; with this code for at least " + printable.Age(int64(x.Wait.Seconds()))
	}
	return explained(title, "meaning", x.Sentence, "the edge", does, "you", x.Fix, "of leads", leads.Explain(code, subcode))
}

func explainAll() string {
	var b strings.Builder
	var class capi.ErrorClass
	for _, x := range capi.Codes() {
		if x.Class != class {
			class = x.Class
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(printable.Wrap(fmt.Sprintf("%s: the edge %s", strings.ToUpper(class.String()), classDoes[class]), "", "", printable.Width))
		}
		b.WriteString(printable.Wrap(x.Sentence, fmt.Sprintf("  %-13s", x.Name()), strings.Repeat(" ", 15), printable.Width))
	}
	other := capi.Explain(100, 2804999) // of which nobody knows the number
	b.WriteString(printable.Wrap(other.Text(), fmt.Sprintf("  %-13s", "100/2804xxx"), strings.Repeat(" ", 15), printable.Width))
	allOfGoogle(&b)
	b.WriteString("\nLEADGATE'S OWN WORDS\n")
	for _, r := range reasons {
		b.WriteString(printable.Wrap(r.meaning, fmt.Sprintf("  %-19s", r.word), strings.Repeat(" ", 21), printable.Width))
	}
	b.WriteString("\nWhat to do about one: caddy leadgate explain <code or reason>\n")
	return b.String()
}
