//go:build !unix

package redistest

// Stop skips the test: here no signal makes a process hang.
func (s *Server) Stop() {
	s.tb.Helper()
	s.tb.Skip("a server cannot be made to hang on this system")
}

// Continue ends what Stop began.
func (s *Server) Continue() {}
