package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/body"
)

// readStatus is the answer to a body that could not be read: the status that the
// error brings, as those of Caddy's own limits do (request_body), else 400.
func readStatus(err error) int {
	if errors.Is(err, body.ErrTooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	if e, ok := errors.AsType[caddyhttp.HandlerError](err); ok && e.StatusCode >= 400 && e.StatusCode <= 599 {
		return e.StatusCode
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}
