package wording

import "testing"

// TestClosest finds what was meant, and nothing where nothing is near.
func TestClosest(t *testing.T) {
	known := []string{
		"eventName", "waPhone", "waId", "userId", "messageId", "ctwaClid", "channel", "eventTime", "value", "currency", "orderId", "contents",
		"email", "externalId", "customData", "touch",
	}
	for word, want := range map[string]string{
		"order_id": "orderId", "orderid": "orderId", "OrderID": "orderId", "valeu": "value",
		"emial": "email", "curency": "currency", "event_name": "eventName", "event": "", "phone": "waPhone", "wa_id": "waId",
		"ctwa_clid": "ctwaClid", "custom_data": "customData",
		"": "", "x": "", "id": "", "content": "contents", "colour": "",
	} {
		if got := Closest(word, known); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
