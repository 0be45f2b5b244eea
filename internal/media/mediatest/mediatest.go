// Package mediatest is a fake of Meta's Media API and of the host of its files, for
// tests of package media and of Caddyfiles with leadgate_media.
package mediatest

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
)

// The tokens.
const (
	MetaToken = "EAAG_meta_token" //nolint:gosec // of the fake; see SetToken
	CRMToken  = "crm_token"       // that Fetch sends
)

// Meta is Meta's Media API and the host of its files.
type Meta struct {
	*httptest.Server

	mu       sync.Mutex
	token    string
	objects  map[string]http.HandlerFunc // by id; what the Graph API answers
	files    map[string]http.HandlerFunc // by the last segment of the path
	requests []*http.Request
}

// New starts a fake.
func New(t *testing.T) *Meta {
	t.Helper()
	f := Unstarted()
	f.Start()
	t.Cleanup(f.Close)
	return f
}

// Unstarted is a fake to be started, by TLS say, and closed by the caller.
func Unstarted() *Meta {
	f := &Meta{token: MetaToken, objects: map[string]http.HandlerFunc{}, files: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewUnstartedServer(f)
	return f
}

// SetToken changes the token that is taken.
func (f *Meta) SetToken(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.token = token
}

// ServeHTTP answers /v27.0/<id> and /files/<name>, both with the token alone.
func (f *Meta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		GraphFails(http.StatusUnauthorized, 190, 463, false)(w, r)
	case !allowed:
		w.WriteHeader(http.StatusUnauthorized)
	case handler == nil && isObject:
		GraphFails(http.StatusBadRequest, 100, 33, false)(w, r)
	case handler == nil:
		w.WriteHeader(http.StatusNotFound)
	default:
		handler(w, r)
	}
}

// GraphFails answers with an error of the Graph API whose message quotes the
// token, as Meta's do for malformed ones.
func GraphFails(status, code, subcode int, transient bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"message":%q,"type":"OAuthException","code":%d,"error_subcode":%d,"is_transient":%t,"fbtrace_id":"Atrace"}}`,
			"Malformed access token "+r.Header.Get("Authorization"), code, subcode, transient)
	}
}

// GraphSays answers with an object.
func GraphSays(object map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(object)
	}
}

// Set changes what is answered for an id, a file, or both; nil leaves it.
func (f *Meta) Set(id string, object, file http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if object != nil {
		f.objects[id] = object
	}
	if file != nil {
		f.files[id] = file
	}
}

// Add puts a whole file under an id, with the digest in hex.
func (f *Meta) Add(id, mime string, body []byte) {
	sum := sha256.Sum256(body)
	f.Set(id, GraphSays(f.Object(id, mime, hex.EncodeToString(sum[:]), len(body))), ServeFile(body))
}

// Object is what the Graph API says of a file.
func (f *Meta) Object(id, mime, digest string, size any) map[string]any {
	return map[string]any{
		"messaging_product": "whatsapp", "url": f.URL + "/files/" + id, "mime_type": mime, "sha256": digest, "file_size": size, "id": id,
	}
}

// ServeFile answers with a file, with headers that are not to be passed on.
func ServeFile(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html") // what the host says does not count
		w.Header().Set("Set-Cookie", "a=b")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

// Took returns the requests since the last call, as "GET /path".
func (f *Meta) Took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, r := range f.requests {
		list = append(list, r.Method+" "+r.URL.Path)
	}
	f.requests = nil
	return list
}

// Digest is a file's as webhooks have it.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Picture is a file of n bytes in which no two steps are alike.
func Picture(n int) []byte {
	b := make([]byte, 0, n+32)
	for sum := sha256.Sum256(nil); len(b) < n; sum = sha256.Sum256(sum[:]) {
		b = append(b, sum[:]...)
	}
	return b[:n]
}

// Fetch asks for a path with the CRM's token. The body may break off: err.
func Fetch(t *testing.T, method, url string, edit ...func(*http.Request)) (resp *http.Response, body []byte, err error) {
	t.Helper()
	req, e := http.NewRequestWithContext(t.Context(), method, url, nil)
	if e != nil {
		t.Fatal(e)
	}
	req.Header.Set("Authorization", "Bearer "+CRMToken)
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
	if strings.Contains(b.String(), MetaToken) {
		t.Errorf("the answer has Meta's token: %s", b.String())
	}
	return resp, b.Bytes(), err
}

// Sentence fetches what must fail and returns the status and the sentence.
func Sentence(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, body, err := Fetch(t, http.MethodGet, url)
	var answer struct{ Error string }
	if err != nil || json.Unmarshal(body, &answer) != nil || answer.Error == "" {
		t.Errorf("%s: %d %s %v", url, resp.StatusCode, body, err)
	}
	return resp, answer.Error
}

// With sets a header, for Fetch.
func With(field, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(field, value) }
}
