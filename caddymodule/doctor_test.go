package caddymodule

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// caddyfileFor writes a Caddyfile and returns its path.
func caddyfileFor(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	text = strings.NewReplacer("%PORT%", "8080", "%DIR%", t.TempDir()).Replace(text)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// findings runs the doctor and takes its report apart: a line for each finding,
// its fix behind it.
func findings(t *testing.T, caddyfile string) (list []string, err error) {
	t.Helper()
	out, err := cli(t, "doctor", "--config", caddyfileFor(t, caddyfile))
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "      ") && len(list) > 0 {
			list[len(list)-1] += " " + strings.TrimSpace(line)
		} else {
			list = append(list, line)
		}
	}
	return list, err
}

// finds checks that there is a finding of a level with all these words.
func finds(t *testing.T, list []string, level string, words ...string) {
	t.Helper()
next:
	for _, f := range list {
		if !strings.HasPrefix(f, level+" ") {
			continue
		}
		for _, w := range words {
			if !strings.Contains(f, w) {
				continue next
			}
		}
		return
	}
	t.Errorf("no %s with %q in\n%s", level, words, strings.Join(list, "\n"))
}

func lacks(t *testing.T, list []string, words string) {
	t.Helper()
	for _, f := range list {
		if strings.Contains(f, words) {
			t.Errorf("found %s", f)
		}
	}
}

// TestDoctorWell has nothing to say against a good configuration, and leaves a
// running edge alone.
func TestDoctorWell(t *testing.T) {
	const secret, token, crm = "0123456789abcdef0123456789abcdef", "verify-me", "crm-secret"
	t.Setenv("TEST_APP_SECRET", secret)
	t.Setenv("TEST_VERIFY_TOKEN", token)
	t.Setenv("TEST_CRM_TOKEN", crm)
	meta, s := capitest.New(t, func(m *capitest.Server) { m.Token = crm; m.AppSecret = secret }), newSink(t)
	config := `{
	admin off
	leadgate {
		queue embedded %DIR%/queue {
			max_size 1MiB
		}
	}
}
http://127.0.0.1:%PORT%, https://bots.example.com {
	tls internal
	leadgate /webhooks/meta {
		provider meta {
			app_secret {env.TEST_APP_SECRET}
			verify_token {env.TEST_VERIFY_TOKEN}
		}
		tenant acme
		forward ` + s.URL + ` {
			sign {env.TEST_CRM_TOKEN}
		}
		capi {
			dataset 1234567890
			access_token {env.TEST_CRM_TOKEN}
			app_secret {env.TEST_APP_SECRET}
			endpoint ` + meta.URL() + `
		}
	}
	leadgate_conversions /conversions {
		tenant acme
		token {env.TEST_CRM_TOKEN}
	}
	respond "next" 418
}
`
	running := strings.Replace(config, ", https://bots.example.com {\n\ttls internal", " {", 1)
	e := startEdge(t, running)
	list, err := findings(t, strings.Replace(config, "%DIR%", e.dir, 1))
	if err != nil {
		t.Errorf("error: %v", err)
	}
	finds(t, list, "ok", "config", "is valid")
	finds(t, list, "ok", "https://bots.example.com/webhooks/meta: provider meta, with app_secret and verify_token")
	finds(t, list, "ok", "https://bots.example.com/webhooks/meta is the webhook URL")
	finds(t, list, "ok", "https://bots.example.com/conversions: leadgate_conversions for tenant acme")
	finds(t, list, "ok", "queue: embedded in", "its file has")
	finds(t, list, "ok", "forward http://127.0.0.1", "can be reached")
	finds(t, list, "ok", "capi 1234567890", "Dataset 1234567890")
	lacks(t, list, "fail")
	lacks(t, list, "plain text")
	lacks(t, list, "never reached")
	for _, hidden := range []string{secret, token, crm} {
		lacks(t, list, hidden)
	}
	s.expectNone(t)
	if meta.Requests() != 0 {
		t.Error("the doctor posted events")
	}
	if resp, _ := e.post("/webhooks/meta", message("wamid.1", "15551234567", "x"), func(r *http.Request) {
		r.Header.Set("X-Hub-Signature-256", signature(secret, message("wamid.1", "15551234567", "x")))
	}); resp.StatusCode != 200 {
		t.Errorf("the edge answers %d", resp.StatusCode)
	}
	s.next(t)
}

