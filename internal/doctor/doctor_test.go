package doctor

import (
	"context"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/sites"
)

// subject is a configuration with a block of Meta's and these destinations.
func subject(t *testing.T, destinations ...sites.Destination) *Subject {
	t.Helper()
	s, err := sites.Read([]byte(`{"apps":{"http":{"servers":{"srv0":{"listen":[":443"],"routes":[
		{"match":[{"host":["edge.example.com"],"path":["/in"]}],"handle":[{"handler":"leadgate",
			"provider":{"name":"meta","app_secret":["{env.SECRET}"],"verify_token":["plain"]}}]},
		{"handle":[{"handler":"static_response"}]}]}}}}}`),
		func([]byte) ([]sites.Tenant, error) {
			return []sites.Tenant{{Name: "acme", Destinations: destinations}}, nil
		},
		func(_ string, settings []byte) sites.Facts {
			return sites.Facts{Secrets: []string{"app_secret", "verify_token"}, Check: func() (found finding.List) {
				if strings.Contains(string(settings), "{env.SECRET}") {
					found.Warn("app_secret is doubtful", "copy it")
				}
				return found
			}}
		})
	if err != nil {
		t.Fatal(err)
	}
	return &Subject{
		Sites: s,
		Queue: func(context.Context) (found finding.List) { found.OK("the queue is there"); return found },
	}
}

// TestExamine finds all in the order of the configuration, asks about what stands
// twice once, and asks for the queue only where it is needed.
func TestExamine(t *testing.T) {
	says := func(what string) sites.Destination {
		return sites.Destination{Kind: "forward", Key: what, Check: func(context.Context) (found finding.List) {
			found.Warn(what+" is away", "start it")
			return found
		}}
	}
	report := flat(Report(Examine(t.Context(), subject(t, says("crm"), says("n8n"), says("crm")))))
	at := 0
	for _, want := range []string{
		"provider meta, with app_secret and verify_token", "verify_token in plain text", "/in: app_secret is doubtful",
		"is the webhook URL", "the queue is there",
		"crm is away", "n8n is away", "4 warnings; nothing keeps",
	} {
		i := strings.Index(report[at:], want)
		if i < 0 {
			t.Fatalf("no %q from byte %d on in\n%s", want, at, report)
		}
		at += i
	}
	if strings.Count(report, "crm is away") != 1 {
		t.Errorf("asked twice:\n%s", report)
	}
	if report = flat(Report(Examine(t.Context(), subject(t)))); !strings.Contains(report, "none is needed") ||
		strings.Contains(report, "the queue is there") {
		t.Errorf("inline:\n%s", report)
	}
}

// flat is a report on one line.
func flat(report string) string { return strings.Join(strings.Fields(report), " ") }
