package attack

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// TestSecretsStay: secrets that are read from the environment or from files are in
// nothing that the edge shows, logs, counts or stores; nor are customers' numbers
// in what it logs and counts.
func TestSecretsStay(t *testing.T) {
	const headerSecret, signSecret, fileSecret, querySecret = "test_header_secret", "test_sign_secret", "test_file_secret", "test_query_secret"
	for name, value := range map[string]string{
		"ATTACK_APP": edgetest.Secret, "ATTACK_VERIFY": verifyToken, "ATTACK_HEADER": headerSecret, "ATTACK_SIGN": signSecret,
		"ATTACK_QUERY": querySecret,
	} {
		t.Setenv(name, value)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(fileSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	never := []string{edgetest.Secret, verifyToken, headerSecret, signSecret, fileSecret, querySecret}
	onBothQueues(t, func(t *testing.T, st store) {
		s := newSink(t)
		s.refuse("/refused", http.StatusUnprocessableEntity)
		s.refuse("/waits", http.StatusServiceUnavailable)
		forward := func(path string) string {
			return `		forward ` + s.URL + path + `?key={env.ATTACK_QUERY} {
			name ` + path[1:] + `
			header Authorization "Bearer {env.ATTACK_HEADER}"
			sign {env.ATTACK_SIGN}
		}
`
		}
		e := startEdge(t, st.option, `	leadgate /webhooks/meta {
		provider meta {
			app_secret {env.ATTACK_APP}
			verify_token {env.ATTACK_VERIFY}
		}
`+forward("/events")+forward("/refused")+forward("/waits")+`
		capi {
			name meta
			dataset 1
			access_token {file.`+file+`}
			endpoint `+newMeta(t).URL+`
			linger 10ms
		}
	}`)
		e.mustPost(clickOf("106540352242922", 1))
		wrong := clickOf("106540352242922", 2)
		if resp, err := e.posts("/webhooks/meta", http.Header{"X-Hub-Signature-256": {edgetest.Sign(append(wrong, ' '))}},
			wrong); err != nil || resp.StatusCode != unauthorized {
			t.Errorf("a wrong signature: %v %v", resp, err)
		}
		e.drained("events", "refused", "meta")
		if n := s.take("/events").posts; n != 1 {
			t.Fatalf("%d events came", n)
		}
		edgetest.Until(t, "one waits", func() bool { return e.Destinations()["waits"].State == "retrying" })
		shown := map[string]string{"the log": e.Said()}
		for _, path := range []string{"/config/", "/leadgate/destinations", "/leadgate/dead", "/metrics"} {
			_, answer := e.Ask(http.MethodGet, path, "", "")
			shown[path] = string(answer)
		}
		if !strings.Contains(shown["/metrics"], "leadgate_webhooks_total") {
			t.Error("there are no metrics")
		}
		for where, text := range shown {
			for _, bad := range never {
				if strings.Contains(text, bad) {
					t.Errorf("%s has %s", where, bad)
				}
			}
		}
		for _, where := range []string{"the log", "/metrics", "/leadgate/destinations"} {
			if strings.Contains(shown[where], "15557650001") || strings.Contains(shown[where], "wamid.") {
				t.Errorf("%s names the customer or the message", where)
			}
		}
		stored := st.bytes(t, e)
		if !strings.Contains(stored, "15557650001") {
			t.Error("the event that waits is not found in the store, so that nothing is looked at")
		}
		for _, bad := range never {
			if strings.Contains(stored, bad) {
				t.Errorf("the store has %s", bad)
			}
		}
	})
}

// bytes are all that a store holds.
func (s store) bytes(t *testing.T, e *edge) string {
	t.Helper()
	var out strings.Builder
	if s.redis != nil {
		s.redis.Do("CONFIG", "SET", "rdbcompression", "no")
		for _, key := range s.redis.Do("KEYS", "*").([]any) {
			out.WriteString(key.(string))
			out.WriteString(s.redis.Do("DUMP", key).(string))
		}
		return out.String()
	}
	err := filepath.WalkDir(filepath.Join(e.Dir, "queue"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		out.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
