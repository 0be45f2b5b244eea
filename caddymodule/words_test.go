package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logged "go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/normalize"
)

// TestUnknownWords: a word that we don't know is delivered as ever, counted
// without its name, and named by the admin API, the dashboard
// and the doctor.
func TestUnknownWords(t *testing.T) {
	s := newSink(t)
	text, base := withAdmin(t, dashboardSite("tenant acme\n forward "+s.URL))
	e := startEdge(t, text)
	word := "hologram_" + strings.ReplaceAll(t.Name(), "/", "_")
	counted := func() (n float64) {
		req, err := http.NewRequest(http.MethodGet, base+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, page := e.do(req)
		if strings.Contains(page, "hologram") {
			t.Error("the word is in the metrics")
		}
		for line := range strings.Lines(page) {
			if rest, ok := strings.CutPrefix(line, `leadgate_unknown_words_total{provider="meta"} `); ok {
				if _, err := fmt.Sscan(rest, &n); err != nil {
					t.Fatal(err)
				}
				return n
			}
		}
		t.Fatalf("no leadgate_unknown_words_total in %s", page)
		return 0
	}
	before := counted()
	for i := range 2 {
		body := envelope("106540352242922", fmt.Sprintf(`"messages":[{"from":"15551234567","id":"wamid.%s%d","timestamp":"1736535600","type":%q}]`, word, i, word))
		if resp, _ := e.post("/webhooks/meta", body); resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d", resp.StatusCode)
		}
		if d := s.next(t); d.event["message"].(map[string]any)["type"] != "unsupported" {
			t.Errorf("%s", d.body)
		}
	}
	if got := counted() - before; got != 2 {
		t.Errorf("%v words were counted", got)
	}
	find := func(words []seenWord) {
		t.Helper()
		for _, w := range words {
			if w.Word == word && w.Place == "message type" && w.Provider == "meta" && w.Webhooks == 2 && w.LastAt >= w.FirstAt {
				return
			}
		}
		t.Errorf("not there: %v", words)
	}
	var words []seenWord
	if status := e.admin(base, "GET", "/leadgate/words", nil, &words); status != http.StatusOK {
		t.Errorf("admin: %d", status)
	}
	find(words)
	if status := e.admin(base, "POST", "/leadgate/words", nil, nil); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", status)
	}
	var shown struct{ Words []seenWord }
	e.ask("overview", &shown)
	find(shown.Words)
	list, err := findings(t, strings.NewReplacer("%DIR%", e.dir, "%PORT%", fmt.Sprint(e.port)).Replace(text))
	if err != nil {
		t.Error(err)
	}
	finds(t, list, "warn", "the running edge: provider meta", "message type "+word+" (2 webhooks")
}

// TestWordBook: numbers in words are hidden, and there is an end to words.
func TestWordBook(t *testing.T) {
	book := wordBook{seen: make(map[normalize.UnknownWord]*seenWord)}
	u := normalize.UnknownWord{Provider: "meta", Place: normalize.PlaceList, Word: "15551234567"}
	if !book.note(u, 1) || book.note(u, 2) {
		t.Error("a word is new once")
	}
	if list := book.list(); len(list) != 1 || list[0].Word != "*******4567" || list[0].Webhooks != 2 || list[0].FirstAt != 1 || list[0].LastAt != 2 {
		t.Errorf("%v", list)
	}
	for i := range 2 * maxWords {
		book.note(normalize.UnknownWord{Provider: "meta", Place: normalize.PlaceList, Word: fmt.Sprint("w", i)}, 3)
	}
	if n := len(book.list()); n != maxWords {
		t.Errorf("%d words", n)
	}
}

// TestUnknownWordIsLoggedOnce: with what it stood for, and no more than once.
func TestUnknownWordIsLoggedOnce(t *testing.T) {
	core, logs := logged.New(zapcore.WarnLevel)
	h := &Handler{provider: new(Meta), logger: zap.New(core)}
	for range 3 {
		h.noteWords([]normalize.UnknownWord{{Provider: "meta", Place: normalize.PlaceAttachment, Word: "hologram_" + t.Name()}}, time.Unix(1736535600, 0))
	}
	lines := logs.All()
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	if fields := lines[0].ContextMap(); fields["place"] != "attachment type" || fields["word"] != "hologram_"+t.Name() || fields["provider"] != "meta" {
		t.Errorf("%v", fields)
	}
}
