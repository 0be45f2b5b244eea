package caddymodule

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/internal/body"
	"github.com/leadgate/leadgate/internal/deadline"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/retryafter"
	"github.com/leadgate/leadgate/internal/verify"
	"github.com/leadgate/leadgate/normalize"
)

// ServeHTTP answers one request of the provider: read, verify, normalize, and
// either store what came of it and say 200, or hand it to the next handler.
//
// The statuses are written here and not returned as errors: a handle_errors
// with a reverse_proxy in it would turn a 503 into somebody else's 200, and the
// provider would not send the webhook again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	came := time.Now()
	// A handshake is answered by the provider, so that what comes of it is said first.
	intake.Handshake.Say(w)
	if h.provider.Handshake(w, r) {
		h.block.Requests.Add("", intake.Handshake.String(), 1)
		if w.Header().Get(intake.OutcomeHeader) == intake.Refused.String() {
			h.logger.Warn("handshake refused: the verify token is none of this block's; type the word behind verify_token into the "+
				"provider's dashboard", zap.String("provider", h.block.Provider), zap.Int("status", http.StatusForbidden))
		}
		return nil
	}
	if r.Method == http.MethodGet || !slices.Contains(h.methods, r.Method) {
		w.Header().Set("Allow", strings.Join(h.methods, ", "))
		h.refuse(w, http.StatusMethodNotAllowed, "method", nil)
		return nil
	}
	b := h.readBody(w, r)
	if b == nil {
		return nil // it is answered
	}
	// However this ends, also by a panic: what is not taken off would be taken for
	// in flight for ever.
	flying := len(b.Data)
	defer func() { body.Landed(flying) }()
	span := h.block.Tracer.Begin(r.Context(), "leadgate.verify", "leadgate.provider", h.block.Provider)
	err := h.provider.Verify(r, b.Data)
	span.End(verified(err), err != nil)
	if err != nil {
		b.Release()
		h.refuse(w, http.StatusUnauthorized, "unauthorized", err)
		return nil
	}
	hook := intake.NewWebhook(b)
	turn, err := hook.TakeTurn(came)
	if err != nil {
		hook.Release()
		h.refuse(w, http.StatusServiceUnavailable, "unavailable", err)
		return nil
	}
	defer turn.End() // also of what panics; else it has ended by then
	if err := h.block.Read(hook, r, h.app.now()); err != nil {
		hook.Release()
		h.refuse(w, http.StatusBadRequest, "malformed", err)
		return nil
	}
	if hook.Empty() {
		hook.Release()
		h.block.Requests.Add("", intake.Empty.String(), 1)
		h.accept(w, intake.Empty)
		return nil
	}
	if h.block.Inline {
		body.Landed(flying)
		flying = 0
		return h.serveNext(w, r, next, hook)
	}
	outcome, err := h.store(r, hook, came)
	if err != nil {
		// The store may still be reading what it was given, so hook is left to the collector.
		h.refuse(w, http.StatusServiceUnavailable, "unavailable", err)
		return nil
	}
	hook.Release()
	h.accept(w, outcome)
	metrics.Ack(time.Since(came))
	return nil
}

// verified is what a span says of a webhook's verification.
func verified(err error) string {
	if err != nil {
		return "unauthorized"
	}
	return "verified"
}

// readBody reads a request's body, or answers why not and returns nil.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request) *body.Body {
	b, err := body.Read(r, h.MaxBody, h.app.MaxInflightBody)
	if err == nil {
		return b
	}
	switch status := readStatus(err); {
	case errors.Is(err, body.ErrBusy):
		body.Abandon(w, r)
		h.refuse(w, http.StatusServiceUnavailable, "busy", err)
	case status == http.StatusRequestEntityTooLarge:
		h.refuse(w, status, "too_large", nil)
	default:
		h.refuse(w, status, "unreadable", err)
	}
	return nil
}

// store queues what a webhook brought: durable when it returns no error. It says
// what became of it.
func (h *Handler) store(r *http.Request, hook *intake.Webhook, came time.Time) (intake.Outcome, error) {
	engine, counted, err := h.app.enter()
	if err != nil {
		return intake.Refused, err
	}
	defer h.app.leave(engine, counted)
	ctx := deadline.Of(came)
	q, err := engine.open(ctx, h.app)
	if err != nil {
		return intake.Refused, err
	}
	return h.block.Store(ctx, q, hook, r)
}

// serveNext hands the events to the next handler as a JSON array.
func (h *Handler) serveNext(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, hook *intake.Webhook) error {
	handed, events := h.block.Hand(hook)
	intake.Inline.Say(w)
	size := handed.Len()
	r.Body = handed
	r.ContentLength = int64(size)
	r.TransferEncoding = nil
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Length", strconv.Itoa(size))
	r.Header.Set("Leadgate-Events", strconv.Itoa(events))
	r.Header.Del("Content-Encoding")
	for _, name := range h.block.SignatureHeaders {
		r.Header.Del(name)
	}
	if c, ok := h.provider.(TokenCarrier); ok {
		for _, place := range c.TokenPlaces() {
			verify.Place(place).Strip(r)
		}
	}
	err := next.ServeHTTP(w, r)
	handed.End()
	return err
}

// refuse answers with a status and no body, and logs why. A 503 asks for the
// webhook again.
func (h *Handler) refuse(w http.ResponseWriter, status int, outcome string, why error) {
	intake.Refused.Say(w)
	h.block.Requests.Add("", outcome, 1)
	level := zapcore.WarnLevel
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryafter.Ours)
		level = zapcore.ErrorLevel
	case http.StatusMethodNotAllowed:
		level = zapcore.DebugLevel
	}
	if c := h.logger.Check(level, "webhook refused"); c != nil {
		fields := []zap.Field{zap.String("provider", h.block.Provider), zap.Int("status", status), zap.String("outcome", outcome)}
		if why != nil {
			fields = append(fields, zap.Error(why))
		}
		if syntax, ok := errors.AsType[*normalize.SyntaxError](why); ok {
			fields = append(fields, zap.Int64("position", syntax.Offset))
		}
		c.Write(fields...)
	}
	w.WriteHeader(status)
}

// accept says that the provider need not send this again.
func (h *Handler) accept(w http.ResponseWriter, o intake.Outcome) {
	o.Say(w)
	if a, ok := h.provider.(Answerer); ok {
		a.Answer(w)
		return
	}
	w.WriteHeader(http.StatusOK)
}
