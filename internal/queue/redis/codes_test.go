package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// putCode stores a code of a click.
func putCode(t *testing.T, r *redis.Store, code, key string) {
	t.Helper()
	c := queue.Code{Code: code, Key: key, Of: "summer", Data: []byte(`{}`), Claim: 7 * 24 * time.Hour, At: time.Now().UnixMilli()}
	if _, fresh, err := r.PutCode(t.Context(), "acme", c); err != nil || !fresh {
		t.Fatalf("%s: new %t, %v", code, fresh, err)
	}
}

// TestRedisErasedCode: when a contact is erased, nothing in Redis names a code that it has
// claimed, nor leads to one from the ids that it was drawn for; another's stays.
func TestRedisErasedCode(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	for i, code := range []string{"MINE34678", "OTHERS346"} {
		putCode(t, r, code, fmt.Sprint("gclid ", code))
		g := one(i, nil, crm)
		g.Events[0].Contact, g.Events[0].Claim = fmt.Sprint("whatsapp:1555000000", i), code
		if err := appendOne(t, r, g).Err; err != nil {
			t.Fatal(err)
		}
		if len(naming(s, code)) < 3 {
			t.Fatalf("of %s there is %v: the test finds nothing", code, naming(s, code))
		}
	}
	others := naming(s, "OTHERS346")
	if n, err := r.Erase(t.Context(), "acme", "whatsapp:15550000000"); err != nil || n == 0 {
		t.Fatalf("erased %d, %v", n, err)
	}
	if found := naming(s, "MINE34678"); len(found) > 0 {
		t.Errorf("the code is named by %v", found)
	}
	if found := naming(s, "OTHERS346"); len(found) != len(others) {
		t.Errorf("of another's code there is %v, was %v", found, others)
	}
}

// TestRedisDisplacedCodes: of a code that makes room for another nothing is left, so that
// who makes new clicks for ever fills no Redis.
func TestRedisDisplacedCodes(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	const most = 5
	r.Configure(queue.Options{RememberClicks: 28 * 24 * time.Hour, MaxUnclaimed: most})
	for n := range 10 * most {
		putCode(t, r, fmt.Sprint("CODE", n), fmt.Sprint("gclid ", n))
	}
	for pattern, want := range map[string]int{"leadgate:{acme}:v:*": most, "leadgate:{acme}:j:*": most} {
		if keys := keysOf(t, s, pattern); len(keys) != want {
			t.Errorf("%d keys of %s, want %d", len(keys), pattern, want)
		}
	}
}
