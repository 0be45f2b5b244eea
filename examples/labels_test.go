package examples

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// TestLabels: what caddy-docker-proxy makes of the labels is a Caddyfile that Caddy takes. How
// it makes it is written here again, by its README, since it is no part of this program.
func TestLabels(t *testing.T) {
	var c struct {
		Name     string
		Services map[string]struct {
			Image, Restart           string
			Ports, Volumes, Networks []string
			Environment, Labels      map[string]string
		}
		Networks map[string]struct{ Name string }
		Volumes  map[string]any
	}
	decodeYAML(t, "docker-proxy/compose.yaml", &c)
	var text strings.Builder
	for _, service := range []string{"proxy", "bot"} { // global options come first
		writeLabels(&text, c.Services[service].Labels)
	}
	for _, m := range caddyVar.FindAllStringSubmatch(text.String(), -1) {
		if _, ok := c.Services["proxy"].Environment[m[1]]; !ok {
			t.Errorf("a label needs %s, which the proxy's environment has not", m[1])
		}
		t.Setenv(m[1], "1234567890123456")
	}
	for _, m := range serviceHost.FindAllStringSubmatch(text.String(), -1) {
		if _, ok := c.Services[m[1]]; !ok {
			t.Errorf("a label names %s, which is no service", m[1])
		}
	}
	if strings.Count(text.String(), "leadgate") != 3 {
		t.Fatalf("the labels make:\n%s", text.String())
	}
	validate(t, "docker-proxy/compose.yaml", string(caddyfile.Format([]byte(text.String()))))
}

// writeLabels writes a block of each label's first name, with what follows its dots in it.
func writeLabels(to *strings.Builder, labels map[string]string) {
	to.WriteString(labels["caddy"] + " {\n")
	var write func(prefix string)
	write = func(prefix string) {
		names := map[string]bool{}
		for key := range labels {
			if rest, ok := strings.CutPrefix(key, prefix+"."); ok {
				name, _, _ := strings.Cut(rest, ".")
				names[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			key := prefix + "." + name
			to.WriteString(name + " " + labels[key])
			if slices.ContainsFunc(slices.Collect(maps.Keys(labels)), func(k string) bool { return strings.HasPrefix(k, key+".") }) {
				to.WriteString(" {\n")
				write(key)
				to.WriteString("}")
			}
			to.WriteString("\n")
		}
	}
	write("caddy")
	to.WriteString("}\n")
}
