package printable

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Width is how wide the commands' tables and texts are at most, in columns.
const Width = 80

// Wrap breaks a text at its spaces into lines of at most width columns,
// first with one indentation and then with another. What has no space is not
// broken.
func Wrap(text, first, rest string, width int) string {
	var b strings.Builder
	line, column, empty := first, utf8.RuneCountInString(first), true
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if !empty && column+1+n > width {
			b.WriteString(line)
			b.WriteByte('\n')
			line, column, empty = rest, utf8.RuneCountInString(rest), true
		}
		if !empty {
			line, column = line+" ", column+1
		}
		line, column, empty = line+word, column+n, false
	}
	b.WriteString(strings.TrimRight(line, " "))
	b.WriteByte('\n')
	return b.String()
}

// Fit cuts a text to n columns, with an ellipsis, and fills it up.
func Fit(text string, n int) string {
	text = Line(text)
	if have := utf8.RuneCountInString(text); have <= n {
		return text + strings.Repeat(" ", n-have)
	}
	runes := []rune(text)
	return string(runes[:n-1]) + "…"
}

// Short makes a foreign text fit for a log line: on one line, and no longer than n
// characters and an ellipsis.
func Short(text string, n int) string {
	text = Line(text)
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return text
}

// Age is an age in seconds in the largest unit that it has two of.
func Age(seconds int64) string {
	switch {
	case seconds <= 0:
		return "-"
	case seconds < 120:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 2*3600:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 48*3600:
		return fmt.Sprintf("%dh", seconds/3600)
	}
	return fmt.Sprintf("%dd", seconds/86400)
}

// Time is a time in the terminal's time zone, to the minute.
func Time(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).Format("2006-01-02 15:04")
}
