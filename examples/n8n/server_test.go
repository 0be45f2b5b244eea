//go:build n8n

package n8n

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/freeport"
)

// foreign are environment variables that would change what n8n does.
var foreign = regexp.MustCompile(`(?i)^(N8N_|NODE_|DB_|WEBHOOK_URL=|https?_proxy=|all_proxy=|no_proxy=)`)

// setting is what a test gives to its n8n.
type setting struct {
	graph       *graph
	credentials []map[string]any
	workflows   map[string]*workflow // as they are in their files
	unpublished map[string]*workflow // imported, and no more
	conversions string               // the URL that the workflows are to report to
	packed      string               // a package of nodes, as npm packs it; "" for none
}

// server is an n8n with some workflows, on 127.0.0.1.
type server struct {
	t         *testing.T
	url       string
	folder    string // where it was installed
	home      string
	env       []string
	workflows map[string]*workflow
	process   *process
	client    *http.Client // its owner's
	key       string       // of its API
}

// newServer imports the credentials and the workflows, publishes them as a user
// would, and starts n8n.
func newServer(t *testing.T, with *setting) *server {
	t.Helper()
	folder := os.Getenv("LEADGATE_N8N")
	if folder == "" {
		t.Fatal("LEADGATE_N8N names no folder with an n8n: run examples/n8n/test.sh")
	}
	home, port := t.TempDir(), fmt.Sprint(freeport.New(t))
	s := &server{t: t, folder: folder, home: home, workflows: with.workflows, url: "http://127.0.0.1:" + port}
	s.env = env(
		"PATH="+filepath.Join(folder, "node/node_modules/node/bin")+":"+os.Getenv("PATH"),
		"HOME="+home, "N8N_USER_FOLDER="+home, "N8N_ENCRYPTION_KEY=of-a-test-only",
		"N8N_LISTEN_ADDRESS=127.0.0.1", "N8N_HOST=127.0.0.1", "N8N_PORT="+port, "N8N_SECURE_COOKIE=false",
		"N8N_RUNNERS_BROKER_LISTEN_ADDRESS=127.0.0.1", "N8N_RUNNERS_BROKER_PORT="+fmt.Sprint(freeport.New(t)),
		"N8N_DIAGNOSTICS_ENABLED=false", "N8N_VERSION_NOTIFICATIONS_ENABLED=false",
		"N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED=false", "N8N_DYNAMIC_BANNERS_ENABLED=false",
		"N8N_TEMPLATES_ENABLED=false", "N8N_PERSONALIZATION_ENABLED=false", "N8N_HIRING_BANNER_ENABLED=false",
		"N8N_LICENSE_AUTO_RENEW_ENABLED=false",
		"N8N_COMMUNITY_PACKAGES_ENABLED="+fmt.Sprint(with.packed != ""), "N8N_VERIFIED_PACKAGES_ENABLED=false",
		"N8N_UNVERIFIED_PACKAGES_ENABLED=true",
		"N8N_DISABLED_MODULES=mcp-registry",
		// What it asks for nevertheless goes to the test's proxy, and no further.
		"HTTP_PROXY="+with.graph.proxy, "HTTPS_PROXY="+with.graph.proxy, "NO_PROXY=127.0.0.1,localhost",
		"NODE_EXTRA_CA_CERTS="+with.graph.authority,
	)
	if with.packed != "" {
		s.install(with.packed)
	}
	text, err := json.Marshal(with.credentials)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.command(fmt.Sprintf("Successfully imported %d credentials", len(with.credentials)), "import:credentials", "--input="+file)
	all := maps.Clone(with.workflows)
	maps.Copy(all, with.unpublished)
	s.command(fmt.Sprintf("Successfully imported %d workflows", len(all)), "import:workflow", "--separate",
		"--input="+s.copyWorkflows(all, with.conversions))
	for _, w := range s.workflows {
		s.command("Publishing workflow with ID: "+w.ID, "publish:workflow", "--id="+w.ID)
	}
	s.start()
	s.login()
	return s
}

// install installs a package of nodes as docs/n8n.md says to do it by hand.
func (s *server) install(packed string) {
	s.t.Helper()
	nodes := filepath.Join(s.home, ".n8n", "nodes")
	if err := os.MkdirAll(nodes, 0o700); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), "npm", "install", packed, "--ignore-scripts", "--omit=peer", "--legacy-peer-deps",
		"--no-audit", "--no-fund")
	cmd.Dir, cmd.Env = nodes, s.env
	run(s.t, cmd)
}

