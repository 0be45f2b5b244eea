package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is figures to be shown. The first column is words, the others figures.
type table struct {
	title string
	head  []string
	rows  [][]string
	note  string
}

// write writes the table as text, or as Markdown.
func (t *table) write(w io.Writer, markdown bool) error {
	var b strings.Builder
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(row []string) {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				cell, pad = pad+cell, ""
			}
			if markdown {
				b.WriteString("| " + cell + pad + " ")
			} else {
				b.WriteString(cell + pad + "  ")
			}
		}
		if markdown {
			b.WriteString("|")
		}
		b.WriteString("\n")
	}
	if markdown {
		b.WriteString("**" + t.title + "**\n\n")
	} else {
		b.WriteString(t.title + "\n\n")
	}
	line(t.head)
	for i, width := range widths {
		switch {
		case !markdown:
			b.WriteString(strings.Repeat("-", width) + "  ")
		case i == 0:
			b.WriteString("|" + strings.Repeat("-", width+2))
		default:
			b.WriteString("|" + strings.Repeat("-", width+1) + ":")
		}
	}
	if markdown {
		b.WriteString("|")
	}
	b.WriteString("\n")
	for _, row := range t.rows {
		line(row)
	}
	if t.note != "" {
		b.WriteString("\n" + t.note + "\n")
	}
	b.WriteString("\n")
	_, err := fmt.Fprint(w, b.String())
	return err
}
