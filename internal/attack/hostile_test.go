package attack

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// answers are what a hostile server writes after a request, by the word that its
// path begins with. They end when the client has gone.
var answers = map[string]func(w io.Writer){
	"loop":      write("HTTP/1.1 307 Temporary Redirect\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n"),
	"away":      write("HTTP/1.1 308 Permanent Redirect\r\nLocation: TRAP\r\nContent-Length: 0\r\n\r\n"),
	"file":      write("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
	"endless":   forever("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 64<<10), 0),
	"endless5":  forever("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n", "400\r\n"+strings.Repeat("y", 0x400)+"\r\n", 0),
	"slow":      forever("HTTP/1.1 200 OK\r\n", "X: y\r\n", 100*time.Millisecond),
	"continues": forever("", "HTTP/1.1 100 Continue\r\n\r\n", 0),
	"hints":     forever("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0),
	"headers":   forever("HTTP/1.1 200 OK\r\n", "X-Header: "+strings.Repeat("h", 1000)+"\r\n", 0),
	"header":    forever("HTTP/1.1 200 OK\r\nX-Header: ", strings.Repeat("h", 64<<10), 0),
	"status":    forever("HTTP/1.1 500 ", strings.Repeat("s", 64<<10), 0),
	"bomb":      bomb("200 OK"),
	"bomb4":     bomb("422 No"),
	"words":     write("HTTP/1.1 503 \x1b]0;owned\a\u202e\r\nRetry-After: \x1b[2J\r\nContent-Length: 0\r\n\r\n"),
	"patience":  write("HTTP/1.1 503 No\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n"),
	"past":      write("HTTP/1.1 429 No\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n"),
	"upgrade":   write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
	"nothing":   write(""),
	"half":      write("HTTP/1.1 2"),
	"noise":     write("\x00\xff\x1b[2Jevil\r\n\r\n"),
	"number":    write("HTTP/1.1 99999999999999999999 OK\r\n\r\n"),
	"negative":  write("HTTP/1.1 -200 OK\r\nContent-Length: -1\r\n\r\n"),
	"two":       write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
	"lengths":   write("HTTP/1.1 500 No\r\nContent-Length: 1\r\nContent-Length: 200\r\n\r\nx"),

	// Of a Graph API, beside those.
	"html":  graph("text/html", "<html><script>alert(1)</script>"+strings.Repeat("<p>", 1000)),
	"empty": graph("application/json", ""),
	"null":  graph("application/json", "null"),
	"array": graph("application/json", "[1]"),
	"lots":  graph("application/json", `{"events_received":"lots"}`),
	"less":  graph("application/json", `{"events_received":-1}`),
	"more":  graph("application/json", `{"events_received":1e400}`),
	"many":  graph("application/json", `{"events_received":999999}`),
	"deep":  graph("application/json", strings.Repeat("[", 1<<20)),
	"long":  graph("application/json", `{"events_received":`+strings.Repeat(" ", 16<<20)+`1}`),
	"error": graph("application/json", `{"error":"no object"}`),
	"types": graph("application/json",
		`{"error":{"code":"190","message":{"a":1},"type":7,"error_subcode":[],"is_transient":"yes","error_data":"{{"}}`),
	"message": graph("application/json",
		`{"error":{"code":100,"error_subcode":2804019,"message":"evil\u001b[2J\u202e `+strings.Repeat("m", 4<<20)+`"}}`),
	"errorless": graph("application/json", `{"error":{}}`),
}

func write(text string) func(io.Writer) {
	return func(w io.Writer) { _, _ = io.WriteString(w, text) }
}

func forever(first, then string, pause time.Duration) func(io.Writer) {
	return func(w io.Writer) {
		_, err := io.WriteString(w, first)
		for err == nil {
			time.Sleep(pause)
			_, err = io.WriteString(w, then)
		}
	}
}

func graph(kind, body string) func(io.Writer) {
	status := "200 OK"
	if strings.Contains(body, `"error"`) {
		status = "400 Bad Request"
	}
	return write(fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, kind, len(body), body))
}

// bomb answers with a gibibyte, packed.
func bomb(status string) func(io.Writer) {
	packed := sync.OnceValue(func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		for range 1 << 10 {
			_, _ = z.Write(make([]byte, 1<<20))
		}
		_ = z.Close()
		return b.Bytes()
	})
	return func(w io.Writer) {
		fmt.Fprintf(w, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", status,
			len(packed()))
		_, _ = w.Write(packed())
	}
}

// hostile serves the answers. It counts requests, by the first word of the path.
type hostile struct {
	url string

	mu    sync.Mutex
	asked map[string]int
}

func newHostile(t *testing.T, trap string) *hostile {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{url: "http://" + l.Addr().String(), asked: make(map[string]int)}
	var mu sync.Mutex
	open := make(map[net.Conn]bool)
	var owner sync.WaitGroup
	owner.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			owner.Go(func() {
				h.serve(conn, trap)
				mu.Lock()
				delete(open, conn)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for conn := range open {
			conn.Close()
		}
		mu.Unlock()
		owner.Wait()
	})
	return h
}

func (h *hostile) serve(conn net.Conn, trap string) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	word := strings.Split(r.URL.Path, "/")[1]
	h.mu.Lock()
	h.asked[word]++
	h.mu.Unlock()
	answer := answers[word]
	if answer == nil {
		answer = graph("application/json", mediaAnswers[word])
	}
	answer(trapped{conn, trap})
}

