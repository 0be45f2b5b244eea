package e2e

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// initial is an edge that runs what `caddy leadgate init` writes.
type initial struct {
	*edge
	t    *testing.T
	said string // what init printed

	mu  sync.Mutex
	got []*http.Request // what was forwarded
}

func newInitial(t *testing.T) (i *initial, forward string) {
	if err := os.Unsetenv("REDIS_URL"); err != nil { // whoever tests may have one of their own
		t.Fatal(err)
	}
	i = &initial{edge: &edge{edgetest.New(t)}, t: t}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		i.mu.Lock()
		defer i.mu.Unlock()
		i.got = append(i.got, r)
	}))
	t.Cleanup(s.Close)
	i.Env = []string{"CADDY_ADMIN=" + strings.TrimPrefix(i.Admin, "http://")}
	return i, s.URL
}

// command is one of this Caddy's, run in the edge's folder.
func (i *initial) command(args ...string) *exec.Cmd {
	path, err := edgetest.Binary()
	if err != nil {
		i.t.Fatal(err)
	}
	cmd := exec.CommandContext(i.t.Context(), path, args...)
	cmd.Dir = i.Dir
	cmd.Env = append(os.Environ(), "HOME="+i.Dir, "XDG_DATA_HOME="+i.Dir+"/data", "XDG_CONFIG_HOME="+i.Dir+"/config")
	cmd.Env = append(cmd.Env, i.Env...)
	return cmd
}

// init writes the files, and starts the edge as it says.
func (i *initial) init(args ...string) {
	i.t.Helper()
	out, err := i.command(append([]string{"leadgate", "init", "--site", i.Site}, args...)...).CombinedOutput()
	if err != nil {
		i.t.Fatalf("%v\n%s", err, out)
	}
	i.said = string(out)
	i.run()
}

func (i *initial) run() {
	i.t.Helper()
	if !strings.Contains(i.said, "caddy run --config Caddyfile --envfile leadgate.env\n") {
		i.t.Errorf("it does not say how to start:\n%s", i.said)
	}
	i.Flags = []string{"--envfile", filepath.Join(i.Dir, "leadgate.env")}
	i.Start()
}

// dashboard is what init says to type behind a word.
func (i *initial) dashboard(word string) string {
	i.t.Helper()
	found := regexp.MustCompile(`(?m)^ +` + word + ` +(.*)$`).FindStringSubmatch(i.said)
	if found == nil {
		i.t.Fatalf("%s is not said:\n%s", word, i.said)
	}
	return found[1]
}

// try runs the command with which init says to post a made-up webhook.
func (i *initial) try(outcome string) {
	i.t.Helper()
	line := regexp.MustCompile(`(?m)^  \S+ leadgate send (?:[^\n]*\\\n)+.*$`).FindString(i.said)
	cmd := i.command()
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", line}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "200 OK "+outcome+"\n") {
		i.t.Errorf("%s\n%v\n%s", line, err, out)
	}
}

// forwarded waits for an event with a signature.
func (i *initial) forwarded() {
	i.t.Helper()
	edgetest.Until(i.t, "the event is forwarded, signed", func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		return len(i.got) > 0 && i.got[0].Header.Get("Webhook-Signature") != ""
	})
}

