package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
)

const secret = "test_app_secret"

// edge is a Leadgate process with one block.
type edge struct {
	*edgetest.Edge
	t      *testing.T
	global string
}

// newEdge makes an edge with these global options and this leadgate block,
// without starting it. %DIR% in the options is the edge's folder.
func newEdge(t *testing.T, global, block string) *edge {
	t.Helper()
	e := &edge{Edge: edgetest.New(t), t: t, global: global}
	e.Configure(e.caddyfile(block))
	return e
}

func (e *edge) caddyfile(block string) string {
	return e.Caddyfile(e.global, "log {\n exclude admin.api\n}", `	leadgate /webhooks/meta {
		provider meta {
			app_secret `+secret+`
			verify_token word
		}
`+block+`
	}`)
}

// load gives the running edge another block.
func (e *edge) load(block string) {
	e.t.Helper()
	req, err := http.NewRequest(http.MethodPost, e.Admin+"/load", strings.NewReader(e.caddyfile(block)))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		e.t.Fatalf("loading config: %d %s", resp.StatusCode, body)
	}
}

type destinationStatus struct {
	Name, State, Reason     string
	Backlog, InFlight, Dead int
	Delivered               int64
}

// quick is for questions that a living edge answers at once.
var quick = &http.Client{Timeout: 5 * time.Second}

// destinations asks the admin API; nil if it doesn't answer.
func (e *edge) destinations() map[string]destinationStatus {
	resp, err := quick.Get(e.Admin + "/leadgate/destinations")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var list []destinationStatus
	if json.NewDecoder(resp.Body).Decode(&list) != nil {
		return nil
	}
	all := make(map[string]destinationStatus, len(list))
	for _, d := range list {
		all[d.Name] = d
	}
	return all
}

// idle says that nothing waits for the scenarios' destinations.
func (e *edge) idle() bool {
	all := e.destinations()
	for _, name := range []string{crm, meta} {
		if d, known := all[name]; !known || d.Backlog > 0 || d.InFlight > 0 {
			return false
		}
	}
	return true
}

// post posts a signed webhook.
func (e *edge) post(client *http.Client, body []byte, signature string) (status int, err error) {
	req, err := http.NewRequest(http.MethodPost, e.Site+"/webhooks/meta", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", signature)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