// trapped writes the trap's URL in place of its name.
type trapped struct {
	io.Writer
	url string
}

func (w trapped) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("TRAP")) {
		_, err := w.Writer.Write(bytes.ReplaceAll(p, []byte("TRAP"), []byte(w.url)))
		return len(p), err
	}
	return w.Writer.Write(p)
}

// newTrap is a server that nobody may be sent to.
func newTrap(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the edge was sent to %s, Authorization %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/trap"
}

// controls are what a terminal obeys.
var controls = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

// hostileMemory is what answers may have an edge hold beside its own.
const hostileMemory = 300 << 20

// TestHostileDestinations: whatever a forward's server or a Graph API answers,
// others get their events meanwhile, memory is bounded, nobody is sent anywhere,
// and what is shown of an answer cannot take over a terminal.
func TestHostileDestinations(t *testing.T) {
	contacts := 20
	if long() {
		contacts = 500
	}
	onBothQueues(t, func(t *testing.T, st store) {
		s, h := newSink(t), newHostile(t, newTrap(t))
		words := slices.Sorted(maps.Keys(answers))
		var block strings.Builder
		fmt.Fprintf(&block, "tenant acme {\nmatch phone_number_id acme\nforward %s/crm {\nname crm\n}\n", s.URL)
		for _, word := range words {
			fmt.Fprintf(&block, "forward %s/%s {\nname f-%[2]s\ntimeout 1s\n}\n", h.url, word)
		}
		block.WriteString("}\n")
		for _, word := range words {
			fmt.Fprintf(&block, `tenant t-%[1]s {
				match phone_number_id %[1]s
				capi whatsapp {
					name m-%[1]s
					dataset 1
					access_token %[2]s
					endpoint %[3]s/%[1]s
					linger 10ms
				}
			}
`, word, capiToken, h.url)
		}
		e := startEdge(t, st.option, edgetest.MetaBlock(block.String()))
		most := e.peak(func() {
			for n := range contacts {
				e.mustPost(clickOf("acme", n))
				e.mustPost(clickOf(words[n%len(words)], n))
			}
			for n, word := range words {
				e.mustPost(clickOf(word, n))
			}
			e.drained("crm")
			edgetest.Until(t, "all hostile answers were given", func() bool {
				h.mu.Lock()
				defer h.mu.Unlock()
				for _, word := range words {
					if h.asked[word] < 2 {
						return false
					}
				}
				return true
			})
		})
		e.Alive()
		if n := s.take("/crm").posts; n != contacts {
			t.Errorf("the good destination got %d of %d events", n, contacts)
		}
		t.Logf("RssAnon at most %d MB", most>>20)
		if most > hostileMemory {
			t.Errorf("RssAnon was %d MB", most>>20)
		}
		e.tame(t)
		e.mustPost(clickOf("acme", contacts))
		e.discreet(t)
	})
}

// clickOf is a click of one contact's on an ad, of now.
func clickOf(number string, n int) []byte {
	return fmt.Appendf(nil,
		`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages",`+
			`"value":{"metadata":{"phone_number_id":%q},"messages":[{"from":"1555765%04d","id":"wamid.%[1]s.%d","timestamp":"%d","type":"text",`+
			`"text":{"body":"hi"},"referral":{"source_type":"ad","source_id":"1","ctwa_clid":"clid-%[1]s-%[3]d"}}]}}]}]}`,
		number, n, n, time.Now().Unix())
}

// tame looks for controls in what the edge shows and logs.
func (e *edge) tame(t *testing.T) {
	t.Helper()
	for name, d := range e.Destinations() {
		if controls.MatchString(d.Reason) || len(d.Reason) > 4<<10 {
			t.Errorf("%s: reason of %d bytes: %.300q", name, len(d.Reason), d.Reason)
		}
	}
	var page struct {
		Dead []struct{ Destination, Code, Explanation string }
	}
	e.Do(http.MethodGet, "/leadgate/dead?limit=1000", "", &page)
	for _, d := range page.Dead {
		if text := d.Code + d.Explanation; controls.MatchString(text) || len(text) > 4<<10 {
			t.Errorf("%s: explanation of %d bytes: %.300q", d.Destination, len(text), text)
		}
	}
	for line := range strings.Lines(e.Said()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err == nil && len(line) < 8<<10 {
			for name, v := range fields {
				if text, ok := v.(string); ok && controls.MatchString(text) {
					t.Errorf("the log's %s has %q", name, text)
				}
			}
			continue
		}
		if !strings.HasPrefix(line, "{") && !strings.Contains(line, "admin.api") {
			continue
		}
		t.Errorf("a line of the log of %d bytes: %.300q", len(line), line)
	}
}
