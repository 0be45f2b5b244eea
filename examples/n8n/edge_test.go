//go:build n8n

package n8n

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/built"
	"github.com/leadgate/leadgate/internal/freeport"
)

// edge is a Leadgate process.
type edge struct {
	t           *testing.T
	binary      string
	site, admin string
	env         []string
}

func newEdge(t *testing.T) *edge {
	t.Helper()
	dir := t.TempDir()
	e := &edge{
		t:    t,
		site: "http://" + freeport.Address(t), admin: freeport.Address(t),
		env: env("HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir),
	}
	var err error
	if e.binary, err = built.Caddy(dir); err != nil {
		t.Fatal(err)
	}
	return e
}

// start runs the edge with the settings of the tenant acme.
func (e *edge) start(tenant string) {
	e.t.Helper()
	dir := e.t.TempDir()
	config := filepath.Join(dir, "Caddyfile")
	text := strings.NewReplacer("%SITE%", e.site, "%ADMIN%", e.admin, "%DIR%", dir, "%TENANT%", tenant,
		"%APP_SECRET%", appSecret, "%TOKEN%", conversionsToken,
		"%API_TOKEN%", apiToken).Replace(`{
	admin %ADMIN%
	persist_config off
	leadgate {
		queue embedded %DIR%/queue
	}
}
%SITE% {
	leadgate /webhooks/meta {
		provider meta {
			app_secret %APP_SECRET%
			verify_token word
		}
		tenant acme
%TENANT%
	}
	leadgate_conversions /conversions {
		tenant acme
		token %TOKEN%
	}
	leadgate_api /api/* {
		tenant acme
		token %API_TOKEN%
		allow all
	}
	leadgate_api /look/* {
		tenant acme
		token %API_TOKEN%
	}
	respond "not here" 404
}
`)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
	cmd := exec.Command(e.binary, "run", "--config", config)
	cmd.Env = e.env
	start(e.t, "the edge", cmd)
	until(e.t, "the edge serves", func() bool {
		resp, err := http.Get(e.site + "/")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNotFound
	})
}

// send posts one of Leadgate's sample webhooks, signed as Meta does.
func (e *edge) send(sample string) {
	e.t.Helper()
	cmd := exec.Command(e.binary, "leadgate", "send", "--to", e.site+"/webhooks/meta", "--secret", appSecret, "--sample", sample)
	cmd.Env = e.env
	run(e.t, cmd)
}

// destination is what the edge says of one.
type destination struct {
	Name, State, Reason string
	Delivered           int
}

func (e *edge) destination(name string) destination {
	e.t.Helper()
	resp, err := http.Get("http://" + e.admin + "/leadgate/destinations")
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []destination
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		e.t.Fatal(err)
	}
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	e.t.Fatalf("the edge has no destination %s: %v", name, all)
	return destination{}
}

// fakeMeta starts `caddy leadgate fake-meta`, and returns its URL.
func (e *edge) fakeMeta() string {
	e.t.Helper()
	address := freeport.Address(e.t)
	cmd := exec.Command(e.binary, "leadgate", "fake-meta", "--listen", address)
	cmd.Env = e.env
	start(e.t, "fake-meta", cmd)
	until(e.t, "fake-meta listens", func() bool {
		resp, err := http.Get("http://" + address + "/_leadgate/accepted")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return true
	})
	return "http://" + address
}

// accepted are the events with this name that a fake of Meta has taken.
func accepted(t *testing.T, fake, name string) (events []map[string]any) {
	t.Helper()
	resp, err := http.Get(fake + "/_leadgate/accepted")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var all struct {
		Accepted []struct{ Event map[string]any }
	}
	decoder := json.NewDecoder(resp.Body)
	decoder.UseNumber() // ids of leads are longer than a float64 holds
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all.Accepted {
		if a.Event["event_name"] == name {
			events = append(events, a.Event)
		}
	}
	return events
}
