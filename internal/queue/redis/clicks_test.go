package redis_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

func ofAd(clid string) string {
	if clid == "" {
		return `[{"ctwaClid":null},{}]`
	}
	return `[{"ctwaClid":"` + clid + `"},{}]`
}

// oldClicks is a record as it was before there were links.
func oldClicks(times [3]int64, lengths string, texts ...string) string {
	return fmt.Sprintf("R%d %d %d %s\n%s", times[0], times[1], times[2], lengths, strings.Join(texts, ""))
}

func shownClicks(t *testing.T, r *redis.Store, key string) string {
	t.Helper()
	found, err := r.Clicks(t.Context(), "acme", []string{key})
	if err != nil {
		t.Fatal(err)
	}
	c := found[0]
	text := fmt.Sprintf("%s %s", c.First, c.Last)
	for kind, name := range [queue.ClickKinds]string{"ad", "clid", "google", "link"} {
		if c.Oldest[kind] != nil {
			text += fmt.Sprintf(" %s %s %s", name, c.Oldest[kind], c.Newest[kind])
		}
	}
	return strings.NewReplacer(`[{"ctwaClid":`, "", `},{}]`, "", `"`, "").Replace(text)
}

// TestRedisOldClicks: an edge of the version before may share the store. Its records are
// read and added to; of one that this version writes it reads what it knows, as it wrote
// it itself, and what follows that is its loss alone.
func TestRedisOldClicks(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	now := time.Now().UnixMilli()
	a, b := now-9000, now-5000
	for i, c := range []struct{ record, want string }{
		{oldClicks([3]int64{a, a, a}, "21 -1 -1", ofAd("A")), "A A clid A A"},
		{oldClicks([3]int64{a, a, 0}, "22 -1 0", ofAd("")), "null null ad null null"},
		{oldClicks([3]int64{a, b, a}, "21 22 -2", ofAd("A"), ofAd("")), "A null ad null null clid A A"},
		{oldClicks([3]int64{a, b, a + 1}, "21 22 21", ofAd("A"), ofAd(""), ofAd("B")), "A null ad null null clid A B"},
		{oldClicks([3]int64{a, b, b}, "22 21 -1", ofAd(""), ofAd("B")), "null B ad null null clid B B"},
	} {
		contact := fmt.Sprint("whatsapp:", i)
		key := "leadgate:{acme}:c:" + contact
		s.Do("SET", key, c.record)
		if got := shownClicks(t, r, contact); got != c.want {
			t.Errorf("record %d: %s, want %s", i, got, c.want)
			continue
		}
		// Older than all the others: the three that are written in front stay but for the first.
		g := one(i+1, []byte("x"), crm)
		g.Events[0].Contact = contact
		g.Events[0].Clicks = []queue.Click{{At: a - 1, Kind: queue.ClickGoogle, Data: []byte("new")}}
		if err := appendOne(t, r, g).Err; err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(c.want, " ")
		if got, want := shownClicks(t, r, contact), "new "+rest+" google new new"; got != want {
			t.Errorf("record %d with another click: %s, want %s", i, got, want)
		}
	}

	ads := []queue.Click{
		{At: a, Kind: queue.ClickClid, Data: []byte(ofAd("A"))}, {At: a + 1, Kind: queue.ClickClid, Data: []byte(ofAd("B"))},
		{At: b, Kind: queue.ClickLink, Data: []byte("a link's")},
	}
	g := one(100, []byte("x"), crm)
	g.Events[0].Contact, g.Events[0].Clicks = "whatsapp:new", ads
	if err := appendOne(t, r, g).Err; err != nil {
		t.Fatal(err)
	}
	record, _ := s.Do("GET", "leadgate:{acme}:c:whatsapp:new").(string)
	old := oldClicks([3]int64{a, b, a + 1}, "21 8 21", ofAd("A"), "a link's", ofAd("B"))
	if !strings.HasPrefix(record, old) || record == old {
		t.Errorf("an edge of before reads %q, want first %q", record, old)
	}
	for _, damaged := range []string{record[:len(record)-1], old + "\x09" + record[len(old)+1:], old + "x"} {
		s.Do("SET", "leadgate:{acme}:c:whatsapp:new", damaged)
		if found, err := r.Clicks(t.Context(), "acme", []string{"whatsapp:new"}); err == nil {
			t.Errorf("%q is taken for %q", damaged, found)
		}
	}
}

// TestRedisClicksAreBounded: however often somebody clicks, of each kind two are kept.
func TestRedisClicksAreBounded(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	now := time.Now().UnixMilli()
	for n := range 60 {
		g := one(n, []byte("x"), crm)
		g.Events[0].Contact = "whatsapp:1"
		data := fmt.Appendf(nil, "%-100d", n)
		g.Events[0].Clicks = []queue.Click{{At: now - 1000 + int64(n), Kind: queue.ClickKind(n) % queue.ClickKinds, Data: data}}
		if err := appendOne(t, r, g).Err; err != nil {
			t.Fatal(err)
		}
	}
	if size, _ := s.Do("STRLEN", "leadgate:{acme}:c:whatsapp:1").(int64); size < 1000 || size > 1300 {
		t.Errorf("the record has %d bytes, want two clicks of 100 bytes of each of five kinds", size)
	}
}
