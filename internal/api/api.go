// Package api serves a tenant's own part of the admin API to programs outside, an
// automation tool or a CRM: by a token, over the site's HTTPS. It adds no answer of its
// own but openapi.json: package admin answers, narrowed to the tenant by Edge.Of.
//
// Begin with [Server.ServeHTTP], and with the table in routes.go. It imports admin and
// leaves; no Caddy.
package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/body"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/retryafter"
	"github.com/leadgate/leadgate/internal/verify"
)

// MaxBody is how large a body may be, in bytes.
const MaxBody = 1 << 20

// Server answers one tenant's programs. Its fields are set before the first request,
// and not changed.
type Server struct {
	Tenant  string
	Edge    *admin.Edge    // of the tenant, see admin.Edge.Of
	Secrets verify.Secrets // what is sent as Authorization: Bearer <token>
	Level   Level
	// Await waits while the edge starts: until its queue is open nothing is known.
	Await func(context.Context) error
	// Below are the paths that the routes lie below, without a slash at the end. Where
	// there are none, a route is what a path ends in.
	Below       []string
	MaxInFlight int64           // bytes of all requests' bodies, see body.Read
	ReadStatus  func(error) int // the status for a body that could not be read
	Logger      *zap.Logger
}

// ServeHTTP answers one request. Whoever has no token learns nothing, of which paths
// there are neither.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !s.Secrets.Bearer(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		httperr.RefuseFix(w, http.StatusUnauthorized, "the token is missing or wrong",
			"send Authorization: Bearer <token>, with the token of this leadgate_api block")
		return
	}
	err := s.Await(r.Context())
	if err == nil {
		err = s.serve(w, r)
	}
	if err != nil {
		s.fail(w, err)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	what, err := s.find(r)
	if err != nil {
		return err
	}
	if r.Method != what.route.Method {
		w.Header().Set("Allow", what.route.Method)
		return httperr.WithFix(http.StatusMethodNotAllowed, "use "+what.route.Method, "method %s is not allowed", r.Method)
	}
	if what.route.Level > s.Level {
		return httperr.WithFix(http.StatusForbidden,
			"write `allow "+what.route.Level.String()+"` into the leadgate_api block, if its programs shall",
			"this token may not do this: its block has `allow %s`", s.Level)
	}
	if r.Method == http.MethodPost {
		read, err := s.readBody(w, r)
		if err != nil {
			return err
		}
		defer func() {
			body.Landed(len(read.Data))
			read.Release()
		}()
		r = r.WithContext(r.Context()) // a copy of its own
		r.Body = io.NopCloser(bytes.NewReader(read.Data))
	}
	return what.route.answer(s, w, r, what.name)
}

// readBody reads the body within the limits that all of the edge's bodies have.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) (*body.Body, error) {
	b, err := body.Read(r, MaxBody, s.MaxInFlight)
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, body.ErrBusy):
		body.Abandon(w, r)
		return nil, httperr.New(http.StatusServiceUnavailable, "too many bytes of other requests are being read")
	case errors.Is(err, body.ErrTooLarge), s.ReadStatus(err) == http.StatusRequestEntityTooLarge:
		return nil, httperr.WithFix(http.StatusRequestEntityTooLarge, "name fewer ids at once",
			"the body is too large: over 1 MiB, or over a limit of the site")
	}
	return nil, httperr.New(s.ReadStatus(err), "the body cannot be read")
}

// fail answers with an error of the admin layer. What a store failed with is the
// operator's business, and logged.
func (s *Server) fail(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*httperr.Error](err)
	if !ok {
		e = &httperr.Error{Status: http.StatusInternalServerError, Err: err}
	}
	status, what, fix := e.Status, e.What(), e.Fix
	switch {
	case status == http.StatusBadRequest:
		status = http.StatusUnprocessableEntity
	case status >= http.StatusInternalServerError:
		s.Logger.Error("answering leadgate_api", zap.String("tenant", s.Tenant), zap.Int("status", status), zap.Error(err))
		what = "the edge cannot answer now"
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", retryafter.Ours)
		}
	}
	httperr.RefuseFix(w, status, what, cmp.Or(fix, usualFix[status], "ask again later; the edge's log says why"))
}

// usualFix is what to do where an error's sentence does not tell it apart.
var usualFix = map[int]string{
	http.StatusNotFound:            "ask destinations and dead for what there is",
	http.StatusConflict:            "ask destinations for its state",
	http.StatusUnprocessableEntity: "correct it as the sentence says; openapi.json has what each route takes",
	http.StatusServiceUnavailable:  "ask again in a few seconds",
}
