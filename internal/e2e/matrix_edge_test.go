package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// matrix is an edge with a tenant for each row.
type matrix struct {
	t      *testing.T
	edge   *edgetest.Edge
	server *redistest.Server // nil for the embedded queue
	gate   *gate
	ends   *ends
	meta   *fakeMeta
	lines  []*line
}

// line is what happens in a row.
type line struct {
	*row
	dataset  string
	waba     string     // what Meta is told
	firsts   []*adClick // everyone's first, the row's own contact's first
	second   *adClick   // the row's own contact's
	erased   map[string]*adClick
	stranger *adClick // who never came
	sales    []*sale
}

func newMatrix(t *testing.T, global string, server *redistest.Server) *matrix {
	t.Helper()
	m := &matrix{t: t, edge: edgetest.New(t), server: server, gate: new(gate)}
	now := time.Now()
	datasets := make(map[string]capitest.Dataset)
	for i := range rows {
		r := &rows[i]
		l := &line{row: r, dataset: fmt.Sprintf("90000000%02d", i), waba: fmt.Sprintf("1022901293403%02d", i), erased: make(map[string]*adClick)}
		l.firsts = append(l.firsts, newClick(t, i, 0, 1, now.Add(-100*time.Second)))
		l.second = newClick(t, i, 0, 2, now.Add(-50*time.Second))
		l.stranger = newClick(t, i, 99, 1, now)
		for _, name := range identities[:3] { // by which a contact can be erased
			if l.firsts[0].id[name] != "" {
				c := newClick(t, i, len(l.firsts), 1, now.Add(-90*time.Second))
				l.erased[name] = c
				l.firsts = append(l.firsts, c)
			}
		}
		account := l.account()
		if account["wabaId"] != "" {
			l.waba = account["wabaId"]
		}
		for _, c := range l.clicks() {
			c.waba = l.waba
		}
		datasets[l.dataset] = capitest.Dataset{WabaID: l.waba}
		if r.channel != "whatsapp" {
			datasets[l.dataset] = capitest.Dataset{PageID: account["pageId"], InstagramID: account["instagramId"]}
		}
		m.lines = append(m.lines, l)
	}
	m.ends, m.meta = newEnds(t, m.gate), newFakeMeta(t, m.gate, datasets)
	m.edge.Configure(m.edge.Caddyfile(global, "", m.site()))
	m.edge.Start()
	return m
}

// account is the row's business, by the words of the unified event.
func (l *line) account() map[string]string {
	all := make(map[string]string)
	for name, v := range l.firsts[0].event["account"].(map[string]any) {
		if text, ok := v.(string); ok {
			all[name] = text
		}
	}
	return all
}

// site is a block for each provider, with a tenant for each row, and one more for
// each row that no `match` can find.
func (m *matrix) site() string {
	var b strings.Builder
	for name, p := range providers {
		fmt.Fprintf(&b, "leadgate /webhooks/%s {\n provider %s {\n%s\n}\n", name, name, p.block)
		for _, l := range m.lines {
			if l.provider == name && l.match != "" {
				fmt.Fprintf(&b, "tenant %s {\n match %s %s\n%s\n}\n", l.name, l.match, l.account()[l.row.account], m.destinations(l))
			}
		}
		b.WriteString("}\n")
	}
	for _, l := range m.lines {
		if l.match == "" {
			fmt.Fprintf(&b, "leadgate /webhooks/%s {\n provider %s {\n%s\n}\n tenant %s\n%s\n}\n", l.name, l.provider,
				providers[l.provider].block, l.name, m.destinations(l))
		}
		fmt.Fprintf(&b, "leadgate_conversions /conversions/%s {\n tenant %s\n token %s\n map won Purchase\n}\n", l.name, l.name, crmToken)
	}
	return b.String()
}

const crmToken = "token-of-the-crm"

func (m *matrix) destinations(l *line) string {
	only := "only messages"
	if l.standby {
		only += " standby"
	}
	text := ""
	for _, d := range []struct{ name, options string }{
		{"crm", only + " conversions"}, {"bot", ""}, {"raw", "raw\n" + only}, {"fussy", only}, {"fussy-raw", "raw\n" + only},
	} {
		text += fmt.Sprintf("forward %s/%s/%s {\n name %s-%s\n%s\n}\n", m.ends.URL, l.name, d.name, l.name, d.name, d.options)
	}
	waba := ""
	if l.channel == "whatsapp" && l.account()["wabaId"] == "" {
		waba = "\n waba_id " + l.waba // the webhooks don't say it
	}
	return text + fmt.Sprintf("capi {\n name %s-capi\n dataset %s\n access_token %s\n app_secret %s\n linger 10ms\n endpoint %s%s\n}\n",
		l.name, l.dataset, metaToken, metaSecret, m.meta.URL, waba)
}

// kill kills the edge, and a store's server, with kill -9, and starts the server
// again.
func (m *matrix) kill() {
	m.t.Helper()
	m.edge.Kill()
	client.CloseIdleConnections()
	if m.server != nil {
		m.server.Kill()
		m.server.Restart()
	}
}

// settle waits until nothing waits for any destination: from then on nothing comes
// by itself, so that what is missing is lost, and what is there twice was repeated.
func (m *matrix) settle() {
	m.t.Helper()
	var list []struct {
		Name, State, Reason string
		Backlog, InFlight   int
	}
	edgetest.Until(m.t, "nothing waits for a destination", func() bool {
		m.admin(m.t, http.MethodGet, "/leadgate/destinations", nil, &list)
		for _, d := range list {
			if d.Backlog+d.InFlight > 0 {
				return false
			}
		}
		return len(list) > 0
	})
	for _, d := range list {
		if d.State != "running" && d.Name != "unmatched" {
			m.t.Errorf("%s is %s: %s", d.Name, d.State, d.Reason)
		}
	}
}

// admin asks the admin API, with a JSON body or none.
func (m *matrix) admin(t *testing.T, method, path string, body, answer any) {
	t.Helper()
	m.call(t, method, m.edge.Admin+path, "", body, answer)
}

func (m *matrix) call(t *testing.T, method, url, token string, body, answer any) {
	t.Helper()
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, url, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, url, resp.StatusCode, got)
	}
	decode(t, got, answer)
}

var client = &http.Client{Timeout: edgetest.GiveUp}

// post posts a click, which must come to this outcome.
func (m *matrix) post(c *adClick, outcome string) {
	m.t.Helper()
	p, path := providers[c.row.provider], c.row.provider
	if c.row.match == "" {
		path = c.row.name
	}
	req, err := http.NewRequest(http.MethodPost, m.edge.Site+"/webhooks/"+path, bytes.NewReader(c.body))
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if p.form {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	p.sign(req, c.body)
	resp, err := client.Do(req)
	if err != nil {
		m.t.Fatalf("%s: %v", c.row.name, err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Leadgate-Outcome"); resp.StatusCode != http.StatusOK || got != outcome {
		m.t.Errorf("%s: answered %d %s, want 200 %s", c.row.name, resp.StatusCode, got, outcome)
	}
	c.header = req.Header
}
