package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/wording"
)

// row reads the next item of a file: the number of the line where it begins,
// and its JSON, empty for a line without any. tooLong says that there is more than
// the endpoint takes. At the end it returns io.EOF.
type row func() (number int, item []byte, tooLong bool, err error)

// rows tells a file of JSON lines from CSV by its first line.
func rows(r *bufio.Reader) (row, error) {
	if mark, err := r.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		_, _ = r.Discard(3) // they were peeked
	}
	start, _ := r.Peek(r.Size()) // shorter at the end of the file; an error shows again when it is read
	first, _, _ := bytes.Cut(bytes.TrimLeft(start, " \t\r\n"), []byte("\n"))
	if len(first) == 0 || first[0] == '{' || first[0] == '[' || isText(first) {
		return jsonRows(r), nil
	}
	comma := delimiter(first)
	if comma == 0 {
		return jsonRows(r), nil
	}
	return csvRows(r, comma)
}

// isText reports whether a line is one JSON text.
func isText(line []byte) bool {
	quote := []byte(`"`)
	return line[0] == '"' && bytes.HasSuffix(bytes.TrimSpace(line), quote) && bytes.Count(line, quote) == 2
}

// delimiter is what stands between a header's names; 0 if it is no header.
func delimiter(first []byte) rune {
	best, most := rune(0), 0
	for _, c := range ",;\t" {
		if n := bytes.Count(first, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

func jsonRows(r *bufio.Reader) row {
	number := 0
	return func() (int, []byte, bool, error) {
		number++
		line, tooLong, err := readLine(r, conversions.MaxBody-2)
		return number, bytes.TrimSpace(line), tooLong, err
	}
}

// csvRows makes an item of each row; an empty cell is a field that is left out.
func csvRows(r *bufio.Reader, comma rune) (row, error) {
	in := csv.NewReader(r)
	in.Comma, in.ReuseRecord = comma, true
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("this looks like CSV, but its first line cannot be read: %w", err)
	}
	names := make([]string, len(header))
	known := conversions.FieldNames()
	for i, name := range header {
		names[i] = strings.TrimSpace(name)
		switch {
		case !slices.Contains(known, names[i]):
			return nil, fmt.Errorf("this looks like CSV, and its first line must name the fields: unknown field '%s': %s",
				printable.Line(names[i]), wording.Meant(names[i], known))
		case slices.Contains(names[:i], names[i]):
			return nil, fmt.Errorf("this looks like CSV, and its first line names %s twice", names[i])
		}
	}
	return func() (int, []byte, bool, error) {
		cells, err := in.Read()
		if err != nil {
			number, _ := in.FieldPos(0)
			if parse, ok := errors.AsType[*csv.ParseError](err); ok {
				return parse.StartLine, nil, false, parse.Err
			}
			return number, nil, false, err
		}
		number, _ := in.FieldPos(0)
		item := []byte{'{'}
		for i, cell := range cells {
			if cell = strings.TrimSpace(cell); cell == "" {
				continue
			}
			if len(item) > 1 {
				item = append(item, ',')
			}
			value := []byte(cell)
			kinds := conversions.Fields[slices.Index(known, names[i])].Kinds
			if strings.IndexByte(kinds, cell[0]) < 0 || !json.Valid(value) || cell[0] == '"' {
				if value, err = json.Marshal(cell); err != nil {
					return number, nil, false, err
				}
			}
			item = append(fmt.Appendf(item, "%q:", names[i]), value...)
		}
		item = append(item, '}')
		return number, item, len(item) > conversions.MaxBody-2, nil
	}, nil
}
