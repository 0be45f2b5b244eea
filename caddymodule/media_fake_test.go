package caddymodule

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logobserver "go.uber.org/zap/zaptest/observer"
)

const (
	metaToken = "EAAG_meta_token"
	crmToken  = "crm_token"
)

// fakeMedia is Meta's Media API and the host of its files.
type fakeMedia struct {
	*httptest.Server

	mu       sync.Mutex
	token    string
	objects  map[string]http.HandlerFunc // by id; what the Graph API answers
	files    map[string]http.HandlerFunc // by the last segment of the path
	requests []*http.Request
}

func newFakeMedia(t *testing.T) *fakeMedia {
	t.Helper()
	f := unstartedFakeMedia()
	f.Start()
	t.Cleanup(f.Close)
	return f
}

func unstartedFakeMedia() *fakeMedia {
	f := &fakeMedia{token: metaToken, objects: map[string]http.HandlerFunc{}, files: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewUnstartedServer(f)
	return f
}

// ServeHTTP answers /v27.0/<id> and /files/<name>, both with the token alone.
func (f *fakeMedia) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r.Clone(r.Context()))
	allowed := r.Header.Get("Authorization") == "Bearer "+f.token
	object, isObject := strings.CutPrefix(r.URL.Path, "/v27.0/")
	file, _ := strings.CutPrefix(r.URL.Path, "/files/")
	handler := f.files[file]
	if isObject {
		handler = f.objects[object]
	}
	f.mu.Unlock()
	switch {
	case !allowed && isObject:
		graphFails(http.StatusUnauthorized, 190, 463, false)(w, r)
	case !allowed:
		w.WriteHeader(http.StatusUnauthorized)
	case handler == nil && isObject:
		graphFails(http.StatusBadRequest, 100, 33, false)(w, r)
	case handler == nil:
		w.WriteHeader(http.StatusNotFound)
	default:
		handler(w, r)
	}
}

// graphFails answers with an error of the Graph API whose message quotes the
// token, as Meta's do for malformed ones.
func graphFails(status, code, subcode int, transient bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"message":%q,"type":"OAuthException","code":%d,"error_subcode":%d,"is_transient":%t,"fbtrace_id":"Atrace"}}`,
			"Malformed access token "+r.Header.Get("Authorization"), code, subcode, transient)
	}
}

// graphSays answers with an object.
func graphSays(object map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(object)
	}
}

// set changes what is answered for an id, a file, or both; nil leaves it.
func (f *fakeMedia) set(id string, object, file http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if object != nil {
		f.objects[id] = object
	}
	if file != nil {
		f.files[id] = file
	}
}

// add puts a whole file under an id, with the digest in hex.
func (f *fakeMedia) add(id, mime string, body []byte) {
	sum := sha256.Sum256(body)
	f.set(id, graphSays(f.object(id, mime, hex.EncodeToString(sum[:]), len(body))), serveFile(body))
}

func (f *fakeMedia) object(id, mime, digest string, size any) map[string]any {
	return map[string]any{"messaging_product": "whatsapp", "url": f.URL + "/files/" + id, "mime_type": mime, "sha256": digest, "file_size": size, "id": id}
}

func serveFile(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html") // what the host says does not count
		w.Header().Set("Set-Cookie", "a=b")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

// took returns the requests since the last call, as "GET /path".
func (f *fakeMedia) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, r := range f.requests {
		list = append(list, r.Method+" "+r.URL.Path)
	}
	f.requests = nil
	return list
}

func base64Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// picture is a file of n bytes in which no two steps are alike.
func picture(n int) []byte {
	b := make([]byte, 0, n+32)
	for sum := sha256.Sum256(nil); len(b) < n; sum = sha256.Sum256(sum[:]) {
		b = append(b, sum[:]...)
	}
	return b[:n]
}

// mediaSite is a Caddyfile with leadgate_media of tenant acme.
func mediaSite(endpoint, options string) string {
	return strings.Replace(site("\t\ttenant acme\n\t\tforward http://127.0.0.1:9/"), `	respond "next"`, `	leadgate_media /media/* {
		tenant acme
		token `+crmToken+` another_token
		token a_third_token
		endpoint `+endpoint+`
		`+options+`
	}
	respond "next"`, 1)
}

// mediaServer is the handler alone, so that its clocks and its way out can be
// changed, and what it logs.
type mediaServer struct {
	*httptest.Server
	media *Media
	logs  *logobserver.ObservedLogs
}

func newMediaServer(t *testing.T, endpoint string, edit ...func(*Media)) *mediaServer {
	t.Helper()
	core, logs := logobserver.New(zapcore.DebugLevel)
	m := &Media{Tenant: "acme", Tokens: []string{crmToken}, AccessToken: metaToken, Endpoint: endpoint, logger: zap.New(core)}
	for _, f := range edit {
		f(m)
	}
	if err := m.provision(caddy.NewReplacer()); err != nil {
		t.Fatal(err)
	}
	s := &mediaServer{media: m, logs: logs}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := m.ServeHTTP(w, r, nil); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(func() {
		s.Close()
		if err := m.Cleanup(); err != nil {
			t.Error(err)
		}
		for _, line := range logs.All() {
			text := fmt.Sprint(line.Message, line.ContextMap())
			if strings.Contains(text, metaToken) || strings.Contains(text, crmToken) || strings.Contains(text, "/files/") {
				t.Errorf("the log has a token or the address of a file: %s", text)
			}
		}
	})
	return s
}

// fetch asks for a path with the CRM's token. The body may break off: err.
func fetch(t *testing.T, method, url string, edit ...func(*http.Request)) (resp *http.Response, body []byte, err error) {
	t.Helper()
	req, e := http.NewRequestWithContext(t.Context(), method, url, nil)
	if e != nil {
		t.Fatal(e)
	}
	req.Header.Set("Authorization", "Bearer "+crmToken)
	for _, f := range edit {
		f(req)
	}
	resp, e = http.DefaultTransport.RoundTrip(req)
	if e != nil {
		t.Fatal(e)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	if strings.Contains(b.String(), metaToken) {
		t.Errorf("the answer has Meta's token: %s", b.String())
	}
	return resp, b.Bytes(), err
}

// sentence fetches what must fail and returns the status and the sentence.
func sentence(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, body, err := fetch(t, http.MethodGet, url)
	var answer struct{ Error string }
	if err != nil || json.Unmarshal(body, &answer) != nil || answer.Error == "" {
		t.Errorf("%s: %d %s %v", url, resp.StatusCode, body, err)
	}
	return resp, answer.Error
}

func with(field, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(field, value) }
}
