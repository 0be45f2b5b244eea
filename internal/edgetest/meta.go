package edgetest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
)

// Secret is the app secret of MetaBlock.
const Secret = "test_app_secret"

// MetaBlock is a leadgate block of Meta's, at /webhooks/meta, with these settings.
func MetaBlock(settings string) string {
	return `	leadgate /webhooks/meta {
		provider meta {
			app_secret ` + Secret + `
			verify_token word
		}
` + settings + `
	}`
}

// Sign is what X-Hub-Signature-256 says of a body.
func Sign(body []byte) string {
	mac := hmac.New(sha256.New, []byte(Secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Post posts a webhook of Meta's with a signature; Sign makes the right one. err is
// set where there was no answer.
func (e *Edge) Post(client *http.Client, body []byte, signature string) (status int, err error) {
	header := http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature-256": {signature}}
	resp, err := e.PostTo(client, "/webhooks/meta", header, body) //nolint:bodyclose // PostTo has closed it
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

// PostTo posts to a path of the site. The answer's body is read to its end.
func (e *Edge) PostTo(client *http.Client, path string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, e.Site+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, err
}

// Webhook is a webhook of WhatsApp with this in the value of its one change.
func Webhook(members string) []byte {
	return []byte(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{` +
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},` +
		members + `}}]}]}`)
}
