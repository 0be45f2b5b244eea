package caddymodule

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestNoticesOfAnOldStore: what its last deliveries come to, when another store has
// taken its place, is told by the configuration that rules then.
func TestNoticesOfAnOldStore(t *testing.T) {
	told := make(chan string, 8)
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- string(body)
	}))
	defer chat.Close()
	asked, answer := make(chan struct{}), make(chan struct{})
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-answer
		w.WriteHeader(http.StatusUnprocessableEntity)
	}))
	defer crm.Close()
	config := func(queue string) string {
		text := siteWith("queue embedded %DIR%/"+queue+"\n\t\tgrace 20s", "tenant acme\n forward "+crm.URL+" {\n name crm\n timeout 20s\n}")
		return strings.Replace(text, "admin off\n", "admin off\n\tevents {\n\t\ton leadgate.dead leadgate_webhook "+chat.URL+"\n\t}\n", 1)
	}
	e := startEdge(t, config("one"))
	e.post("/webhooks/meta", message("wamid.1", "15551234567", "Hi"))
	<-asked
	old := rulers.newest()
	engine, counted, err := old.enter() // as a request that runs on: the old store stays open
	if err != nil {
		t.Fatal(err)
	}
	defer old.leave(engine, counted)
	if err := e.load(config("two")); err != nil {
		t.Fatal(err)
	}
	close(answer)
	select {
	case body := <-told:
		if !strings.Contains(body, `"event":"leadgate.dead","destination":"crm"`) {
			t.Errorf("told %s", body)
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody was told")
	}
}