// TestInit: for each provider an edge starts with what init wrote; it answers the handshake
// with the token that is to be typed into the dashboard, and takes the webhook that init says to
// post.
func TestInit(t *testing.T) {
	for name, flags := range map[string][]string{
		"whatsapp":              {"--provider", "whatsapp", "--app-secret", "0123456789abcdef0123456789abcdef", "--waba-id", "102290129340398"},
		"messenger":             {"--provider", "messenger", "--app-secret", "x", "--page-id", "1029384756"},
		"instagram without ids": {"--provider", "instagram", "--app-secret", "x"},
		"meta":                  {"--provider", "meta", "--app-secret", "x"},
		"360dialog":             {"--provider", "360dialog"},
		"gupshup":               {"--provider", "gupshup"},
		"whapi":                 {"--provider", "whapi"},
		"twilio":                {"--provider", "twilio", "--twilio-auth-token", "demo-token"},
		"gupshup and Meta":      {"--provider", "gupshup,messenger", "--app-secret", "x", "--page-id", "1029384756", "--tenant", "acme"},
		"a number of others":    {"--provider", "whatsapp", "--app-secret", "x", "--phone-number-id", "106540352242922", "--waba-id", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, forward := newInitial(t)
			i.init(append(flags, "--forward", forward)...)
			if strings.Contains(i.said, "Callback URL") && strings.Contains(i.said, "Verify token") {
				url := i.dashboard("Callback URL") + "?hub.mode=subscribe&hub.challenge=17&hub.verify_token=" + i.dashboard("Verify token")
				resp, err := edgetest.Client.Get(url)
				if err != nil {
					t.Fatal(err)
				}
				answer, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK || string(answer) != "17" {
					t.Errorf("the handshake: %d %s", resp.StatusCode, answer)
				}
			}
			i.try("queued")
			i.forwarded()
			info, err := os.Stat(filepath.Join(i.Dir, "leadgate.env"))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
		})
	}
}

// TestInitRedis: the queue is in a real Redis, by --redis or by REDIS_URL; its password, and what came
// from the environment, stand in leadgate.env alone.
func TestInitRedis(t *testing.T) {
	for name, c := range map[string]struct{ password, by string }{
		"a flag": {"", "flag"}, "a password": {"hunter2", "flag"}, "the environment": {"hunter2", "env"}, "without a password": {"", "env"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"--appendonly", "yes", "--appendfsync", "always"}
			if c.password != "" {
				args = append(args, "--requirepass", c.password)
			}
			server := redistest.Start(t, args...)
			i, forward := newInitial(t)
			flags := []string{"--provider", "whatsapp", "--app-secret", "x", "--forward", forward}
			if c.by == "flag" {
				flags = append(flags, "--redis", server.URL())
			} else {
				i.Env = append(i.Env, "REDIS_URL="+server.URL())
			}
			i.init(flags...)
			if !strings.Contains(i.said, "The queue is in Redis, at "+server.Addr) || c.password != "" && strings.Contains(i.said, c.password) {
				t.Errorf("it says\n%s", i.said)
			}
			i.Env = i.Env[:1] // the edge has it from the file
			i.try("queued")
			i.forwarded()
			if keys := server.Do("KEYS", "leadgate*").([]any); len(keys) == 0 {
				t.Error("Redis has nothing of the edge")
			}
			caddyfile, err := os.ReadFile(filepath.Join(i.Dir, "Caddyfile"))
			if err != nil {
				t.Fatal(err)
			}
			secret := c.password != "" || c.by == "env"
			if strings.Contains(string(caddyfile), server.Addr) == secret || strings.Contains(string(caddyfile), "{env.REDIS_URL}") != secret {
				t.Errorf("the Caddyfile is\n%s", caddyfile)
			}
		})
	}
}

// TestInitWhole: dataset, conversions, lead ads and a link: the click of the sample becomes a
// conversion at the fake, and a CRM's sale too.
func TestInitWhole(t *testing.T) {
	t.Parallel()
	i, forward := newInitial(t)
	fake := capitest.New(t)
	i.init("--provider", "whatsapp,messenger", "--app-secret", "x", "--forward", forward, "--dataset", "1234567890", "--capi-token", "t",
		"--conversions", "--lead-ads", "--page-token", "p", "--waba-id", "102290129340398", "--page-id", "1029384756",
		"--link-phone", "+15550783881", "--endpoint", fake.URL())
	i.try("queued")
	i.forwarded()
	edgetest.Until(t, "the click is reported", func() bool { return fake.Total() == 1 })
	sale := `{"eventName":"Purchase","waPhone":"+15551234567","value":12.5,"currency":"USD","orderId":"A-1"}`
	req, err := http.NewRequest(http.MethodPost, i.dashboard("URL"), strings.NewReader(sale))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+i.dashboard("Token"))
	resp, err := edgetest.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !strings.Contains(string(answer), `"queued"`) {
		t.Errorf("%d %s", resp.StatusCode, answer)
	}
	edgetest.Until(t, "the sale is reported", func() bool { return fake.Total() == 2 })
	visit, err := (&http.Transport{}).RoundTrip(mustGet(t, i.Site+"/go/chat"))
	if err != nil {
		t.Fatal(err)
	}
	visit.Body.Close()
	if visit.StatusCode != http.StatusFound || !strings.Contains(visit.Header.Get("Location"), "15550783881") {
		t.Errorf("the link: %d %v", visit.StatusCode, visit.Header)
	}
}

