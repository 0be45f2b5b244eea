package setup

import (
	"strings"

	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/wording"
)

// Report is a table of the rows, as wide as a terminal, and a last line that sums up.
func Report(rows []Row) string {
	var b strings.Builder
	const object = 30
	for i := range rows {
		row := &rows[i]
		first := printable.Fit(string(row.State), 8) + printable.Line(row.Object)
		if n := 8 + object - len([]rune(first)); n > 0 {
			first += strings.Repeat(" ", n)
		}
		margin := strings.Repeat(" ", 8+object)
		b.WriteString(printable.Wrap(printable.Line(row.Text), first+" ", margin+" ", printable.Width))
		if row.Fix != "" {
			b.WriteString(printable.Wrap(printable.Line(row.Fix), margin+" → ", margin+"   ", printable.Width))
		}
	}
	b.WriteByte('\n')
	var parts []string
	if n := Count(rows, Made); n > 0 {
		parts = append(parts, wording.Count(n, "thing")+" made")
	}
	if n := Count(rows, Missing); n > 0 {
		parts = append(parts, wording.Count(n, "thing")+" missing")
	}
	if n := Count(rows, Failed); n > 0 {
		parts = append(parts, wording.Count(n, "failure"))
	}
	if Count(rows, Missing)+Count(rows, Failed) == 0 {
		parts = append(parts, "nothing is missing")
	}
	b.WriteString(strings.Join(parts, ", ") + "\n")
	return b.String()
}