func TestDoctorInvalid(t *testing.T) {
	for _, c := range []struct{ config, says string }{
		{site("forwrd http://127.0.0.1:9/"), "forwrd"},
		{strings.Replace(site("forward http://127.0.0.1:9/"), testSecret, "{env.TEST_NOTHING_HERE}", 1), "TEST_NOTHING_HERE"},
		{"not a Caddyfile {", ""},
	} {
		list, err := findings(t, c.config)
		if err == nil {
			t.Errorf("%s: no error", c.says)
		}
		finds(t, list, "fail", "config", c.says, "correct it")
	}
	list, err := findings(t, strings.Replace(site("tenant acme\nforward http://127.0.0.1:9/"), "\trespond",
		"\tleadgate_conversions /a {\n\t\ttenant globex\n\t\ttoken x\n\t}\n\trespond", 1))
	if err == nil {
		t.Error("a configuration that does not load passed")
	}
	finds(t, list, "fail", "Caddyfile: leadgate_conversions: tenant globex is in no leadgate block: there is acme")
	list, err = findings(t, "http://127.0.0.1:8080 {\n\trespond 200\n}\n")
	if err != nil {
		t.Error(err)
	}
	finds(t, list, "warn", "no site has a leadgate block")
	if _, err := cli(t, "doctor", "--config", "/nowhere/Caddyfile"); err == nil {
		t.Error("no file is no failure")
	}
}

func TestDoctorQueue(t *testing.T) {
	with := func(queue string) string { return siteWith(queue, "forward http://127.0.0.1:9/") }
	r := redistest.Start(t, "--appendonly", "no", "--save", "", "--maxmemory-policy", "allkeys-lru")
	if _, err := findings(t, with("queue redis redis://:pass%%word@127.0.0.1:1")); err == nil {
		t.Error("a redis URL that is none passed")
	}
	list, err := findings(t, with("queue redis redis://user:hidden@127.0.0.1:1"))
	if err == nil {
		t.Error("a redis that is down passed")
	}
	finds(t, list, "fail", "queue redis redis://127.0.0.1:1", "start it")
	lacks(t, list, "hidden")
	if list, err = findings(t, with("queue redis "+r.URL())); err != nil {
		t.Error(err)
	}
	finds(t, list, "warn", "at "+r.Addr, "loses everything", "appendonly yes")
	finds(t, list, "warn", "throws away queued events", "noeviction")
	r.Do("CONFIG", "SET", "appendonly", "yes", "maxmemory-policy", "noeviction")
	list, _ = findings(t, with("queue redis "+r.URL()))
	finds(t, list, "ok", "at "+r.Addr, "last two seconds")
	lacks(t, list, "throws away")

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err = findings(t, with("queue embedded "+file)); err == nil {
		t.Error("a file for a folder passed")
	}
	finds(t, list, "fail", "queue: embedded in "+file, "is no folder")
	folder := t.TempDir()
	list, _ = findings(t, with("queue embedded "+folder+"/a/b"))
	finds(t, list, "ok", "queue: embedded in "+folder+"/a/b can be written; it will be made")
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("the doctor left %v, %v", left, err)
	}
	if runtime.GOOS == "linux" { // where it is known what is free
		list, _ = findings(t, with("queue embedded "+folder+" {\n max_size 1000TiB\n}"))
		finds(t, list, "warn", "less than max_size")
	}
	if err := os.Mkdir(filepath.Join(folder, "leadgate.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	list, _ = findings(t, with("queue embedded "+folder))
	finds(t, list, "fail", "leadgate.db is no file")
	list, err = findings(t, site(""))
	if err != nil {
		t.Error(err)
	}
	finds(t, list, "ok", "none is needed")
}

func TestDoctorDestinations(t *testing.T) {
	closed := fmt.Sprintf("http://127.0.0.1:%d/+15550783881/webhook-test/x?token=hidden", freeport.New(t))
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	defer untrusted.Close()
	untrusted.Config.ErrorLog = nil
	t.Setenv("TEST_URL", "http://127.0.0.1:1/secret-path")
	list, err := findings(t,
		site("forward "+closed+" {\n sign plain-secret\n}\nforward "+untrusted.URL+"\nforward {env.TEST_URL} {\n name env\n}"))
	if err != nil {
		t.Error(err)
	}
	finds(t, list, "warn", "/+*******3881/webhook-test/x cannot be reached", "connection refused")
	finds(t, list, "warn", "only while its editor listens", "/webhook/")
	finds(t, list, "warn", "signing secret in plain text")
	finds(t, list, "warn", untrusted.URL+" cannot be reached", "certificate")
	finds(t, list, "warn", "forward {env.TEST_URL} cannot be reached")
	for _, hidden := range []string{"hidden", "plain-secret", "secret-path", testSecret} {
		lacks(t, list, hidden)
	}

	meta := capitest.New(t, func(m *capitest.Server) {
		m.Token, m.Datasets = "right", map[string]capitest.Dataset{"1": {}}
	})
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "welcome") }))
	defer other.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	l.Close()
	for _, c := range []struct {
		dataset, token, endpoint, more, level string
		says                                  []string
	}{
		{"1", "right", meta.URL(), "", "ok", []string{"may read the dataset “Dataset 1”"}},
		{"1", "wrong", meta.URL(), "", "warn", []string{"error 190/467", "no longer valid"}},
		{"2", "right", meta.URL(), "", "warn", []string{"error 100/33", "does not exist"}},
		{"1", "right", meta.URL(), "graph_version v19.0", "warn", []string{"error 2635", "expired"}},
		{"1", "right", meta.URL(), "test_event_code TEST1", "warn", []string{"test_event_code is set"}},
		{"1", "right", other.URL, "", "warn", []string{"probably not Meta answered"}},
		{"1", "right", nobody, "", "warn", []string{"cannot be reached"}},
	} {
		list, err := findings(t, site("capi {\n dataset "+c.dataset+"\n access_token "+c.token+"\n endpoint "+c.endpoint+"\n "+c.more+"\n}"))
		if err != nil {
			t.Error(err)
		}
		finds(t, list, c.level, append(c.says, "capi "+c.dataset)...)
		finds(t, list, "warn", "access_token in plain text")
		finds(t, list, "ok", "and not to Meta")
		lacks(t, list, "wrong")
	}
}