func mustGet(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestInitAsks: on a terminal it asks, shows no secret, and asks again where an answer is none.
func TestInitAsks(t *testing.T) {
	t.Parallel()
	i, forward := newInitial(t)
	terminal, name := openTerminal(t)
	stdin, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := i.command("leadgate", "init")
	var out strings.Builder
	cmd.Stdin, cmd.Stderr, cmd.Stdout = stdin, stdin, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	const secret = "0123456789abcdef0123456789abcdef"
	seen := terminal.answer(t, [][2]string{
		{"Domain of this edge: ", "https://bots.example.com/path"}, {"Domain of this edge: ", i.Site},
		{"[whatsapp]: ", "whatsap"}, {"[whatsapp]: ", ""}, {"[bot]: ", "acme"}, {"App secret (App settings → Basic): ", "a b"},
		{"App secret (App settings → Basic): ", secret},
		{"[http://127.0.0.1:8082/]: ", forward}, {"if you have one: ", ""}, {"Account id: ", "102290129340398"}, {"if you want one: ", ""},
		{"else a file: ", ""},
	})
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, seen)
	}
	if strings.Contains(seen, secret) || !strings.Contains(seen, "without a path") || !strings.Contains(seen, "is unknown") ||
		!strings.Contains(seen, "cannot hold: ' '") {
		t.Errorf("the terminal shows\n%s", seen)
	}
	i.said = out.String()
	i.run()
	i.try("queued")
	i.forwarded()
}

// TestInitAsksNothing: a flag that is wrong is said before anything is asked, or each answer would
// be refused for it.
func TestInitAsksNothing(t *testing.T) {
	t.Parallel()
	i := &initial{edge: &edge{&edgetest.Edge{Dir: t.TempDir()}}, t: t}
	_, name := openTerminal(t)
	stdin, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	cmd := i.command("leadgate", "init", "--waba-id", "acme")
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	if err == nil || strings.Contains(string(out), "Domain") || !strings.Contains(string(out), "no id of Meta's") {
		t.Errorf("%v %s", err, out)
	}
}

