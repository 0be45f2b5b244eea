package command

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestReceivedByLink shows a link's click as it shows an ad's.
func TestReceivedByLink(t *testing.T) {
	const link = `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":null,"shared":false,"source":"google","params":{}}`
	text := received(http.Header{}, []byte(`{"id":"1","tenantId":"acme","kind":"message","channel":"whatsapp","waPhone":"+15551234567",`+
		`"message":{"type":"text","text":"hi"},"link":`+link+`,"attribution":{"firstClick":null,"lastClick":{"adId":null,"link":`+link+`}}}`),
		time.Unix(1736535600, 0))
	for _, want := range []string{"link     summer, K7QW3-MPDXR, google\n", "came by  link summer\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	text = received(http.Header{}, []byte(`{"id":"1","tenantId":"acme","kind":"message","link":null,"attribution":null}`), time.Now())
	if strings.Contains(text, "link") || strings.Contains(text, "came by") {
		t.Errorf("of a message without a link:\n%s", text)
	}
}
