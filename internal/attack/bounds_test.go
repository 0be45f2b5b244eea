package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// The defaults that a webhook's cost is bounded by.
const (
	maxBody   = 3 << 20
	maxEvents = 1000
)

// heavy is a webhook that costs as much as its signer can have it cost.
type heavy struct {
	name   string
	body   []byte
	events int // that come of it for all tenants together
}

// fill repeats an element, made of its number, until all of them take n bytes.
func fill(n int, element func(i int) string) string {
	var b strings.Builder
	for i := 0; ; i++ {
		e := element(i)
		if b.Len()+len(e)+1 > n {
			return b.String()
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(e)
	}
}

// times is an element, made of its number, n times.
func times(n int, element func(i int) string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = element(i)
	}
	return strings.Join(list, ",")
}

const whole = -1 // kept as one event of kind account

// room is what a list may take of the largest body.
const room = maxBody - 4<<10

// heavies are the webhooks; ids begin with this word, so that none is a duplicate.
func heavies(word string) []heavy {
	always := func(text string) func(int) string { return func(int) string { return text } }
	messages := func(list string) []byte { return edgetest.Webhook(`"messages":[` + list + `]`) }
	statuses := func(list string) []byte { return edgetest.Webhook(`"statuses":[` + list + `]`) }
	page := func(item string) []byte {
		return []byte(`{"object":"page","entry":[{"id":"1029384756","time":1,"messaging":[` + item + `]}]}`)
	}
	click := func(i int) string {
		return fmt.Sprintf(`{"from":"1555%07d","id":"wamid.%s.click.%d","timestamp":"1736535600","type":"text","text":{"body":"hi"},`+
			`"referral":{"source_url":"https://fb.me/%d","source_type":"ad","source_id":"12021%d","headline":"%s","ctwa_clid":"%s-clid-%d"}}`,
			i, word, i, i, i, strings.Repeat("h", 2000), word, i)
	}
	changed := func(i int) string { // everybody takes the number of the next, clicks and all
		return fmt.Sprintf(`{"from":"1555%07d","id":"wamid.%s.changed.%d","timestamp":"1736535600","type":"system",`+
			`"system":{"type":"user_changed_number","body":"x","wa_id":"1555%07d"}}`,
			i, word, i, i+1)
	}
	entry := func(i int) string {
		return fmt.Sprintf(`{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"tenant%d"},`+
			`"messages":[{"from":"15551234567","id":"wamid.%s.entry.%d","type":"text","text":{"body":"hi"}}]}}]}`,
			i%8, word, i)
	}
	text := func(id string, length int) string {
		return fmt.Sprintf(`{"from":"15551234567","id":"wamid.%s.%s","type":"text","text":{"body":"%s"}}`, word, id, strings.Repeat("a", length))
	}
	nested := func(depth int) string { return strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) }
	return []heavy{
		{"empty messages", messages(fill(room, always(`{}`))), 1},
		{"messages of nothing", messages(fill(room, always(`0`))), 1},
		{"messages with an id", messages(fill(room, func(i int) string { return fmt.Sprintf(`{"id":"%s%d"}`, word, i) })), whole},
		{"statuses with an id", statuses(fill(room, func(i int) string { return fmt.Sprintf(`{"id":"%s%d","status":"read"}`, word, i) })), whole},
		{"as many messages as may be", messages(times(maxEvents, func(i int) string { return text(fmt.Sprint(i), 2000) })), maxEvents},
		{"one message more", messages(times(maxEvents+1, func(i int) string { return text(fmt.Sprint("more.", i), 10) })), whole},
		{"ad clicks of as many contacts", messages(times(maxEvents, click)), maxEvents},
		{"as many contacts that change their number", messages(times(maxEvents, changed)), maxEvents},
		{"statuses of one contact", statuses(times(maxEvents, func(i int) string {
			return fmt.Sprintf(`{"id":"wamid.%s.%d","status":"delivered","timestamp":"1736535600","recipient_id":"15551234567"}`, word, i)
		})), maxEvents},
		{"entries of eight tenants", []byte(`{"object":"whatsapp_business_account","entry":[` + times(maxEvents, entry) + `]}`), maxEvents},
		{"Messenger's delivery list",
			page(`{"sender":{"id":"7012345678901234"},"recipient":{"id":"1029384756"},"delivery":{"watermark":1,"mids":[` +
				times(maxEvents, func(i int) string { return fmt.Sprintf(`"m_%s_%d_%s"`, word, i, strings.Repeat("m", 500)) }) + `]}}`), maxEvents},
		{"a longer one", page(`{"sender":{"id":"7012345678901234"},"recipient":{"id":"1029384756"},"delivery":{"watermark":1,"mids":[` +
			fill(room, func(i int) string { return fmt.Sprintf(`"m_%s_%d"`, word, i) }) + `]}}`), whole},
		{"attachments of one message",
			page(`{"sender":{"id":"7012345678901234"},"recipient":{"id":"1029384756"},"timestamp":1,"message":{"mid":"m_` + word +
				`","attachments":[` +
				fill(room, always(`{"type":"image","payload":{"url":"u"}}`)) + `]}}`), 1},
		{"one long text", messages(text("long", room)), 1},
		{"a long text of escapes", messages(strings.Replace(text("escapes", 1), `"a"`, `"`+strings.Repeat(`\u0001`, room/6)+`"`, 1)), 1},
		{"one long number", messages(`{"from":` + strings.Repeat("1", room) + `,"id":"wamid.` + word + `.number"}`), 1},
		{"a long id", messages(text(strings.Repeat("i", room), 1)), 1},
		{"a click of long ids",
			messages(fmt.Sprintf(`{"from":"%s","id":"wamid.%s.ids","type":"text","text":{"body":"hi"},"referral":{"source_type":"ad",`+
				`"source_id":"%s","ctwa_clid":"%s","headline":"%s"}}`,
				strings.Repeat("1", room/5), word, strings.Repeat("2", room/5), strings.Repeat("c", room/5), strings.Repeat("h", room/5))), 1},
		{"a message of many keys", messages(`{"id":"wamid.` + word + `.keys",` + fill(room,
			func(i int) string { return fmt.Sprintf(`"k%d":0`, i) }) + `}`), 1},
		{"a message of one key", messages(`{"id":"wamid.` + word + `.key",` + fill(room, always(`"type":"text"`)) + `}`), 1},
		{"contacts beside a message", edgetest.Webhook(`"contacts":[` + fill(room,
			func(i int) string { return fmt.Sprintf(`{"wa_id":"1555%07d"}`, i) }) + `],"messages":[` + text("contacts", 1) + `]`), 1},
		{"a field that nobody knows, nested", edgetest.Webhook(`"unknown":[` + fill(room, always(nested(150))) + `]`), 1},
	}
}

