package redis_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// naming are the keys that hold a text in their name, or as a string or in a set.
func naming(s *redistest.Server, text string) (found []string) {
	keys, _ := s.Do("KEYS", "*").([]any)
	for _, k := range keys {
		key := fmt.Sprint(k)
		content := ""
		switch s.Do("TYPE", key) {
		case "string":
			content = fmt.Sprint(s.Do("GET", key))
		case "set":
			content = fmt.Sprint(s.Do("SMEMBERS", key))
		case "hash":
			content = fmt.Sprint(s.Do("HGETALL", key))
		case "stream":
			content = fmt.Sprint(s.Do("XRANGE", key, "-", "+"))
		}
		if strings.Contains(key+content, text) {
			found = append(found, key)
		}
	}
	return found
}

// TestRedisErased: when a contact is erased, and what waited is delivered, nothing in
// Redis names it: no key, no value, also of what Leadgate before 0.1 stored.
func TestRedisErased(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	const number, clid = "15551234567", "Aff-n8ZTODiE79d22KtAwQKj9e"
	contact := "whatsapp:" + number
	g := clicksOf(1, 1, false)
	ev := &g.Events[0]
	ev.Contact, ev.Aliases, ev.MessageID = "whatsapp:US.1349", []string{contact, "clid:" + clid}, "message:wamid.1"
	g.Jobs[0].Header.Contact, g.Jobs[0].Dead = contact, &queue.Reason{Reason: "404"}
	g.Jobs[0].Once = []queue.Once{{Key: "dataset\nlead\n" + clid, Window: time.Hour}, {Key: "dataset\nlead\n" + number, Window: time.Hour}}
	if err := appendOne(t, r, g).Err; err != nil {
		t.Fatal(err)
	}
	// As an earlier Leadgate stored it.
	base := "leadgate:{acme}:"
	s.Do("SADD", base+"k:whatsapp:US.1349", "aold:"+number, "mmessage:wamid.old")
	s.Do("SET", base+"c:old:"+number, "A0 whatsapp:US.1349")
	s.Do("SET", base+"c:message:wamid.old", fmt.Sprintf("A%d whatsapp:US.1349", time.Now().Add(time.Hour).UnixMilli()))
	for _, text := range []string{number, clid, "US.1349", "wamid"} {
		if len(naming(s, text)) == 0 {
			t.Fatalf("nothing names %s: the test finds nothing", text)
		}
	}
	n, err := r.Erase(t.Context(), "acme", contact)
	if err != nil || n != 5 { // the clicks, three aliases, the dead letter
		t.Fatalf("erased %d, %v", n, err)
	}
	for _, text := range []string{number, clid, "US.1349", "wamid"} {
		if found := naming(s, text); len(found) > 0 {
			t.Errorf("%s is named by %v", text, found)
		}
	}
}

// TestRedisErasedMessages: the message with which a contact came stands with its other
// names, and is erased with them whatever became of these.
func TestRedisErasedMessages(t *testing.T) {
	const day = 24 * time.Hour
	click := func(id int, contact, message string, aliases ...string) queue.Group {
		g := one(id, nil, crm)
		ev := &g.Events[0]
		ev.Contact, ev.Aliases, ev.MessageID = contact, aliases, message
		ev.Clicks = []queue.Click{{Data: []byte("click")}}
		g.Jobs, g.Payloads = nil, nil
		return g
	}
	first := click(1, "first", "message:wamid.1", "phone")
	successor := click(3, "second", "message:wamid.3", "phone")
	successor.Events[0].Former = []string{"first"}
	for name, tt := range map[string]struct {
		remember, after time.Duration
		then            queue.Group
		erase           string
	}{
		"as it came":              {28 * day, 0, click(2, "second", "message:wamid.2"), "first"},
		"another click":           {28 * day, time.Hour, click(2, "first", "message:wamid.2", "clid"), "phone"},
		"its clicks were expired": {7 * day, 7*day + time.Hour, click(2, "first", "message:wamid.2"), "first"},
		"shorter than messages":   {day, time.Hour, click(2, "first", "message:wamid.2"), "first"},
		"by its successor":        {28 * day, time.Hour, successor, "second"},
		"as an alias":             {28 * day, time.Hour, click(2, "second", "message:wamid.2", "first"), "second"},
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			clock := queuetest.NewClock(start)
			r := open(t, redis.Config{URLs: []string{s.URL()}, Now: clock.Now})
			opts := queuetest.DefaultOptions()
			opts.RememberClicks = tt.remember
			r.Configure(opts)
			for _, g := range []queue.Group{first, tt.then} {
				g.Events[0].Clicks[0].At = clock.Now().UnixMilli()
				if err := appendOne(t, r, g).Err; err != nil {
					t.Fatal(err)
				}
				clock.Advance(tt.after)
			}
			if len(naming(s, "wamid.1")) == 0 {
				t.Fatal("nothing names the message: the test finds nothing")
			}
			if _, err := r.Erase(t.Context(), "acme", tt.erase); err != nil {
				t.Fatal(err)
			}
			if found := naming(s, "wamid.1"); len(found) > 0 {
				t.Errorf("the message is named by %v", found)
			}
		})
	}
}

// TestRedisOnceInClear: once keys of a Leadgate before 0.1 still hold.
func TestRedisOnceInClear(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	s.Do("SET", "leadgate:{acme}:o:lead", time.Now().Add(time.Hour).UnixMilli(), "PX", 3_600_000)
	for i, want := range []queue.Admission{queue.Duplicate, queue.Queued, queue.Duplicate} {
		g := one(i, []byte("x"), crm)
		g.Jobs[0].Once = []queue.Once{{Key: []string{"lead", "sale", "sale"}[i], Window: time.Hour}}
		if result := appendOne(t, r, g); result.Err != nil || result.Jobs[0] != want {
			t.Fatalf("%d: %+v, want %v", i, result, want)
		}
	}
	if found := naming(s, "sale"); len(found) > 0 {
		t.Fatalf("a once key is in clear: %v", found)
	}
}
