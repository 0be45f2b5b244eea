// Package media serves the files of WhatsApp messages: GET or HEAD …/<MEDIA_ID>
// with a tenant's own token is answered with the file, which is fetched from Meta
// as it is sent. So nothing downstream holds Meta's token.
//
// A [Server] asks the Graph API where a file is (client.go, and cache.go for as
// long as that holds), opens it without trusting the address (outside.go, file.go),
// and sends it on without ever sending the end of a file that is not the one that
// Meta described (serve.go, copy.go). What Meta refuses becomes a status and a
// sentence (errors.go).
//
// It imports capi, for what Meta's errors mean, and leaves; no Caddy.
package media

import (
	"fmt"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/verify"
)

// DefaultMaxSize is the most that WhatsApp takes, in bytes.
const DefaultMaxSize = 100 << 20

// Config is what a server needs to know. Nothing in it may be left out.
type Config struct {
	Tenant       string                 // whose media these are, in metrics and logs
	Secrets      verify.Secrets         // what clients send as Authorization: Bearer <token>
	AccessToken  string                 // Meta's
	ReadToken    func() (string, error) // reads it anew, when Meta has refused it
	Endpoint     string                 // of the Graph API
	GraphVersion string
	UserAgent    string
	MaxSize      int64 // of a file that is passed on, in bytes
	Logger       *zap.Logger
}

// Server answers requests for files. Close ends the connections that it no longer
// uses.
type Server struct {
	config Config
	meta   *client
}

// New makes a server; it opens nothing. An error is of the endpoint.
func New(c Config) (*Server, error) {
	meta, err := newClient(&c)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	return &Server{config: c, meta: meta}, nil
}

// Close ends the connections that no request uses.
func (s *Server) Close() { s.meta.close() }

// ServeHTTP answers one request for a file.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		metrics.Media(s.config.Tenant, "refused")
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if !s.config.Secrets.Bearer(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		s.fail(w, "", &failure{status: http.StatusUnauthorized, outcome: "unauthorized",
			sentence: "the token is missing or wrong: send Authorization: Bearer <token>"})
		return
	}
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if !validID(id) {
		s.fail(w, "", &failure{status: http.StatusBadRequest, outcome: "refused",
			sentence: "the path does not end with a media id: write message.mediaId of the unified event there, " +
				"1 to 128 letters, digits, dashes and underscores"})
		return
	}
	failure := s.serve(w, r, id)
	if failure == nil {
		return
	}
	if r.Context().Err() != nil {
		failure.outcome = "canceled" // nobody is there any more to be answered
	}
	if failure.begun {
		metrics.Media(s.config.Tenant, failure.outcome)
		s.log(id, failure)
		// The only way left to tell the client that what it got is not the file.
		panic(http.ErrAbortHandler)
	}
	s.fail(w, id, failure)
}

// fail answers with a sentence, and logs what is somebody's to mend.
func (s *Server) fail(w http.ResponseWriter, id string, f *failure) {
	metrics.Media(s.config.Tenant, f.outcome)
	s.log(id, f)
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", seconds(f.wait))
	}
	httperr.Refuse(w, f.status, f.sentence)
}

// log writes down what is somebody's to mend.
func (s *Server) log(id string, f *failure) {
	if f.status < 500 || f.outcome == "canceled" {
		return
	}
	fields := []zap.Field{
		zap.Int("status", f.status), zap.String("tenant", s.config.Tenant), zap.String("media_id", id), zap.String("outcome", f.outcome),
	}
	if f.code != "" {
		fields = append(fields, zap.String("code", f.code), zap.String("trace", f.trace))
	}
	if f.err != nil {
		fields = append(fields, zap.Error(f.err))
	}
	s.config.Logger.Error("media not delivered: "+f.sentence, fields...)
}

// validID keeps everything that could change the path of a request to
// Meta out of it.
func validID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
