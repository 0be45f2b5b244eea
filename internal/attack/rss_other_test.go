//go:build !linux

package attack

// rssAnon is known on Linux alone.
func (*edge) rssAnon() int64 { return 0 }
