//go:build n8n

package n8n

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

const graphHost = "graph.facebook.com"

// graph is the part of Meta's Graph API that n8n's WhatsApp Trigger asks for an
// app's subscription, and the only way out that n8n has: a proxy that lets
// nothing but graph.facebook.com through, and that to here.
type graph struct {
	t         *testing.T
	proxy     string // its URL
	authority string // a file with the certificate that n8n must trust

	api *httptest.Server

	mu           sync.Mutex
	subscription *subscription // nil = the app has none
	refused      map[string]int
	pipes        sync.WaitGroup
}

// subscription is what Meta knows of an app's webhook.
type subscription struct {
	Object      string              `json:"object"`
	CallbackURL string              `json:"callback_url"`
	Active      bool                `json:"active"`
	Fields      []map[string]string `json:"fields"`
}

func newGraph(t *testing.T) *graph {
	t.Helper()
	g := &graph{t: t, refused: make(map[string]int)}
	certificate := g.certify()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v19.0/oauth/access_token", g.token)
	mux.HandleFunc("GET /v19.0/"+appID+"/subscriptions", g.list)
	mux.HandleFunc("POST /v19.0/"+appID+"/subscriptions", g.subscribe)
	mux.HandleFunc("DELETE /v19.0/"+appID+"/subscriptions", g.unsubscribe)
	g.api = httptest.NewUnstartedServer(mux)
	g.api.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	g.api.StartTLS()
	proxy := httptest.NewServer(http.HandlerFunc(g.connect))
	g.proxy = proxy.URL
	t.Cleanup(func() {
		proxy.Close()
		g.api.CloseClientConnections()
		g.pipes.Wait()
		g.api.Close()
		for host, n := range g.refused {
			t.Logf("n8n asked for %s, %d times", host, n)
		}
	})
	return g
}

// certify makes a certificate for graph.facebook.com, and the file for n8n.
func (g *graph) certify() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		g.t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{graphHost},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		g.t.Fatal(err)
	}
	g.authority = filepath.Join(g.t.TempDir(), "graph.pem")
	if err := os.WriteFile(g.authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// connect is the proxy.
func (g *graph) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || r.Host != graphHost+":443" {
		g.mu.Lock()
		g.refused[r.Host]++
		g.mu.Unlock()
		http.Error(w, "not from a test", http.StatusForbidden)
		return
	}
	up, err := net.Dial("tcp", g.api.Listener.Addr().String())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	g.pipes.Add(1)
	defer g.pipes.Done()
	defer up.Close()
	down, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer down.Close()
	if _, err := io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(up, buffered)
		_ = up.Close()
	}()
	_, _ = io.Copy(down, up)
	_ = down.Close()
	<-ended
}

func (g *graph) token(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	text, _ := io.ReadAll(r.Body)
	if json.Unmarshal(text, &asked) != nil {
		form, _ := url.ParseQuery(string(text))
		asked.ID, asked.Secret = form.Get("client_id"), form.Get("client_secret")
	}
	if asked.ID != appID || asked.Secret != appSecret {
		http.Error(w, `{"error":{"message":"Error validating client secret.","type":"OAuthException","code":1}}`, http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"access_token": appID + "|token", "token_type": "bearer"})
}

func (g *graph) list(w http.ResponseWriter, _ *http.Request) {
	answer := struct {
		Data []subscription `json:"data"`
	}{[]subscription{}}
	if s := g.current(); s != nil {
		answer.Data = append(answer.Data, *s)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// subscribe takes a callback when it echoes the challenge, as Meta does.
func (g *graph) subscribe(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Object      string `json:"object"`
		CallbackURL string `json:"callback_url"`
		VerifyToken string `json:"verify_token"`
		Fields      string `json:"fields"` // a JSON array, as text
	}
	var fields []string
	if err := json.NewDecoder(r.Body).Decode(&asked); err == nil {
		err = json.Unmarshal([]byte(asked.Fields), &fields)
		if err != nil {
			g.t.Errorf("n8n subscribes to the fields %q: %v", asked.Fields, err)
		}
	}
	challenge := rand.Text()
	resp, err := http.Get(asked.CallbackURL + "?" + url.Values{
		"hub.mode": {"subscribe"}, "hub.verify_token": {asked.VerifyToken}, "hub.challenge": {challenge},
	}.Encode())
	if err != nil {
		http.Error(w, `{"error":{"message":"(#2200) Callback verification failed","code":2200}}`, http.StatusBadRequest)
		return
	}
	defer resp.Body.Close()
	if echo, _ := io.ReadAll(resp.Body); string(echo) != challenge {
		// Right after it was published, n8n may not answer yet; it asks again.
		http.Error(w, `{"error":{"message":"(#2200) Callback verification failed","code":2200}}`, http.StatusBadRequest)
		return
	}
	g.set(newSubscription(asked.CallbackURL, fields...))
	_, _ = io.WriteString(w, `{"success":true}`)
}

func (g *graph) unsubscribe(w http.ResponseWriter, _ *http.Request) {
	g.set(nil)
	_, _ = io.WriteString(w, `{"success":true}`)
}

func newSubscription(callback string, fields ...string) *subscription {
	s := &subscription{Object: "whatsapp_business_account", CallbackURL: callback, Active: true}
	for _, f := range fields {
		s.Fields = append(s.Fields, map[string]string{"name": f, "version": "v19.0"})
	}
	return s
}

func (g *graph) current() *subscription {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.subscription
}

func (g *graph) set(s *subscription) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.subscription = s
}

// callback is where Meta would post the app's webhooks, "" for nowhere.
func (g *graph) callback() string {
	if s := g.current(); s != nil {
		return s.CallbackURL
	}
	return ""
}