// copyWorkflows copies the files, with a user's one edit: the edge's URL.
func (s *server) copyWorkflows(all map[string]*workflow, conversions string) string {
	s.t.Helper()
	dir, edited := s.t.TempDir(), 0
	for file, w := range all {
		const shown = "https://bots.example.com/conversions"
		edited += bytes.Count(w.text, []byte(`"`+shown+`"`))
		text := bytes.ReplaceAll(w.text, []byte(shown), []byte(conversions))
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	if conversions != "" && edited == 0 {
		s.t.Fatal("no workflow posts to the edge of docs/n8n.md")
	}
	return dir
}

func (s *server) n8n(args ...string) *exec.Cmd {
	node := filepath.Join(s.folder, "node/node_modules/node/bin/node")
	cmd := exec.CommandContext(s.t.Context(), node, append([]string{filepath.Join(s.folder, "n8n/node_modules/n8n/bin/n8n")}, args...)...)
	cmd.Env = s.env
	return cmd
}

// command runs a command of n8n, which must say that: it exits with 0 also where
// it failed.
func (s *server) command(says string, args ...string) {
	s.t.Helper()
	if out := run(s.t, s.n8n(args...)); !strings.Contains(out, says) {
		s.t.Fatalf("n8n %s does not say '%s':\n%s", strings.Join(args, " "), says, out)
	}
}

// start starts n8n and waits until it has registered the webhooks, which is a
// while after it says that it is ready.
func (s *server) start() {
	s.t.Helper()
	// Not with the test's context: that ends before the test's cleanup, which
	// lets n8n end by itself.
	cmd := exec.Command(s.n8n().Path, s.n8n("start").Args[1:]...)
	cmd.Env = s.env
	s.process = start(s.t, "n8n", cmd)
	for _, w := range s.workflows {
		for _, n := range w.Nodes {
			if n.Parameters.Path != "" {
				until(s.t, "n8n takes webhooks at "+n.Parameters.Path, func() bool {
					resp, err := http.Post(s.url+"/webhook/"+n.Parameters.Path, "application/json", strings.NewReader("{}"))
					if err != nil {
						return false
					}
					resp.Body.Close()
					return resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden
				})
			}
		}
	}
}

// login makes n8n's owner and a key for its API.
func (s *server) login() {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	s.client = client
	const email, password = "owner@example.com", "Passw0rd-of-a-test"
	s.ask(client, "/rest/owner/setup", map[string]any{"email": email, "firstName": "Test", "lastName": "Owner", "password": password}, nil)
	var made struct {
		Data struct{ RawAPIKey string }
	}
	// While it starts, n8n may take back the session that it gave.
	until(s.t, "n8n gives a key for its API", func() bool {
		return s.try(client, "/rest/login", map[string]any{"emailOrLdapLoginId": email, "password": password}, nil) == nil &&
			s.try(client, "/rest/api-keys", map[string]any{"label": "test", "expiresAt": nil, "scopes": []string{
				"execution:list", "execution:read", "dataTable:list", "dataTableRow:read", "dataTable:create", "dataTableRow:upsert",
				"workflow:activate", "workflow:deactivate",
			}}, &made) == nil
	})
	s.key = made.Data.RawAPIKey
}

// ask asks n8n for something that it must give.
func (s *server) ask(client *http.Client, path string, body, v any) {
	s.t.Helper()
	if err := s.try(client, path, body, v); err != nil {
		s.t.Fatal(err)
	}
}

// try posts body, or gets where it is nil, and decodes the answer into v.
func (s *server) try(client *http.Client, path string, body, v any) error {
	method, reader := http.MethodGet, io.Reader(nil)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encoding the body for %s: %w", path, err)
		}
		method, reader = http.MethodPost, bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, reader)
	if err != nil {
		return fmt.Errorf("making the request for %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.key != "" {
		req.Header.Set("X-N8N-API-KEY", s.key)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("asking n8n: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", path, err)
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("asking n8n: %s %s: %s: %s", method, path, resp.Status, text)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("decoding the answer of %s: %w", path, err)
	}
	return nil
}

// rows returns the rows of a data table, none while there is no such table.
func (s *server) rows(table string) []map[string]any {
	s.t.Helper()
	var tables struct {
		Data []struct{ ID, Name string }
	}
	s.ask(http.DefaultClient, "/api/v1/data-tables", nil, &tables)
	for _, d := range tables.Data {
		if d.Name == table {
			var rows struct{ Data []map[string]any }
			s.ask(http.DefaultClient, "/api/v1/data-tables/"+d.ID+"/rows", nil, &rows)
			return rows.Data
		}
	}
	return nil
}

// reached returns the items that came to a node in all finished executions of a
// workflow, the newest first.
func (s *server) reached(workflowID, node string) []map[string]any {
	s.t.Helper()
	var list struct {
		Data []struct {
			Data struct {
				ResultData struct {
					RunData map[string][]struct {
						Data struct {
							Main [][]struct{ JSON map[string]any }
						}
					}
				}
			}
		}
	}
	s.ask(http.DefaultClient, "/api/v1/executions?"+url.Values{"workflowId": {workflowID}, "includeData": {"true"},
		"limit": {"100"}}.Encode(), nil, &list)
	var items []map[string]any
	for _, e := range list.Data {
		for _, r := range e.Data.ResultData.RunData[node] {
			for _, out := range r.Data.Main {
				for _, item := range out {
					items = append(items, item.JSON)
				}
			}
		}
	}
	return items
}
