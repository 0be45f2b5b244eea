package docs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/caddymodule"
	"github.com/leadgate/leadgate/internal/freeport"
)

// TestMTLS runs the Caddyfile of security.md, the block named mtls, with a
// certificate authority in Meta's place. The other tests cannot load it: it
// needs the authority's file.
func TestMTLS(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	meta, stranger := newAuthority(t), newAuthority(t)
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: meta.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	delivered := make(chan struct{}, 8)
	crm := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { delivered <- struct{}{} }))
	t.Cleanup(crm.Close)
	edge := newAuthority(t)
	address := startTLSEdge(t, func(text string) string {
		text = strings.Replace(text, "tls {", "tls "+edge.write(t, dir)+" {", 1)
		text = strings.ReplaceAll(text, "/etc/caddy/meta-outbound-api-ca-2025-12.pem", ca)
		return strings.ReplaceAll(text, "https://n8n.example.com", crm.URL)
	})

	const name = "client.webhooks.fbclientcerts.com"
	none := client(t, address, edge, nil)
	right := client(t, address, edge, meta.issue(t, pkix.Name{CommonName: name, Organization: []string{"Meta Platforms, Inc."}}))
	wrong := client(t, address, edge, meta.issue(t, pkix.Name{CommonName: "x" + name}))
	foreign := client(t, address, edge, stranger.issue(t, pkix.Name{CommonName: name}))

	if status, err := post(t, right); status != http.StatusOK {
		t.Errorf("Meta's webhook: %d, %v", status, err)
	} else {
		select {
		case <-delivered:
		case <-t.Context().Done():
		}
	}
	if status, err := post(t, none); status != http.StatusForbidden {
		t.Errorf("without a certificate: %d, %v", status, err)
	}
	if status, err := post(t, wrong); status != http.StatusForbidden {
		t.Errorf("with another name: %d, %v", status, err)
	}
	if status, err := post(t, foreign); err == nil {
		t.Errorf("with another authority's certificate: %d", status)
	}
	res, err := none.Get("https://bots.example.com/webhooks/meta?hub.mode=subscribe&hub.verify_token=secret&hub.challenge=1")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the handshake: %d", res.StatusCode)
	}
}

// startTLSEdge runs the block in this process.
func startTLSEdge(t *testing.T, change func(string) string) (address string) {
	t.Helper()
	var text string
	for _, p := range readPages(t) {
		if f, ok := p.file("mtls"); ok {
			text = f.text
		}
	}
	if text == "" {
		t.Fatal("no page shows the block mtls")
	}
	address = freeport.Address(t)
	_, port, _ := net.SplitHostPort(address)
	text = strings.Replace(change(text), "bots.example.com {", "https://bots.example.com:"+port+" {\n\tbind 127.0.0.1", 1)
	text = "{\n\tauto_https disable_redirects\n}\n" + text
	if err := caddy.Load(adapt(t, text), true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return address
}

// authority issues client certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := new(authority)
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	a.cert, a.key = certify(t, template, nil)
	return a
}

func (a *authority) issue(t *testing.T, subject pkix.Name) *tls.Certificate {
	t.Helper()
	cert, key := certify(t, &x509.Certificate{Subject: subject, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, a)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// write issues the edge's own certificate, and returns its file and its key's.
func (a *authority) write(t *testing.T, dir string) string {
	t.Helper()
	cert, key := certify(t, &x509.Certificate{DNSNames: []string{"bots.example.com"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, a)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join(dir, "edge.pem"), filepath.Join(dir, "edge.key")}
	for i, block := range []pem.Block{{Type: "CERTIFICATE", Bytes: cert.Raw}, {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(files[i], pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(files, " ")
}

// certify makes a certificate; by nil it is its own authority.
func certify(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// client asks the edge, showing a certificate if it has one, whatever the
// authorities are that the edge names.
func client(t *testing.T, address string, edge *authority, cert *tls.Certificate) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(edge.cert)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{
			RootCAs: roots,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if cert == nil {
					return new(tls.Certificate), nil
				}
				return cert, nil
			},
		},
	}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// post sends a webhook signed by Meta's provider.
func post(t *testing.T, c *http.Client) (int, error) {
	t.Helper()
	body := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":"106540352242922"},
		"messages":[{"from":"15551234567","id":"wamid.%s","timestamp":"1736535600","type":"text","text":{"body":"Hi"}}]}}]}]}`, t.Name())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://bots.example.com/webhooks/meta", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	new(caddymodule.Meta).SignRequest(req, []byte(body), "secret")
	res, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}
