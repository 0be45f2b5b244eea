//go:build n8n

package n8n

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testRefused: nothing gets past a signature.
func testRefused(t *testing.T, e *edge, n *server, all map[string]*workflow) {
	rows := len(n.rows("leads"))
	until(t, "the edge names n8n's refusal", func() bool { return strings.Contains(e.destination("forged").Reason, "401") })
	if d := e.destination("forged"); d.Delivered != 0 {
		t.Errorf("with another secret n8n took %d events", d.Delivered)
	}

	body := []byte(`{"id":"forged","kind":"message","message":{"type":"text","text":"x"},"referral":{"ctwaClid":"Aff-forged"}}`)
	right := func() http.Header { return signed("forged", time.Now(), body) }
	without := func(name string) http.Header { h := right(); h.Del(name); return h }
	with := func(name, value string) http.Header { h := right(); h.Set(name, value); return h }
	for what, c := range map[string]struct {
		body   []byte
		header http.Header
	}{
		"a changed body":         {bytes.Replace(body, []byte("Aff-forged"), []byte("Aff-Forged"), 1), right()},
		"a changed space":        {append([]byte(" "), body...), right()},
		"another id":             {body, with("webhook-id", "other")},
		"another time":           {body, with("webhook-timestamp", strconv.FormatInt(time.Now().Unix()-1, 10))},
		"an old one":             {body, signed("forged", time.Now().Add(-6*time.Minute), body)},
		"one of the future":      {body, signed("forged", time.Now().Add(6*time.Minute), body)},
		"no number as time":      {body, with("webhook-timestamp", "now")},
		"no signature":           {body, without("webhook-signature")},
		"no id":                  {body, without("webhook-id")},
		"no time":                {body, without("webhook-timestamp")},
		"a part of it":           {body, with("webhook-signature", right().Get("webhook-signature")[:20])},
		"something after it":     {body, with("webhook-signature", right().Get("webhook-signature")+"A")},
		"only the version":       {body, with("webhook-signature", "v1,")},
		"a signature of another": {body, with("webhook-signature", signed("other", time.Now(), body).Get("webhook-signature"))},
	} {
		if status, answer := n.post("leads", c.body, c.header); status != http.StatusUnauthorized || !strings.Contains(answer, `"error"`) {
			t.Errorf("%s: %d %s", what, status, answer)
		}
	}
	if now := len(n.rows("leads")); now != rows {
		t.Errorf("refused events became %d leads", now-rows)
	}
	// Beside a wrong one, while the secret is being changed, the right one counts.
	two := with("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32))+" "+right().Get("webhook-signature"))
	if status, answer := n.post("leads", body, two); status == http.StatusUnauthorized {
		t.Errorf("two signatures: %d %s", status, answer)
	}

	raw := []byte(`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"forged":true}}]}]}`)
	mac := hmac.New(sha256.New, []byte("another secret"))
	mac.Write(raw)
	for _, signature := range []string{"", "sha256=", "sha256=" + hex.EncodeToString(mac.Sum(nil))} {
		if status, answer := n.post("whatsapp", raw, http.Header{"X-Hub-Signature-256": {signature}}); status != http.StatusUnauthorized {
			t.Errorf("raw with the signature '%s': %d %s", signature, status, answer)
		}
		// n8n's own trigger drops it, and answers 200.
		for _, node := range all["raw-trigger.json"].Nodes {
			if node.WebhookID != "" {
				n.post(node.WebhookID+"/webhook", raw, http.Header{"X-Hub-Signature-256": {signature}})
			}
		}
	}
	for _, id := range []string{all["raw.json"].ID, all["raw-trigger.json"].ID} {
		for _, item := range n.reached(id, "Your workflow") {
			if item["forged"] != nil {
				t.Errorf("%s went on with a forged webhook", id)
			}
		}
	}
}

// signed are the headers of Standard Webhooks, made here a second time.
func signed(id string, at time.Time, body []byte) http.Header {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(signingSecret))
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	h := make(http.Header)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", timestamp)
	h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h
}

// post posts to a webhook of n8n.
func (s *server) post(path string, body []byte, header http.Header) (status int, answer string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/webhook/"+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = header.Clone()
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
