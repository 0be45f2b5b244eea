package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// evilText sets a terminal's title, clears it, hides what follows,
// turns it around, and ends in the 8-bit form of an escape.
const evilText = "evil\x1b]0;owned\x07\x1b[2J\x08\x7f\r\u0085\u009b31m\u202e\u2066\u200f\u061cend"

// inJSON is the text as a provider may write it in JSON: only ASCII's controls
// must be escaped there.
var inJSON = func() string {
	b, err := json.Marshal(evilText)
	if err != nil {
		panic(err)
	}
	return strings.Trim(string(b), `"`)
}()

var controls = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}\x{61c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

// colored is a level as Caddy's console format writes it.
var colored = regexp.MustCompile(`\x1b\[\d+m(DEBUG|INFO|WARN|ERROR)\x1b\[0m`)

// tame fails where a terminal would obey the text; it must hold what is left
// of the hostile one.
func tame(t *testing.T, what, text string) {
	t.Helper()
	if found := controls.FindString(text); found != "" || !utf8.ValidString(text) {
		t.Errorf("%s prints %q: %q", what, found, text)
	}
	if !strings.Contains(text, "evil") {
		t.Errorf("%s does not show the hostile text, so that it tests nothing: %q", what, text)
	}
}

// hostileServer answers everything with hostile words, in the forms of Meta's and
// of an edge's answers.
func hostileServer(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Words", "x")
		switch {
		case r.URL.Path == "/results":
			_, _ = io.WriteString(w, `{"results":[{"status":"`+inJSON+`","error":"`+inJSON+`","fix":"`+inJSON+`"}]}`)
		case r.URL.Path == "/refused":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"`+inJSON+`"}`)
		case r.URL.Path == "/answer":
			_, _ = io.WriteString(w, evilText)
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"message":"`+inJSON+`","type":"`+inJSON+`","code":99999,"fbtrace_id":"`+inJSON+`"}}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// noHTTP is a server that answers with hostile words and nothing else.
func noHTTP(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var owner sync.WaitGroup
	owner.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, evilText+"\n")
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		owner.Wait()
	})
	return l.Addr().String()
}

// TestHostileText walks through all commands, and the log, with events and answers
// that try to take over the terminal, on both queues.
func TestHostileText(t *testing.T) {
	bad := hostileServer(t)
	for name, queue := range map[string]string{"embedded": "queue embedded %DIR%/queue", "redis": "queue redis " + redistest.Start(t).URL()} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t)
			s.status = func(delivered) int { return http.StatusUnprocessableEntity }
			config, base := withAdmin(t, siteWith(queue, `
		tenant acme {
			match phone_number_id 111
			forward `+s.URL+` {
				name crm
			}
			forward http://`+noHTTP(t)+`/ {
				name weird
			}
			capi {
				name meta
				dataset 1234567890
				access_token x
				endpoint `+bad.URL+`
				linger 1ms
			}
		}`))
			config = strings.Replace(config, "\tleadgate {",
				"\tlog {\n\t\toutput file %DIR%/log\n\t\tformat console\n\t\tlevel DEBUG\n\t}\n\tleadgate {", 1)
			e := startEdge(t, config)
			event := strings.ReplaceAll(string(click("wamid.X", "15551234567", "CLID-X")), "106540352242922", "111")
			event = strings.NewReplacer("wamid.X", "wamid."+inJSON, "CLID-X", "CLID-"+inJSON, "Maria", inJSON, `"Hi"`, `"`+inJSON+`"`, "Sale",
				inJSON).Replace(event)
			elsewhere := strings.ReplaceAll(event, `"phone_number_id":"111"`, `"phone_number_id":"`+inJSON+`"`)
			for _, body := range []string{event, elsewhere} {
				if resp, answer := e.post("/webhooks/meta", []byte(body)); resp.StatusCode != 200 {
					t.Fatalf("%d %s", resp.StatusCode, answer)
				}
			}
			// A click that Meta refuses, in its own words.
			e.post("/webhooks/meta", bytes.ReplaceAll(click("wamid.2", "15557654321", "ARAkLkA8"), []byte("106540352242922"), []byte("111")))
			s.next(t)
			var page deadPage
			waitFor(t, "dead letters of all sorts", func() bool {
				e.admin(base, "GET", "/leadgate/dead", nil, &page)
				found := make(map[string]bool)
				for _, d := range page.Dead {
					found[d.Destination] = true
				}
				return len(found) == 3
			})
			var list []map[string]any
			waitFor(t, "a reason in the words of a server", func() bool {
				e.admin(base, "GET", "/leadgate/destinations", nil, &list)
				return strings.Contains(fmt.Sprint(list), "evil")
			})
			for _, args := range [][]string{
				{"destinations", address(base)}, {"destinations", "--json", address(base)},
				{"dead", "list", address(base)}, {"dead", "list", "--json", address(base)},
			} {
				out, err := cli(t, args...)
				if err != nil {
					t.Errorf("%v: %v", args, err)
				}
				if args[0] == "dead" && args[2] != "--json" {
					out += "evil" // its columns have no room for what Meta said
				}
				tame(t, strings.Join(args, " "), out)
			}
			for _, d := range page.Dead {
				if !bytes.Contains(d.Event, []byte("evil")) {
					continue
				}
				for _, args := range [][]string{{"dead", "show", d.ID, address(base)}, {"dead", "show", d.ID, "--json", address(base)}} {
					out, err := cli(t, args...)
					if err != nil {
						t.Errorf("%v: %v", args, err)
					}
					tame(t, strings.Join(args[:2], " "), out)
					if strings.Contains(out, "{") && len(args) == 5 {
						var letter admin.DeadLetter
						if err := json.Unmarshal([]byte(out), &letter); err != nil || !bytes.Contains(letter.Event, []byte("evil")) {
							t.Errorf("JSON: %v", err)
						}
					}
				}
			}
			_, err := cli(t, "dead", "show", evilText, address(base))
			tame(t, "dead show of no id", fmt.Sprint(err))

			text, err := os.ReadFile(filepath.Join(e.dir, "log"))
			if err != nil {
				t.Fatal(err)
			}
			tame(t, "the log", string(colored.ReplaceAll(text, []byte("$1"))))
		})
	}
}

// TestHostileFiles is for the commands that ask no edge of ours.
func TestHostileFiles(t *testing.T) {
	bad := hostileServer(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	webhook := strings.NewReplacer("Maria", inJSON, `"Hi"`, `"`+inJSON+`"`).Replace(string(click("wamid.1", "15551234567", "ARAkLkA8")))
	out := mustCLI(t, "normalize", file("webhook.json", webhook))
	if !strings.Contains(out, "\u009b31m\u202e") {
		t.Errorf("normalize changed bytes for a program: %q", out)
	}
	var event struct {
		ProfileName string
		Raw         struct{ Text struct{ Body string } }
	}
	if err := json.Unmarshal([]byte(out), &event); err != nil || event.ProfileName != evilText || event.Raw.Text.Body != evilText {
		t.Errorf("normalize changed the text: %v, %q", err, event)
	}
	_, err := cli(t, "normalize", "--provider", "x"+evilText, "none")
	tame(t, "normalize's error", fmt.Sprint(err, "evil"))
	out, err = cli(t, "send", "--to", bad.URL+"/answer", "--secret", "x", "--sample", "text")
	tame(t, "send", out+fmt.Sprint(err))
	out, err = cli(t, "send", "--to", bad.URL+"/refused", "--secret", "x", "--sample", "text")
	tame(t, "send, refused", out+fmt.Sprint(err))

	sales := file("sales.jsonl", `{"eventName":"`+inJSON+`","waPhone":"+15551234567"}`+"\n")
	for _, path := range []string{"/results", "/refused"} {
		out, err := cli(t, "import", sales, "--to", bad.URL+path, "--token", "x", "--retry-for", "1ns")
		tame(t, "import from "+path, out+fmt.Sprint(err))
	}
	out, err = cli(t, "import", sales, "--dry-run")
	tame(t, "import --dry-run", out+fmt.Sprint(err))

	config := file("Caddyfile", `{
	admin off
	leadgate {
		queue embedded `+dir+`/queue
	}
}
bots.example.com {
	leadgate /webhooks/meta {
		provider meta {
			app_secret x
			verify_token x
		}
		capi {
			dataset 1234567890
			access_token x
			endpoint `+bad.URL+`
		}
	}
}
`)
	out, err = cli(t, "doctor", "--config", config)
	tame(t, "doctor", out+fmt.Sprint(err))
	out, err = cli(t, "doctor", "--config", file("broken", "{\n evil\x1b[2J\u202e\n}\n"), "--adapter", "caddyfile")
	tame(t, "doctor of a broken file", out+fmt.Sprint(err))
}

// TestHostileFakeMeta posts hostile events to the fake.
func TestHostileFakeMeta(t *testing.T) {
	addr := fmt.Sprintf("127.0.0.1:%d", freeport.New(t))
	ctx, cancel := context.WithCancel(t.Context())
	var out, log bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		cmd := &cobra.Command{Use: "leadgate", SilenceUsage: true, SilenceErrors: true}
		caddyCommand().CobraFunc(cmd)
		cmd.SetArgs([]string{"fake-meta", "--listen", addr})
		cmd.SetOut(&out)
		cmd.SetErr(&log)
		ended <- cmd.ExecuteContext(ctx)
	}()
	post := func(path, body string) (int, error) {
		req, err := http.NewRequest(http.MethodPost, "http://"+addr+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer x")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	event := fmt.Sprintf(`{"data":[{"event_name":"LeadSubmitted","event_time":%d,"action_source":"business_messaging",`+
		`"messaging_channel":"whatsapp","event_id":"%s","user_data":{"whatsapp_business_account_id":"1","ctwa_clid":"ARAkLkA8"},`+
		`"custom_data":{"note":"%s"}}]}`,
		time.Now().Unix(), inJSON, inJSON)
	status := 0
	waitFor(t, "the fake", func() bool {
		var err error
		status, err = post("/v26.0/1234567890/events", event)
		return err == nil
	})
	if status != 200 {
		t.Errorf("accepted: %d", status)
	}
	if status, err := post("/v26.0/evil%1b%5b2J%c2%9b%e2%80%ae/events", event); status == 200 || err != nil {
		t.Errorf("refused: %d, %v", status, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	tame(t, "fake-meta", out.String())
	tame(t, "fake-meta's log", log.String())
}
