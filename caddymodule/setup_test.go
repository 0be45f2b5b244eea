package caddymodule

import (
	"slices"
	"strings"
	"testing"
)

// TestConfiguredMeta reads of a configuration what is to be set up at Meta, with what its
// placeholders hold, and of Meta's blocks alone.
func TestConfiguredMeta(t *testing.T) {
	t.Setenv("TEST_SECRET", "s3cret")
	t.Setenv("TEST_PAGE", "1029384756")
	file := caddyfileFor(t, `{
	admin off
}
https://bots.example.com {
	leadgate /webhooks/gupshup {
		provider gupshup {
			token query token x
		}
		forward https://crm.example.com
	}
	leadgate /webhooks/meta {
		provider meta {
			app_secret {env.TEST_SECRET} old
			verify_token word other
		}
		tenant acme {
			match waba_id 1 2
			match page_id {env.TEST_PAGE}
			capi whatsapp {
				dataset 17
				access_token {env.TEST_SECRET}
				waba_id 3
			}
			leads {
				access_token leads
				endpoint http://127.0.0.1:9099
			}
		}
		tenant globex {
			match phone_number_id 4
			capi {
				dataset 18
				access_token x
				automatic_events off
			}
		}
	}
	leadgate /webhooks/second {
		provider meta {
			app_secret a
			verify_token b
		}
		forward https://crm.example.com
	}
}
`)
	blocks, err := configuredMeta(file, "")
	if err != nil || len(blocks) != 2 {
		t.Fatalf("%+v, %v", blocks, err)
	}
	if strings.HasSuffix(blocks[0].URL, "/second") { // Caddy orders them by their paths
		slices.Reverse(blocks)
	}
	b, acme, globex := blocks[0], blocks[0].Tenants[0], blocks[0].Tenants[1]
	if b.URL != "https://bots.example.com/webhooks/meta" || !slices.Equal(b.AppSecrets, []string{"s3cret", "old"}) || b.VerifyToken != "word" {
		t.Errorf("%+v", b)
	}
	if acme.Name != "acme" || !slices.Equal(acme.WABAs, []string{"1", "2"}) || !slices.Equal(acme.Pages, []string{"1029384756"}) ||
		acme.Leads.Credentials.Token != "leads" || acme.Leads.Endpoint != "http://127.0.0.1:9099" {
		t.Errorf("%+v", acme)
	}
	if d := acme.Datasets[0]; d.ID != "17" || d.WabaID != "3" || !d.Automatic || d.Credentials.Token != "s3cret" ||
		!slices.Equal(d.Channels, []string{"whatsapp"}) {
		t.Errorf("%+v", d)
	}
	if d := globex.Datasets[0]; d.Automatic || len(d.Channels) > 0 || !slices.Equal(globex.Numbers, []string{"4"}) || globex.Leads != nil {
		t.Errorf("%+v", globex)
	}
	if second := blocks[1]; second.URL != "https://bots.example.com/webhooks/second" || second.Tenants[0].Name != "default" {
		t.Errorf("%+v", second)
	}
}

// TestSetupRefuses: what is no configuration to set up is an error, and so is what does not exist.
func TestSetupRefuses(t *testing.T) {
	gupshup := caddyfileFor(t, `http://127.0.0.1:%PORT% {
	leadgate /webhooks/gupshup {
		provider gupshup {
			token query token x
		}
		forward https://crm.example.com
	}
}
`)
	unset := caddyfileFor(t, site("forward https://crm.example.com\ncapi {\ndataset 1\naccess_token {env.TEST_NOT_SET}\n}"))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"meta", "--config", gupshup}, "no leadgate block has provider meta"},
		{[]string{"meta", "--config", unset}, "{env.TEST_NOT_SET} is empty"},
		{[]string{"meta", "--config", gupshup, "--endpoint", "graph.example.com"}, "--endpoint"},
		{[]string{"meta", "--config", unset, "--endpoint", "http://127.0.0.1:1", "--apply"}, "META_TOKEN is not set"},
		{[]string{"meta", "--config", gupshup, "--replace-callback"}, "write --apply, too"},
		{[]string{"google"}, "no command 'google'"},
	} {
		if out, err := cli(t, append([]string{"setup"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v\n%s", c.args, err, out)
		}
	}
	if err := exitCode(2); err == nil || err.Error() != "exiting with status 2" {
		t.Errorf("the code: %v", err)
	}
}
