package normalize

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReusedBatch sends every payload through one Batch and through a new one:
// nothing of one webhook may show up in another.
func TestReusedBatch(t *testing.T) {
	files, err := filepath.Glob("testdata/whatsapp/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no payloads: %v", err)
	}
	var reused Batch
	for round := range 2 {
		for i := range files {
			if round == 1 { // the other way around
				i = len(files) - 1 - i
			}
			if strings.HasSuffix(files[i], ".golden.json") {
				continue
			}
			body, err := os.ReadFile(files[i])
			if err != nil {
				t.Fatal(err)
			}
			var fresh Batch
			want := normalized(t, &fresh, body)
			reused.Reset()
			got := normalized(t, &reused, body)
			if !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
				t.Errorf("%s: a reused batch gives\n%s\na new one\n%s", files[i], got, want)
			}
		}
	}
}

// TestResetDropsLargeMemory: one history webhook must not stay in a pool.
func TestResetDropsLargeMemory(t *testing.T) {
	message := `{"from":"15551234567","id":%d,"timestamp":1736535600,"type":"text","text":{"body":"x"}},`
	var list strings.Builder
	for i := range 256 + 1 {
		fmt.Fprintf(&list, message, i)
	}
	body := `{"object":"whatsapp_business_account","entry":[{"changes":[{"value":{"messages":[` + strings.TrimSuffix(list.String(), ",") +
		`]}}]}]}`
	var b Batch
	if err := Meta(&b, []byte(body), ingested); err != nil {
		t.Fatal(err)
	}
	if len(b.Events) != 256+1 {
		t.Fatalf("%d events", len(b.Events))
	}
	for i := range b.Events { // growing must not have cut off earlier ones
		if got, want := b.Events[i].Message.ID.String(), fmt.Sprint(i); got != want {
			t.Fatalf("event %d has the id %s", i, got)
		}
	}
	b.Reset()
	if cap(b.Events) != 0 || len(b.Events) != 0 {
		t.Errorf("room for %d events is kept", cap(b.Events))
	}
}

func TestSyntaxError(t *testing.T) {
	var b Batch
	b.Add()
	for body, offset := range map[string]int64{`{"object":`: 10, "": 0, "{\"a\":\"\xff\"}": 6, `{} {}`: 3} {
		err := Meta(&b, []byte(body), ingested)
		serr, ok := errors.AsType[*SyntaxError](err)
		if !ok || serr.Offset != offset {
			t.Errorf("%q: %v, want offset %d", body, err, offset)
		}
	}
	if len(b.Events) != 1 {
		t.Errorf("%d events after errors", len(b.Events))
	}
}

// TestKeys holds what makes an event itself, part by part as the contract has it.
func TestKeys(t *testing.T) {
	const raw = `{"recipient_id":"15551234567","status":"READ","timestamp":"1736535600"}`
	value := func(v string) string {
		return `{"object":"whatsapp_business_account","entry":[{"id":"1","time":2,"changes":[{"field":"messages","value":` + v + `}]}]}`
	}
	for _, c := range []struct{ body, key string }{
		{value(`{"messages":[{"id":"wamid.a\/b"}]}`), "wamid.a/b"},
		{value(`{"metadata":{"phone_number_id":"99"},"messages":[{"from":"15551234567","timestamp":"1736535600"}]}`),
			"15551234567\n99\n1736535600000\n" + hexSHA(`{"from":"15551234567","timestamp":"1736535600"}`)},
		{value(`{"metadata":{"phone_number_id":"99"},"message_echoes":[{"to":"15551234567"}]}`), "99\n15551234567\n\n" +
			hexSHA(`{"to":"15551234567"}`)},
		{value(`{"messages":[{"from_user_id":"US.1234"}]}`), "US.1234\n\n\n" + hexSHA(`{"from_user_id":"US.1234"}`)},
		{value(`{"statuses":[{"id":"w","status":"Read"}]}`), "w\nread"},
		{value(`{"statuses":[{"id":"w","status":"read","recipient_participant_id":"15551234567"}]}`), "w\nread\n15551234567"},
		{value(`{"statuses":[{"id":"w","status":"read","participant_recipient_id":"15551234567"}]}`), "w\nread\n15551234567"},
		{value(`{"statuses":[{"id":"w","status":"read","recipient_type":"group","recipient_id":"g","recipient_participant_user_id":"US.1"}]}`),
			"w\nread\nUS.1"},
		{value(`{"statuses":[{"id":"w","status":"read","recipient_participant_id":"","participant_recipient_user_id":"US.1"}]}`),
			"w\nread\nUS.1"},
		{value(`{"statuses":[{"id":"w","status":"read","recipient_participant_parent_user_id":"US.ENT.1"}]}`), "w\nread\nUS.ENT.1"},
		{value(`{"statuses":[{"id":"w","status":"read","recipient_type":"group","recipient_id":"g","recipient_user_id":"US.1"}]}`),
			"w\nread\nUS.1"},
		{value(`{"contacts":[{"wa_id":"15551234567"}],"statuses":[{"id":"w","status":"read","recipient_type":"group","recipient_id":"g"}]}`),
			"w\nread\n15551234567"},
		{value(`{"contacts":[{"user_id":"US.1"}],"statuses":[{"id":"w","status":"read","recipient_type":"group","recipient_id":"g"}]}`),
			"w\nread\nUS.1"},
		{value(`{"statuses":[{"id":"w","status":"read","recipient_id":"15551234567","recipient_user_id":"US.1"}]}`), "w\nread"},
		{value(`{"standby":{"messages":[{"id":"wamid.a"}]}}`), "wamid.a"},
		{value(`{"standby":{"message_echoes":[{"id":"wamid.a","message":{"to":"15551234567"}}]}}`), "wamid.a"},
		{value(`{"messages":[{"from_parent_user_id":"US.ENT.1"}]}`), "US.ENT.1\n\n\n" + hexSHA(`{"from_parent_user_id":"US.ENT.1"}`)},
		{value(`{"statuses":[` + raw + `]}`), "15551234567\nread\n1736535600000\n" + hexSHA(raw)},
		{value(`{"automatic_events":[{"id":"w","event_name":"Purchase"}]}`), "w\nPurchase"},
		{value(`{"x":1}`), hexSHA("1\n2\n" + `{"field":"messages","value":{"x":1}}`)},
		{`[]`, hexSHA("\n\n[]")},
	} {
		var b Batch
		if err := Meta(&b, []byte(c.body), ingested); err != nil {
			t.Fatal(err)
		}
		if len(b.Events) != 1 || string(b.Events[0].key) != c.key {
			t.Errorf("%s: %d events, key %q, want %q", c.body, len(b.Events), b.Events[0].key, c.key)
		}
	}
}

// TestElementsOfOneEvent: an event whose lists have more than any provider sends is
// kept as the whole webhook, so that no single event is many times its body.
func TestElementsOfOneEvent(t *testing.T) {
	for n, kind := range map[int]Kind{300: KindMessage, maxElements + 300: KindAccount} {
		body := []byte(`{"object":"page","entry":[{"id":"9","messaging":[{"sender":{"id":"1"},"recipient":{"id":"9"},"message":{"mid":"m",` +
			`"attachments":[` +
			strings.TrimSuffix(strings.Repeat(`{"type":"image"},`, n), ",") + `]}}]}]}`)
		var b Batch
		b.Limit(1000, 16*len(body)+1<<20)
		if err := Meta(&b, body, 1); err != nil {
			t.Fatal(err)
		}
		if b.Over() != (kind == KindAccount) {
			t.Errorf("%d elements: over %v", n, b.Over())
		}
	}
}
