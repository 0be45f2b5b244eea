package embedded

import (
	"testing"

	bolt "go.etcd.io/bbolt"
)

// Payloads counts what several records share, and checks that it adds up: each is there
// while somebody refers to it and no longer, and the rest of its uses is spent.
func Payloads(t testing.TB, e *Store) (n int) {
	t.Helper()
	audit(t, e)
	if err := e.view(t.Context(), func(tx *bolt.Tx) error {
		return tx.Bucket(sharedBucket).ForEach(func(_, _ []byte) error { n++; return nil })
	}); err != nil {
		t.Fatal(err)
	}
	return n
}