// TestInitSecretURL: what may be secret in the URL that events are posted to stands in leadgate.env alone.
func TestInitSecretURL(t *testing.T) {
	t.Parallel()
	i, forward := newInitial(t)
	forward = strings.Replace(forward, "://", "://me:hunter2@", 1) + "/hook?key=hunter3"
	i.init("--provider", "whatsapp", "--app-secret", "x", "--forward", forward)
	i.try("queued")
	i.forwarded()
	caddyfile, err := os.ReadFile(filepath.Join(i.Dir, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := os.ReadFile(filepath.Join(i.Dir, "leadgate.env"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(caddyfile)+i.said, "hunter") || !strings.Contains(string(secrets), "\nFORWARD_URL="+forward+"\n") {
		t.Errorf("%s\n%s\n%s", caddyfile, secrets, i.said)
	}
}

// TestInitRefuses: nothing is written where something is missing or wrong, nor over a file.
func TestInitRefuses(t *testing.T) {
	t.Parallel()
	all := []string{"--site", "bots.example.com", "--provider", "whatsapp", "--app-secret", "x", "--forward", "https://crm.example.com/"}
	for says, args := range map[string][]string{
		"--site is missing":              all[2:],
		"--provider is missing":          append([]string{"--site", "b.example.com"}, all[4:]...),
		"--app-secret is missing":        append([]string{"--forward", "https://crm.example.com"}, all[:4]...),
		"--forward is missing":           all[:6],
		"--capi-token is missing":        append([]string{"--dataset", "1"}, all...),
		"--dataset is missing":           append([]string{"--conversions"}, all...),
		"--page-token is missing":        append([]string{"--lead-ads"}, all...),
		"--twilio-auth-token is missing": {"--site", "b.example.com", "--provider", "twilio", "--forward", "https://crm.example.com"},
		"--instagram-id is missing":      append([]string{"--waba-id", "1"}, append(all, "--provider", "whatsapp,instagram")...),
		"--waba-id is missing": {
			"--site", "b.example.com", "--provider", "gupshup", "--dataset", "1", "--capi-token", "t",
		},
		"whatsap is unknown: write whatsapp": append(all, "--provider", "whatsap"),
		"no id of Meta's":                    append(all, "--page-id", "acme"),
		"cannot hold":                        append(all, "--verify-token", "a#b"),
		"--capi-token is of no use here: it goes with --dataset":             append(all[:8:8], "--capi-token", "t"),
		"--page-token is of no use here: it goes with --lead-ads":            append(all[:8:8], "--page-token", "t"),
		"--instagram-id is of no use here: it goes with --provider instagra": append(all[:8:8], "--instagram-id", "1"),
		"--twilio-auth-token is of no use here":                              append(all[:8:8], "--twilio-auth-token", "t"),
		"begins with http":                                                   append(all, "--forward", "n8n.example.com"),
		"--config and --envfile are one":                                     append(all, "--config", "Caddyfile", "--envfile", "./Caddyfile"),
		"does not load":                                                      append(all, "--redis", "redis://127.0.0.1/first"),
		"would be no Caddyfile":                                              append(all, "--config", "x"),
		"goes on behind a #":                                                 append(all, "--forward", "https://n8n.example.com/webhook/leads#x"),
		"- is no domain":                                                     append(all, "--site", "-"),
		":70000 is no domain":                                                append(all, "--site", "b.example.com:70000"),
		"of the environment, which the edge would take":                      append(all, "--verify-token", "another"),
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			i := &initial{edge: &edge{&edgetest.Edge{Dir: t.TempDir()}}, t: t}
			if strings.Contains(says, "of the environment") {
				i.Env = []string{"META_VERIFY_TOKEN=one"}
			}
			cmd := i.command(append([]string{"leadgate", "init"}, args...)...)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), says) {
				t.Errorf("%v %s", err, out)
			}
			for _, file := range []string{"Caddyfile", "leadgate.env", "x"} {
				if _, err := os.Stat(filepath.Join(i.Dir, file)); err == nil {
					t.Errorf("%s was written", file)
				}
			}
		})
	}
}

// TestInitAgain: files that are there stay, and with --force the secrets in them do.
func TestInitAgain(t *testing.T) {
	t.Parallel()
	i := &initial{edge: &edge{edgetest.New(t)}, t: t}
	args := []string{"leadgate", "init", "--site", "bots.example.com", "--provider", "whatsapp", "--forward", "https://crm.example.com/"}
	run := func(more ...string) (string, error) {
		out, err := i.command(append(args, more...)...).CombinedOutput()
		return string(out), err
	}
	read := func() string {
		text, err := os.ReadFile(filepath.Join(i.Dir, "leadgate.env"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if out, err := run("--app-secret", "first"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	first := read()
	if out, err := run("--app-secret", "second"); err == nil || !strings.Contains(out, "Caddyfile is there already") || read() != first {
		t.Errorf("%v %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(i.Dir, "leadgate.env"), []byte(first+"MINE=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run("--force"); err != nil || read() != first+"MINE=1\n" {
		t.Errorf("%v %s\n%s", err, out, read())
	}
	reports := []string{"--force", "--dataset", "1234567890", "--conversions"}
	if out, err := run(append(reports, "--capi-token", "shown-once")...); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	second := read()
	if out, err := run("--force"); err != nil || !strings.Contains(read(), "META_CAPI_TOKEN=shown-once\nCONVERSIONS_TOKEN=") {
		t.Errorf("secrets that are not needed now: %v %s\n%s", err, out, read())
	}
	if out, err := run(reports...); err != nil || read() != second {
		t.Errorf("needed again: %v %s\n%s", err, out, read())
	}
}