// tenants are eight tenants, told apart by their numbers, and one of everything
// else; each has a destination for events, and the last one for raw bytes.
func tenants(s *sink) string {
	var b strings.Builder
	for i := range 8 {
		fmt.Fprintf(&b, "\t\ttenant t%d {\n\t\t\tmatch phone_number_id tenant%[1]d\n\t\t\tforward %s/events {\n\t\t\t\tname "+
			"t%[1]d\n\t\t\t\tonly all\n\t\t\t}\n\t\t}\n", i, s.URL)
	}
	fmt.Fprintf(&b, "\t\ttenant beside {\n\t\t\tmatch phone_number_id beside\n\t\t\tforward %s/beside\n\t\t}\n", s.URL)
	fmt.Fprintf(&b, "\t\ttenant rest\n\t\tforward %s/events {\n\t\t\tname rest\n\t\t\tonly all\n\t\t}\n\t\tforward %[1]s/raw {\n\t\t\tname "+
		"raw\n\t\t\traw\n\t\t\tonly all\n\t\t}", s.URL)
	return edgetest.MetaBlock(b.String())
}

// TestHeavyWebhooks: whatever a signed webhook holds, it is taken, what it makes
// is within max_events and 16 times max_body, the store's work grows with its
// events, and another tenant's webhooks are taken beside it.
func TestHeavyWebhooks(t *testing.T) {
	rounds := 1
	if long() {
		rounds = 10
	}
	onBothQueues(t, func(t *testing.T, st store) {
		s := newSink(t)
		s.keeps = true
		e := startEdge(t, st.option, tenants(s))
		if st.redis != nil {
			st.redis.Do("CONFIG", "SET", "slowlog-log-slower-than", slowScript, "slowlog-max-len", 10_000)
		}
		for round := range rounds {
			for _, h := range heavies(fmt.Sprintf("r%d", round)) {
				h.body = bytes.Replace(h.body, []byte("106540352242922"), fmt.Append(nil, 106540352242000+round), 1)
				e.heavy(t, st, s, h)
			}
		}
		for _, depth := range []int{198, 500, 1_000_000} { // 200 levels are the most; of the body, each entry is six
			body := edgetest.Webhook(`"unknown":` + strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth))
			if resp, err := e.post(body); err != nil || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%d levels: %v %v", depth, resp, err)
			}
		}
		if resp, err := e.post(bytes.Repeat([]byte(" "), maxBody+1)); err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("a body over max_body: %v %v", resp, err)
		}
		e.mustPost(message("wamid.after", "hello"))
	})
}

