package examples

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"golang.org/x/mod/modfile"
)

// have skips the test, and says so, where a program is missing.
func have(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("NOT TESTED: there is no %s here", program)
	}
}

func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// compose is a compose file, as far as ours goes.
type compose struct {
	Name     string
	Services map[string]struct {
		Build struct {
			Context string
			Args    map[string]string
		}
		Image       string
		Restart     string
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Ports       []string
		EnvFile     string `yaml:"env_file"`
		Environment map[string]string
		Volumes     []string
		Command     []string
		Healthcheck struct {
			Test                       []string
			Interval, Timeout, Retries string
		}
		ReadOnly        bool     `yaml:"read_only"`
		CapDrop         []string `yaml:"cap_drop"`
		SecurityOpt     []string `yaml:"security_opt"`
		StopGracePeriod string   `yaml:"stop_grace_period"`
	}
	Volumes map[string]any
}

var (
	composeVar  = regexp.MustCompile(`\$\{(\w+)(:[-?])?`)
	caddyVar    = regexp.MustCompile(`\{(?:\$|env\.)(\w+)\}`)
	serviceHost = regexp.MustCompile(`(?:redis://|http://|reverse_proxy )(\w+):\d+`)
)

// TestCompose: everything that the compose file and its Caddyfile name is there.
func TestCompose(t *testing.T) {
	var c compose
	decodeYAML(t, "compose/compose.yaml", &c)
	env := make(map[string]string)
	for line := range strings.Lines(read(t, "compose/.env.example")) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			env[name] = value
		}
	}
	for _, m := range composeVar.FindAllStringSubmatch(read(t, "compose/compose.yaml"), -1) {
		if _, ok := env[m[1]]; !ok && m[2] != ":-" {
			t.Errorf("compose.yaml needs %s, which .env.example has not", m[1])
		}
	}
	used := make(map[string]bool)
	for name, s := range c.Services {
		if s.Restart != "unless-stopped" || s.Image == "" {
			t.Errorf("%s: image %q, restart %q", name, s.Image, s.Restart)
		}
		for other, d := range s.DependsOn {
			if len(c.Services[other].Healthcheck.Test) == 0 || d.Condition != "service_healthy" {
				t.Errorf("%s waits for %s, which has no health check", name, other)
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(source, ".") {
				if _, err := os.Stat(filepath.Join("compose", source)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if _, ok := c.Volumes[source]; !ok {
				t.Errorf("%s: volume %s is not declared", name, source)
			}
			used[source] = true
		}
	}
	if len(used) != len(c.Volumes) {
		t.Errorf("volumes are declared that nobody uses: %v, used: %v", c.Volumes, used)
	}
	edge := c.Services["edge"]
	if _, err := os.Stat(filepath.Join("compose", edge.Build.Context, "Dockerfile")); err != nil {
		t.Error(err)
	}
	if !edge.ReadOnly || !slices.Contains(edge.CapDrop, "ALL") {
		t.Error("the edge runs with more than it needs")
	}
	redis := strings.Join(c.Services["redis"].Command, " ")
	for _, want := range []string{"--appendonly yes", "--appendfsync ${REDIS_APPENDFSYNC:-always}", "--maxmemory-policy noeviction"} {
		if !strings.Contains(redis, want) {
			t.Errorf("redis runs without %s: %s", want, redis)
		}
	}

	text := read(t, "compose/Caddyfile")
	for _, m := range caddyVar.FindAllStringSubmatch(text, -1) {
		value, ok := env[m[1]]
		if !ok {
			t.Errorf("the Caddyfile needs %s, which .env.example has not", m[1])
		}
		if value == "" {
			value = "1234567890"
		}
		t.Setenv(m[1], value)
	}
	hosts := serviceHost.FindAllStringSubmatch(text, -1)
	if len(hosts) < 3 {
		t.Errorf("the Caddyfile names the services %v", hosts)
	}
	for _, m := range hosts {
		if _, ok := c.Services[m[1]]; !ok {
			t.Errorf("the Caddyfile names %s, which is no service", m[1])
		}
	}
	validate(t, "compose/Caddyfile", text)
}

// validate has Caddy take a Caddyfile, without a warning.
func validate(t *testing.T, name, text string) {
	t.Helper()
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": name})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("%s: %s", name, w)
	}
	var cfg caddy.Config
	if err := json.Unmarshal(adapted, &cfg); err != nil {
		t.Fatal(err)
	}
	off := false
	cfg.Admin = &caddy.AdminConfig{Disabled: true, Config: &caddy.ConfigSettings{Persist: &off}}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	if err := caddy.Validate(&cfg); err != nil {
		t.Error(err)
	}
}

// TestComposeItself asks docker compose what it thinks; no engine is needed.
func TestComposeItself(t *testing.T) {
	have(t, "docker")
	if err := exec.CommandContext(t.Context(), "docker", "compose", "version").Run(); err != nil {
		t.Skip("NOT TESTED: this docker has no compose")
	}
	dir := t.TempDir()
	for from, to := range map[string]string{"compose.yaml": "compose.yaml", ".env.example": ".env", "Caddyfile": "Caddyfile"} {
		if err := os.WriteFile(filepath.Join(dir, to), []byte(read(t, "compose/"+from)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "docker", "compose", "config", "--quiet")
}

// TestSystemd has systemd check its unit: what it reads, and how much the
// service may do.
func TestSystemd(t *testing.T) {
	text := read(t, "systemd/leadgate.service")
	for _, want := range []string{"\nType=notify\n", "\nTimeoutStopSec=30s\n", "\nEnvironmentFile=/etc/leadgate/leadgate.env\n",
		"\nNoNewPrivileges=yes\n", "\nUser=leadgate\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the unit has no line %q", strings.TrimSpace(want))
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^Exec\w+=/usr/local/bin/caddy (.*)$`).FindAllStringSubmatch(text, -1) {
		if usage := caddyCommand(t, append(strings.Fields(m[1]), "--help")...); !strings.Contains(usage, "--config") {
			t.Errorf("caddy %s is no command:\n%s", m[1], usage)
		}
	}
	have(t, "systemd-analyze")
	// The binary need not be installed here.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "leadgate.service"), []byte(strings.ReplaceAll(text, "/usr/local/bin/caddy", self)),
		0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, dir, "systemd-analyze", "verify", "--man=no", "./leadgate.service"); strings.Contains(out, "leadgate.service") {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	if help := run(t, dir, "systemd-analyze", "--help"); !strings.Contains(help, "--offline") || !strings.Contains(help, "--threshold") {
		t.Skip("NOT TESTED: this systemd cannot weigh a unit offline")
	}
	run(t, dir, "systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=20", "./leadgate.service")
}

// TestACL: the rules on the page are those that the queue's own suite passes with.
func TestACL(t *testing.T) {
	source := read(t, "../internal/queue/redis/redis_test.go")
	_, rest, _ := strings.Cut(source, "const aclRules = ")
	declaration, _, _ := strings.Cut(rest, "\n\n")
	rules := regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(declaration, -1)
	if len(rules) == 0 {
		t.Fatal("internal/queue/redis/redis_test.go declares no aclRules")
	}
	var all strings.Builder
	for _, m := range rules {
		all.WriteString(m[1])
	}
	if page := strings.Join(strings.Fields(read(t, "../docs/operations.md")), " "); !strings.Contains(page, "ACL SETUSER edge "+all.String()) {
		t.Errorf("docs/operations.md does not have the rules %s", all.String())
	}
}

var stamp = regexp.MustCompile(`-X (\S+)\.(\w+)=`)

// TestStamps: the linker passes over a variable that does not exist, without a
// word, and the version would be lost.
func TestStamps(t *testing.T) {
	found := stamp.FindAllStringSubmatch(read(t, "../.ci/build"), -1)
	if len(found) != 2 {
		t.Errorf(".ci/build sets %d variables, want Leadgate's version and Caddy's", len(found))
	}
	for _, m := range found {
		dir := strings.TrimSpace(run(t, ".", "go", "list", "-f", "{{.Dir}}", m[1]))
		if !declares(t, dir, m[2]) {
			t.Errorf("%s has no variable %s string without a value", m[1], m[2])
		}
	}
}

// declares reports whether the package in a folder has the variable as the linker
// wants it: a string that nothing initializes.
func declares(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "string" && len(v.Values) == 0 && len(v.Names) == 1 && v.Names[0].Name == name {
					return true
				}
			}
		}
	}
	return false
}

// TestDockerfile: the image builds what go.mod asks for from what .dockerignore
// leaves, runs as nobody, and checks its health by a command that exists.
func TestDockerfile(t *testing.T) {
	text := read(t, "../Dockerfile")
	mod, err := modfile.Parse("go.mod", []byte(read(t, "../go.mod")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if version := strings.TrimSuffix(mod.Go.Version, ".0"); !strings.Contains(text, " golang:"+version+"-") {
		t.Errorf("the Dockerfile does not build with Go %s", version)
	}
	final := text[strings.LastIndex(text, "\nFROM "):]
	if !strings.Contains(final, "\nUSER nonroot\n") {
		t.Error("the image runs as root")
	}
	m := regexp.MustCompile(`HEALTHCHECK .* CMD (\[.*\])`).FindStringSubmatch(final)
	if m == nil {
		t.Fatal("the image has no health check without a shell")
	}
	var check []string
	if err := json.Unmarshal([]byte(m[1]), &check); err != nil {
		t.Fatal(err)
	}
	if usage := caddyCommand(t, append(check[1:], "--help")...); !strings.Contains(usage,
		strings.Join(append([]string{"caddy"}, check[1:]...), " ")) {
		t.Errorf("the health check %v is no command:\n%s", check, usage)
	}

	ignore := strings.Split(read(t, "../.dockerignore"), "\n")
	if !slices.Contains(ignore, "*") {
		t.Error(".dockerignore lets in what it does not name")
	}
	list := run(t, "..", "go", "list", "-deps", "-f", `{{if not .Standard}}{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}{{end}}`, ".")
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for dir := range strings.FieldsSeq(list) {
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		if top, _, _ := strings.Cut(filepath.ToSlash(rel), "/"); top != "." && !slices.Contains(ignore, "!"+top) {
			t.Errorf(".dockerignore keeps out %s, which the build needs", rel)
		}
	}
}

// TestImage builds the image and asks it for its version.
func TestImage(t *testing.T) {
	have(t, "docker")
	if testing.Short() {
		t.Skip("NOT TESTED: building the image takes minutes")
	}
	if err := exec.CommandContext(t.Context(), "docker", "info").Run(); err != nil {
		t.Skip("NOT TESTED: no docker engine answers, so the image was not built")
	}
	const tag = "leadgate:examples-test"
	run(t, "..", "docker", "build", "--build-arg", "VERSION=v0.0.1-test", "-t", tag, ".")
	if out := run(t, "..", "docker", "run", "--rm", tag, "version"); !strings.Contains(out, "leadgate/v0.0.1-test ") {
		t.Errorf("the image's version is %s", out)
	}
}
