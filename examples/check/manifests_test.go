// Package check holds the Kubernetes manifests of examples/kubernetes against the API's own
// types. It is a module of its own, so that nobody who builds Leadgate needs them.
package check

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

const folder = "../kubernetes"

// objects decodes a manifest, and takes no field that the API does not know, and none twice.
func objects(t *testing.T, file string) []runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	b, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	var all []runtime.Object
	for _, doc := range bytes.Split(b, []byte("\n---\n")) {
		o, _, err := decoder.Decode(doc, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, o)
	}
	return all
}

// pods are the templates of a manifest, by the name of what makes them.
func pods(all []runtime.Object) map[string]*corev1.PodTemplateSpec {
	found := map[string]*corev1.PodTemplateSpec{}
	for _, o := range all {
		switch o := o.(type) {
		case *appsv1.Deployment:
			found[o.Name] = &o.Spec.Template
		case *appsv1.StatefulSet:
			found[o.Name] = &o.Spec.Template
		}
	}
	return found
}

func TestManifests(t *testing.T) {
	files, err := filepath.Glob(folder + "/*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatalf("%d manifests, %v: want 2", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			all := objects(t, filepath.Base(file))
			made := pods(all)
			if made["leadgate"] == nil {
				t.Fatal("no edge")
			}
			for name, p := range made {
				checkPod(t, name, p, all)
			}
			for _, o := range all {
				checkSelectors(t, o, made)
			}
			checkVariables(t, all, made["leadgate"])
		})
	}
}

// checkPod: it runs with no more than it needs, its probes and mounts lead to what is there,
// and the file that an edge writes its queue to outlives it.
func checkPod(t *testing.T, name string, p *corev1.PodTemplateSpec, all []runtime.Object) {
	t.Helper()
	if s := p.Spec.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser == 0 {
		t.Errorf("%s may run as root", name)
	}
	volumes := map[string]bool{}
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		volumes[v.Name] = true
		if v.ConfigMap != nil && !slices.ContainsFunc(all, func(o runtime.Object) bool {
			m, ok := o.(*corev1.ConfigMap)
			return ok && m.Name == v.ConfigMap.Name && m.Data["Caddyfile"] != ""
		}) {
			t.Errorf("%s: no ConfigMap %s with a Caddyfile", name, v.ConfigMap.Name)
		}
	}
	for _, o := range all {
		if s, ok := o.(*appsv1.StatefulSet); ok && s.Name == name {
			if *s.Spec.Replicas != 1 {
				t.Errorf("%s: %d pods would each have a queue of their own", name, *s.Spec.Replicas)
			}
			for i := range s.Spec.VolumeClaimTemplates {
				volumes[s.Spec.VolumeClaimTemplates[i].Name] = true
			}
		}
	}
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || !slices.Contains(s.Capabilities.Drop, "ALL") {
			t.Errorf("%s: %s runs with more than it needs", name, c.Name)
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s: no volume %s", name, m.Name)
			}
		}
		for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
			if probe == nil || probe.HTTPGet == nil {
				continue
			}
			port := slices.IndexFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == probe.HTTPGet.Port.String() })
			if port < 0 {
				t.Fatalf("%s: a probe asks port %s, which is none", name, probe.HTTPGet.Port.String())
			}
			site := fmt.Sprintf("http://:%d {\n\trespond %s 200\n", c.Ports[port].ContainerPort, probe.HTTPGet.Path)
			if !strings.Contains(caddyfile(all), site) {
				t.Errorf("%s: a probe asks for what no site answers: %q", name, site)
			}
		}
	}
}

// checkSelectors: what selects pods by labels finds some, and ports by name are theirs.
func checkSelectors(t *testing.T, o runtime.Object, made map[string]*corev1.PodTemplateSpec) {
	t.Helper()
	finds := func(what string, s labels.Selector) *corev1.PodTemplateSpec {
		for _, p := range made {
			if s.Matches(labels.Set(p.Labels)) {
				return p
			}
		}
		t.Errorf("%s selects no pod: %s", what, s)
		return nil
	}
	switch o := o.(type) {
	case *corev1.Service:
		p := finds("Service "+o.Name, labels.SelectorFromSet(o.Spec.Selector))
		for _, port := range o.Spec.Ports {
			if p != nil && !slices.ContainsFunc(p.Spec.Containers[0].Ports, func(c corev1.ContainerPort) bool {
				return c.Name == port.TargetPort.String() && (c.Protocol == port.Protocol || c.Protocol == "" && port.Protocol == "TCP" || port.Protocol == "")
			}) {
				t.Errorf("Service %s: port %s is none of its pods", o.Name, port.TargetPort.String())
			}
		}
	case *appsv1.Deployment:
		finds("Deployment "+o.Name, selector(t, o.Spec.Selector))
	case *appsv1.StatefulSet:
		finds("StatefulSet "+o.Name, selector(t, o.Spec.Selector))
	case *policyv1.PodDisruptionBudget:
		finds("PodDisruptionBudget "+o.Name, selector(t, o.Spec.Selector))
	}
}

func selector(t *testing.T, s *metav1.LabelSelector) labels.Selector {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector
}

func caddyfile(all []runtime.Object) string {
	for _, o := range all {
		if m, ok := o.(*corev1.ConfigMap); ok {
			return m.Data["Caddyfile"]
		}
	}
	return ""
}

var variable = regexp.MustCompile(`\{(?:\$|env\.)(\w+)\}`)

// checkVariables: the Secret of the example file has all that the Caddyfile asks for, and the
// Caddyfile is one that Caddy takes.
func checkVariables(t *testing.T, all []runtime.Object, edge *corev1.PodTemplateSpec) {
	t.Helper()
	given := map[string]string{}
	b, err := os.ReadFile(filepath.Join(folder, "secrets.env.example"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			given[name] = value
		}
	}
	for _, e := range edge.Spec.Containers[0].Env {
		given[e.Name] = e.Value
	}
	text := caddyfile(all)
	env := os.Environ()
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		value, ok := given[m[1]]
		if !ok {
			t.Errorf("the Caddyfile needs %s, which secrets.env.example has not", m[1])
		}
		if value == "" {
			value = "1234567890123456"
		}
		env = append(env, m[1]+"="+value)
	}
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "-C", "../..", "run", ".", "adapt", "--validate", "--config", file, "--adapter", "caddyfile")
	cmd.Env = append(env, "XDG_DATA_HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("Caddy does not take the Caddyfile: %v\n%s", err, out)
	}
}
