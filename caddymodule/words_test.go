package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/intake"
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
		body := envelope("106540352242922",
			fmt.Sprintf(`"messages":[{"from":"15551234567","id":"wamid.%s%d","timestamp":"1736535600","type":%q}]`, word, i, word))
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
	find := func(words []intake.UnknownWord) {
		t.Helper()
		for _, w := range words {
			if w.Word == word && w.Place == "message type" && w.Provider == "meta" && w.Webhooks == 2 && w.LastAt >= w.FirstAt {
				return
			}
		}
		t.Errorf("not there: %v", words)
	}
	var words []intake.UnknownWord
	if status := e.admin(base, "GET", "/leadgate/words", nil, &words); status != http.StatusOK {
		t.Errorf("admin: %d", status)
	}
	find(words)
	if status := e.admin(base, "POST", "/leadgate/words", nil, nil); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", status)
	}
	var shown struct{ Words []intake.UnknownWord }
	e.ask("overview", &shown)
	find(shown.Words)
	list, err := findings(t, strings.NewReplacer("%DIR%", e.dir, "%PORT%", fmt.Sprint(e.port)).Replace(text))
	if err != nil {
		t.Error(err)
	}
	finds(t, list, "warn", "the running edge: provider meta", "message type "+word+" (2 webhooks")
}
