package caddymodule

import (
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/doctor"
)

// TestAppSecretAdvice: the doctor warns of an app secret that Meta's cannot be, one
// whose variable is not set included, and shows nothing of it. One of several that
// can be Meta's is enough.
func TestAppSecretAdvice(t *testing.T) {
	t.Setenv("TEST_HIDDEN", "hidden")
	t.Setenv("TEST_WELL", strings.Repeat("0", 32))
	for secrets, warns := range map[string]bool{
		`"{env.TEST_HIDDEN}"`:                    true,
		`"{env.TEST_NOTHING_HERE}"`:              true,
		`"{env.TEST_WELL}"`:                      false,
		`"{env.TEST_HIDDEN}", "{env.TEST_WELL}"`: false,
	} {
		facts := providerFacts("meta", []byte(`{"name": "meta", "app_secret": [`+secrets+`]}`))
		report := strings.Join(strings.Fields(doctor.Report(facts.Check())), " ")
		if strings.Contains(report, "app_secret is not 32 hex digits") != warns || strings.Contains(report, "hidden") {
			t.Errorf("%s:\n%s", secrets, report)
		}
	}
}
