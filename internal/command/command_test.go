package command

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/printable"
)

// TestSince reads a duration before now, or a time.
func TestSince(t *testing.T) {
	duration := func(text string) (time.Duration, error) { // as Caddy reads it, in short
		if days, ok := strings.CutSuffix(text, "d"); ok {
			n, err := strconv.Atoi(days)
			return time.Duration(n) * 24 * time.Hour, err
		}
		return time.ParseDuration(text)
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{"2h": now.Add(-2 * time.Hour), "7d": now.Add(-7 * 24 * time.Hour),
		"2026-11-20T09:00:00Z": now.Add(-3 * time.Hour)} {
		if got, err := parseSince(text, now, duration); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"yesterday", "-2h", "2"} {
		if got, err := parseSince(text, now, duration); err == nil {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestDestinationTable(t *testing.T) {
	long := strings.Repeat("n", 64)
	got := DestinationTable([]delivery.Status{
		{Name: "crm", Kind: "forward", Target: "https://crm.example.com/in", State: delivery.StateRunning, Backlog: 12, OldestAgeSeconds: 130,
			Dead: 3, Reason: "old"},
		{Name: long, Kind: "capi", Target: "123456789012345", State: delivery.StateParked, Reason: strings.Repeat("the token has expired ", 5)},
		{Name: "n8n", Kind: "forward", Target: "https://n8n.example.com/webhook/" + strings.Repeat("x", 80), State: delivery.StateRemoved},
	})
	for line := range strings.Lines(got) {
		if utf8.RuneCountInString(line) > printable.Width+1 {
			t.Errorf("too wide: %s", line)
		}
	}
	for _, want := range []string{"NAME  STATE", "crm   running        12      2m       3  crm.example.com/in\n",
		"\n" + long + "\n      parked", "dataset 123456789012345\n  the token", "\n  n8n.example.com/webhook/xxx"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	got = DestinationTable([]delivery.Status{{Name: "crm", State: delivery.StateOpen, Reason: "503"}})
	if !strings.Contains(got, "failing") || strings.Contains(got, "open") {
		t.Errorf("the table says\n%s", got)
	}
}

// TestShownReason: Meta's long codes stay, phone numbers don't.
func TestShownReason(t *testing.T) {
	until := time.Date(2026, 11, 27, 13, 0, 0, 0, time.UTC).UnixMilli()
	for _, c := range []struct {
		d    delivery.Status
		want string
	}{
		{delivery.Status{Code: "100/2804118", Reason: "configuration (100/2804118): not of 15551234567"},
			"configuration (100/2804118): not of *******4567"},
		{delivery.Status{Code: "404", Reason: "404 Not Found: 15551234567", Until: &until},
			"404 Not Found: *******4567; the next attempt is at 2026-11-27T13:00:00Z"},
		{delivery.Status{Code: "368", Reason: "throttled (368): x; it waits until 2026-11-27T13:00:00Z", Until: &until},
			"throttled (368): x; it waits until 2026-11-27T13:00:00Z"},
		{delivery.Status{Reason: "by an operator"}, "by an operator"},
	} {
		if got := shownReason(&c.d); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestAllExplained has a word for each class of Meta's errors, which destinations and the
// doctor show of Google's, too, and for each state; of what both refuse neither is named alone.
func TestAllExplained(t *testing.T) {
	for class := capi.Transient; class <= capi.BadEvent; class++ {
		if classDoes[class] == "" {
			t.Errorf("class %s: nothing is said of what the edge does", class)
		}
		if _, err := explainWord(class.String()); err != nil && class != capi.BadEvent { // whose word is refused
			t.Error(err)
		}
	}
	for _, word := range []string{google.ReasonRefused, google.ReasonExpired, google.ReasonUnconfirmed, "parked", "token"} {
		if text, err := explainWord(word); err != nil || !strings.Contains(text, "Meta") || !strings.Contains(text, "Google") {
			t.Errorf("%s: %s, %v", word, text, err)
		}
	}
	for _, s := range []delivery.State{
		delivery.StateRunning, delivery.StateRetrying, delivery.StateOpen, delivery.StateParked, delivery.StatePaused, delivery.StateRemoved,
	} {
		if _, err := explainWord(string(s)); err != nil {
			t.Error(err)
		}
	}
}

// TestLeadsExplained: codes that mean something else where a lead is read say that, too, and others don't.
func TestLeadsExplained(t *testing.T) {
	for word, want := range map[string]string{
		"278": "leads_retrieval", "200": "Leads Access Manager", "100/33": "during 6", "803": "during 6", "100": "during 6",
		"not found": "Test button", "invalid": "digits",
		"100/2804050": "", "210": "Page's own", "190": "", "80005": "", "1": "",
	} {
		text, err := explainWord(word)
		if err != nil || !strings.Contains(text, want) || (want == "" || word == "210") && strings.Contains(text, "of leads") {
			t.Errorf("%s: %s, %v", word, text, err)
		}
	}
}

// TestGoogleExplained: each action of Google's tables has its words, and a reason is found
// with its prefix and without.
func TestGoogleExplained(t *testing.T) {
	for _, table := range google.Tables() {
		for _, x := range table.Rows {
			if googleDoes[x.Action] == "" {
				t.Errorf("%s: nothing is said of what the edge does", x.Reason)
			}
			if text, err := explainWord(x.Reason); !strings.Contains(x.Reason, "*") && (err != nil || !strings.Contains(text, x.Reason)) {
				t.Errorf("%s: %s, %v", x.Reason, text, err)
			}
		}
	}
	for _, word := range []string{"PROCESSING_ERROR_REASON_TOO_RECENT_CLICK", "too_recent_click"} {
		if text, err := explainWord(word); err != nil || !strings.HasPrefix(text, "TOO_RECENT_CLICK  Google, in the status of a request\n") ||
			!strings.Contains(text, "after 6h") {
			t.Errorf("%s: %s, %v", word, text, err)
		}
	}
}

func TestOneLine(t *testing.T) {
	if text := oneLine([]byte("{\n \"a\": 1\n}")); text != "{\"a\":1}\n" {
		t.Errorf("one line: %q", text)
	}
}

// TestAsItIs changes no byte for a program, and escapes for a person.
func TestAsItIs(t *testing.T) {
	const text = "{\"a\":\"\u009b31m\u202e\"}\n"
	var screen bytes.Buffer
	for _, terminal := range []bool{true, false} {
		screen.Reset()
		w := asItIs(&printable.Writer{W: &screen}, func(any) bool { return terminal })
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{true: printable.Text(text), false: text}[terminal]; screen.String() != want {
			t.Errorf("terminal %v: %q", terminal, screen.String())
		}
	}
}

// TestHelpFits: in a terminal no line of a command's help is broken but that of its use and an
// example, which are to be copied.
func TestHelpFits(t *testing.T) {
	root := &cobra.Command{Use: "leadgate"}
	Add(root, new(Env))
	n := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		n++
		for line := range strings.Lines(cmd.Long + "\n" + cmd.UsageString()) {
			if utf8.RuneCountInString(line) > printable.Width+1 && !strings.HasPrefix(line, "  leadgate ") && !strings.HasPrefix(line, "  caddy ") &&
				!strings.HasPrefix(line, `  {"`) {
				t.Errorf("%s: %s", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			look(sub)
		}
	}
	look(root)
	if n < 20 {
		t.Errorf("%d commands", n)
	}
}
