package media

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logobserver "go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/media/mediatest"
	"github.com/leadgate/leadgate/internal/verify"
)

// server is a Server by itself, so that its clocks and its way out can be
// changed, and what it logs.
type server struct {
	*httptest.Server
	media *Server
	logs  *logobserver.ObservedLogs
}

func startServer(t *testing.T, endpoint string) *server {
	t.Helper()
	core, logs := logobserver.New(zapcore.DebugLevel)
	var secrets verify.Secrets
	secrets.Add(mediatest.CRMToken)
	m, err := New(Config{
		Tenant: "acme", Secrets: secrets, AccessToken: mediatest.MetaToken, ReadToken: func() (string, error) { return mediatest.MetaToken, nil },
		Endpoint: endpoint, GraphVersion: "v27.0", UserAgent: "Leadgate/test", MaxSize: DefaultMaxSize, Logger: zap.New(core),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{media: m, logs: logs}
	s.Server = httptest.NewServer(m)
	t.Cleanup(func() {
		s.Close()
		m.Close()
		for _, line := range logs.All() {
			text := fmt.Sprint(line.Message, line.ContextMap())
			if strings.Contains(text, mediatest.MetaToken) || strings.Contains(text, mediatest.CRMToken) || strings.Contains(text, "/files/") {
				t.Errorf("the log has a token or the address of a file: %s", text)
			}
		}
	})
	return s
}
