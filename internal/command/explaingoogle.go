package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/printable"
)

// googleDoes is what the edge does about a reason of Google's.
var googleDoes = map[google.Action]string{
	google.Done:      "counts the event as delivered",
	google.SendAgain: "keeps the event, and sends it again under the same transactionId",
	google.Shift: "counts the event as delivered where it was sent before; else it sends it again with the next second, and after some " +
		"times makes it a dead letter",
	google.Die: "makes the event a dead letter, and sends the others of its request; see caddy leadgate dead list",
	google.Halt: "parks the destination: all events wait in the queue; it reads its {file.*} credentials again and tries the oldest event " +
		"alone once a minute, and goes on by itself when Google takes it, after a reload, or by resume",
	google.Wait:     "keeps the events and waits as long as Google says, else from 1 to 15 minutes; no attempt is lost",
	google.TryAgain: "keeps the events and tries again, with growing pauses",
	google.Unknown:  "counts the events as unknown, and does not send them again",
	google.Ignored:  "logs it once a day; the event counts",
}

// explainGoogle explains a reason of Google's, "" where there is none of that name.
func explainGoogle(reason string) string {
	var b strings.Builder
	for i, x := range google.Explain(reason) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(explained(x.Reason+"  Google, "+x.Where, "meaning", x.Sentence, "the edge", googleAction(&x), "you", x.Fix))
	}
	return b.String()
}

// googleAction is what the edge does, with the pauses of the table's row.
func googleAction(x *google.Explanation) string {
	does := googleDoes[x.Action]
	if len(x.Again) == 0 {
		return does
	}
	var pauses []string
	for _, pause := range x.Again {
		pauses = append(pauses, printable.Age(int64(pause/time.Second)))
	}
	does += fmt.Sprintf(": after %s", strings.Join(pauses, ", then "))
	if x.FromHour {
		does += ", and not before the click is " + printable.Age(int64(google.MinClickAge/time.Second)) + " old"
	}
	if x.Action == google.SendAgain {
		does += "; after that it is a dead letter"
	}
	return does
}

// allOfGoogle lists the reasons of all tables.
func allOfGoogle(b *strings.Builder) {
	for _, table := range google.Tables() {
		b.WriteString("\nGOOGLE, " + strings.ToUpper(table.Title) + "\n")
		for _, x := range table.Rows {
			b.WriteString(printable.Wrap(x.Sentence+" ("+x.Action.String()+")", "  "+x.Reason+"  ", strings.Repeat(" ", 6), printable.Width))
		}
	}
}
