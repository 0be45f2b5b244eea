package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

// lineProblem is what keeps a line from being posted: it would have the whole
// batch refused.
func lineProblem(line []byte, tooLong bool) *conversions.Result {
	var result conversions.Result
	var doc jsondoc.Doc
	switch {
	case tooLong:
		result.Refuse(conversions.Invalid, "the line is over 3 MiB", "post less")
	case doc.Parse(line) != nil:
		result.Refuse(conversions.Invalid, "the line is no JSON: "+doc.Parse(line).Error(), "write one JSON object a line")
	case doc.Root().Kind() != '{':
		result.Refuse(conversions.Invalid, "the line is no JSON object", "write one JSON object a line")
	default:
		return nil
	}
	return &result
}

// readLine reads a line without its end, a copy. What is over the limit is read
// and dropped.
func readLine(r *bufio.Reader, limit int) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			tooLong, line = true, line[:0]
		} else if !tooLong {
			line = append(line, part...)
		}
		switch {
		case err == nil:
			return line, tooLong, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(line) > 0 || len(part) > 0 || tooLong):
			return line, tooLong, nil
		default:
			return nil, false, err
		}
	}
}

// check says of each line whether the endpoint would find anything wrong with
// it. It is post for --dry-run.
func (im *importer) check(_ context.Context, batch []line) ([]conversions.Result, error) {
	for word, name := range im.Words {
		if err := capi.CheckName(name); err != nil {
			return nil, fmt.Errorf("--map %s: %w", word, err)
		}
	}
	now, results := im.now(), make([]conversions.Result, len(batch))
	for i, line := range batch {
		var doc jsondoc.Doc
		if err := doc.Parse(line.text); err != nil {
			return nil, fmt.Errorf("reading line %d: %w", line.number, err)
		}
		results[i] = conversions.Check(doc.Root(), im.Words, "; if the block maps this word, write --map <word>=<Name>", now)
	}
	return results, nil
}
