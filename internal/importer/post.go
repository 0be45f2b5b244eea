package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/retryafter"
)

// The pauses between the attempts for one batch.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// errRefused says that the endpoint will not take this batch however often it
// is posted, and so neither the rest.
var errRefused = errors.New("refused")

// postBatch posts a batch, again while the edge is away, and returns a result
// for each line. The endpoint is idempotent: after an answer that was lost, what
// was queued comes back as duplicate.
func (im *importer) postBatch(ctx context.Context, batch []line) ([]conversions.Result, error) {
	if im.client == nil {
		im.client = &http.Client{
			Timeout:       30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	began := im.now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		results, status, wait, err := im.tryBatch(ctx, batch)
		switch {
		case err == nil:
			return results, nil
		case status == http.StatusRequestEntityTooLarge:
			return im.halve(ctx, batch, err)
		case errors.Is(err, errRefused):
			return nil, err
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
		wait = max(wait, pause)
		if im.now().Sub(began)+wait > im.RetryFor {
			return nil, err
		}
		if im.Progress != nil {
			_, _ = fmt.Fprintf(im.Progress, "\r%d lines; %s; again in %s\n", im.done, printable.Line(err.Error()), wait)
		}
		if err := im.sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// halve posts a batch in two parts, since something on the way takes less at
// once than the endpoint.
func (im *importer) halve(ctx context.Context, batch []line, err error) ([]conversions.Result, error) {
	if len(batch) == 1 {
		var result conversions.Result
		result.Refuse("failed", err.Error(), "post less")
		return []conversions.Result{result}, nil
	}
	first, err := im.postBatch(ctx, batch[:len(batch)/2])
	if err != nil {
		return nil, err
	}
	second, err := im.postBatch(ctx, batch[len(batch)/2:])
	if err != nil {
		return nil, err
	}
	return append(first, second...), nil
}

// maxAnswer bounds what is read of an answer: a thousand results with a
// click each.
const maxAnswer = 16 << 20

// tryBatch posts a batch once. The error wraps errRefused where trying again
// helps nobody; wait is what the answer asks for.
func (im *importer) tryBatch(ctx context.Context, batch []line) (results []conversions.Result, status int, wait time.Duration, err error) {
	var body bytes.Buffer
	for i, line := range batch {
		body.WriteByte("[,"[min(i, 1)])
		body.Write(line.text)
	}
	body.WriteByte(']')
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, im.To, &body)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("%w: making the request: %w", errRefused, err)
	}
	req.Header.Set("Authorization", "Bearer "+im.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", im.UserAgent)
	resp, err := im.client.Do(req)
	if errors.Is(err, http.ErrSchemeMismatch) {
		return nil, 0, 0, fmt.Errorf("%w: --to begins with https://, and the edge speaks http there: write http://", errRefused)
	}
	if err != nil {
		return nil, 0, 0, fmt.Errorf("posting: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, 0, 0, fmt.Errorf("reading the answer: %w", err)
	}
	var read struct {
		Results []conversions.Result
		Error   string
	}
	known := json.Unmarshal(answer, &read) == nil
	status = resp.StatusCode
	switch {
	case (status == http.StatusOK || status == http.StatusUnprocessableEntity) && known && len(read.Results) == len(batch):
		return read.Results, status, 0, nil
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		wait = min(retryafter.Parse(resp.Header.Get("Retry-After"), im.now()), lastPause)
		return nil, status, wait, errors.New("the edge answered " + resp.Status)
	case status == http.StatusOK:
		return nil, status, 0, fmt.Errorf("%w: %s does not answer as a leadgate_conversions block does: is --to its URL?", errRefused, im.To)
	}
	text := "the edge answered " + resp.Status
	if read.Error != "" {
		text += ": " + read.Error
	}
	return nil, status, 0, fmt.Errorf("%w: %s%s", errRefused, text, hint(status))
}

// hint says what a status usually means.
func hint(status int) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return ": --token is not the token of the leadgate_conversions block"
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return ": --to is not the path of a leadgate_conversions block"
	case status >= 300 && status < 400:
		return ": it redirects, which is never followed; write the URL that it leads to"
	}
	return ""
}
