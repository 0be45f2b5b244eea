package caddymodule

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/normalize"
)

// lineProblem is what keeps a line from being posted: it would have the whole
// batch refused.
func lineProblem(line []byte, tooLong bool) *conversionResult {
	var result conversionResult
	var doc jsondoc.Doc
	switch {
	case tooLong:
		result.refuse("invalid", "the line is over 3 MiB", "post less")
	case doc.Parse(line) != nil:
		result.refuse("invalid", "the line is no JSON: "+doc.Parse(line).Error(), "write one JSON object a line")
	case doc.Root().Kind() != '{':
		result.refuse("invalid", "the line is no JSON object", "write one JSON object a line")
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
func (im *importer) check(_ context.Context, batch []importLine) ([]conversionResult, error) {
	c := &Conversions{Tenant: defaultTenant, Map: im.words}
	for word, name := range im.words {
		if err := capi.CheckName(name); err != nil {
			return nil, fmt.Errorf("--map %s: %w", word, err)
		}
	}
	p := conversionPlan{c: c, now: im.now(), results: make([]conversionResult, len(batch))}
	for i, line := range batch {
		var doc jsondoc.Doc
		if err := doc.Parse(line.text); err != nil {
			return nil, fmt.Errorf("reading line %d: %w", line.number, err)
		}
		if err := p.checkItem(doc.Root()); err != nil {
			p.refuse(i, err)
			if r := &p.results[i]; strings.HasPrefix(*r.Error, "eventName: ") {
				fix := "write one of " + strings.Join(capi.EventNames(), ", ") + "; if the block maps this word, write --map <word>=<Name>"
				r.Fix = &fix
			}
			continue
		}
		p.results[i].Status = "valid"
	}
	return p.results, nil
}

// checkItem checks an item as if its contact had a click.
func (p *conversionPlan) checkItem(n jsondoc.Node) error {
	it, err := p.c.readItem(n, p.now)
	if err != nil {
		return err
	}
	posted, err := withoutEmail(it.node)
	if err != nil {
		return err
	}
	click := standInClick(&it)
	payload, _ := p.event(&it, click, posted).AppendJSON(nil)
	_, _, err = capi.AppendConversion(nil, payload, &capi.Conversion{Click: click.Click, EventName: it.name, EmailHash: it.emailHash}, &capi.Settings{}, p.now)
	return err
}

// standInClick is a click with all that Meta wants of one, in the place of the
// stored one that a check without the store can't have.
func standInClick(it *conversionItem) *clicks.Click {
	channel := normalize.ChannelNamed(text(it.node, "channel"))
	if channel == normalize.ChannelUnknown {
		channel = normalize.ChannelWhatsApp
	}
	return &clicks.Click{Click: capi.Click{
		Channel: channel, CtwaClid: "x", AdID: "1", WabaID: "1", PageID: "1", InstagramID: "1", UserID: "1", WaID: "1",
	}}
}
