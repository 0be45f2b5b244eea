// Package fake is what the fakes of platforms share, whichever platform: a server that ends
// with its test ([Serve]), answers that a test wants ([Script]), and a list of what was
// taken ([Taken]). It shares no code with what asks them. What the fakes of the Graph API
// have in common besides is in package graphfake.
package fake

import (
	"context"
	"net"
	"net/http"
	"time"
)

// TB is the part of testing.TB that a fake needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Serve serves h on 127.0.0.1 until the test ends, and returns its URL.
func Serve(t TB, h http.Handler) (url string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l) // always ErrServerClosed
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-ended
	})
	return "http://" + l.Addr().String()
}