// heavy posts one, and looks at what it came to.
func (e *edge) heavy(t *testing.T, st store, s *sink, h heavy) {
	t.Helper()
	if len(h.body) > maxBody {
		t.Fatalf("%s: the test's own body is of %d bytes", h.name, len(h.body))
	}
	s.take("/events")
	s.take("/raw")
	calls := st.commands()
	most := e.peak(func() {
		stop := e.beside(t, h.name)
		defer stop()
		resp, err := e.post(h.body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: answered %v %v", h.name, resp, err)
		}
	})
	calls = st.commands() - calls
	e.drained("t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "rest", "raw")
	events := s.take("/events")
	t.Logf("%-45s %7d bytes: %4d events of %8d bytes, %3d MB RssAnon%s", h.name, len(h.body), events.posts, events.bytes, most>>20,
		st.slow(calls))
	if h.events == whole {
		h.events = 1
		if len(events.kept) != 1 || !isWhole(events.kept[0], h.body) {
			t.Errorf("%s: it is not kept whole", h.name)
		}
	}
	if events.posts != h.events {
		t.Errorf("%s: %d events came of it, not %d", h.name, events.posts, h.events)
	}
	if most := 16*maxBody + maxEvents*8<<10; events.bytes > most {
		t.Errorf("%s: its events take %d bytes, more than %d", h.name, events.bytes, most)
	}
	// Some commands are from the work of every second.
	if most := 2000 + 100*h.events; calls > most {
		t.Errorf("%s: Redis ran %d commands for it, more than %d", h.name, calls, most)
	}
	if most > heavyMemory {
		t.Errorf("%s: RssAnon is %d MB", h.name, most>>20)
	}
	e.Alive()
}

// heavyMemory is more than one heavy webhook may ever take beside the edge's own.
const heavyMemory = 500 << 20

// slowScript is what a script should not take, in microseconds. It is looked at
// and not asserted: the machine may be busy with other tests.
const slowScript = 20_000

// commands is how many commands Redis has run, those of scripts included.
func (s store) commands() (n int) {
	if s.redis == nil {
		return 0
	}
	for line := range strings.Lines(s.redis.Do("INFO", "commandstats").(string)) {
		_, rest, _ := strings.Cut(line, ":calls=")
		var calls int
		if _, err := fmt.Sscanf(rest, "%d", &calls); err == nil {
			n += calls
		}
	}
	return n
}

// slow says which calls took Redis long since the last time.
func (s store) slow(commands int) string {
	if s.redis == nil {
		return ""
	}
	list := s.redis.Do("SLOWLOG", "GET", 100).([]any)
	s.redis.Do("SLOWLOG", "RESET")
	out := fmt.Sprintf(", %6d commands", commands)
	for _, entry := range list {
		entry := entry.([]any)
		words := fmt.Sprint(entry[3])
		out += fmt.Sprintf(", %d ms of %.40q", entry[2].(int64)/1000, words)
	}
	return out
}

// beside posts a few small webhooks of another tenant, which must be taken; stop
// waits until they are.
func (e *edge) beside(t *testing.T, word string) (stop func()) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range 5 {
			body := bytes.Replace(message(fmt.Sprintf("wamid.beside.%s.%d", word, n), "hello"), []byte("106540352242922"), []byte("beside"), 1)
			if resp, err := e.post(body); err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("a webhook beside %s: %v %v", word, resp, err)
			}
		}
	})
	return wg.Wait
}

// isWhole reports whether an event is a webhook kept whole.
func isWhole(event, body []byte) bool {
	var e struct {
		Kind string
		Raw  json.RawMessage
	}
	return json.Unmarshal(event, &e) == nil && e.Kind == "account" && bytes.Equal(e.Raw, body)
}