// TestDoctorSites finds blocks that are never reached, and says nothing of those
// that are.
func TestDoctorSites(t *testing.T) {
	const block = "leadgate /webhooks/meta {\n provider meta {\n app_secret a\n verify_token b\n }\n}\n"
	for _, c := range []struct {
		name, address, body string
		shadowed            bool
		level, says         string
	}{
		{"respond", "bots.example.com", block + "respond 200", false, "ok", "https://bots.example.com/webhooks/meta is the webhook URL"},
		{"reverse_proxy", "bots.example.com", block + "reverse_proxy 127.0.0.1:1", false, "ok", "webhook URL"},
		{"handle", "bots.example.com", block + "handle {\n respond 200\n}", true, "fail", "handle /webhooks/meta { leadgate … }"},
		{"route", "bots.example.com", block + "route {\n reverse_proxy 127.0.0.1:1\n}", true, "fail", "never reached"},
		{"route of one path", "bots.example.com", block + "route /x {\n respond 200\n}", false, "ok", "webhook URL"},
		{"route of all paths", "bots.example.com", block + "route /* {\n file_server\n}", true, "fail", "never reached"},
		{"route that goes on", "bots.example.com", block + "route {\n header A b\n}", false, "ok", "webhook URL"},
		{"a handle of its own", "bots.example.com", "handle /webhooks/* {\n" + block + "}\nhandle {\n respond 200\n}", false, "ok",
			"https://bots.example.com/webhooks/meta is"},
		{"handle_path", "bots.example.com", "handle_path /in/* {\n" + block + "}\nhandle {\n respond 200\n}", false, "ok",
			"https://bots.example.com/in/webhooks/meta is"},
		{"redir in a route before it", "bots.example.com", "route {\n redir * https://example.com\n " + block + "}", true, "fail",
			"never reached"},
		{"no TLS", "http://bots.example.com", block, false, "warn", "http://bots.example.com/webhooks/meta: the site takes no https"},
		{"a port", "bots.example.com:8443", block, false, "warn",
			"https://bots.example.com:8443/webhooks/meta: providers mostly post to port 443"},
		{"local", "http://localhost:8080", block, false, "warn", "http://localhost:8080/webhooks/meta: meta cannot reach"},
		{"any host", ":8080", block, false, "warn", "http://localhost:8080/webhooks/meta: meta cannot reach"},
	} {
		list, err := findings(t, c.address+" {\n"+c.body+"\n}\n")
		if (err != nil) != c.shadowed {
			t.Errorf("%s: %v", c.name, err)
		}
		finds(t, list, c.level, c.says)
		found := strings.Contains(strings.Join(list, "\n"), "never reached")
		if found != c.shadowed {
			t.Errorf("%s: never reached: %v\n%s", c.name, found, strings.Join(list, "\n"))
		}
	}
	list, _ := findings(t,
		"bots.example.com {\n leadgate /t {\n provider twilio {\n auth_token x\n }\n }\n leadgate /g {\n provider gupshup {\n "+
			"insecure_skip_verify\n }\n }\n leadgate /w* {\n provider whapi {\n token header X-Token {env.PATH}\n }\n }\n}\n")
	finds(t, list, "warn", "/t: Twilio's signatures", "public_url")
	finds(t, list, "warn", "/t: auth_token in plain text")
	finds(t, list, "warn", "/g: provider gupshup runs with insecure_skip_verify")
	finds(t, list, "ok", "/w: provider whapi, with token")
	lacks(t, list, "/w: token in plain")
}
