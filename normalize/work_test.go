package normalize

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// countingHash counts the bytes that are hashed.
type countingHash struct {
	stateHash
	bytes int
}

func (h *countingHash) Write(p []byte) (int, error) {
	h.bytes += len(p)
	return h.stateHash.Write(p)
}

// joined is n times a text with %d for its number.
func joined(n int, format string) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(out, ",")
}

// TestLongIDsAreHashedOnce: what the account events of an entry have in common is
// hashed once, however long it is, and the key is the same as of a short one.
func TestLongIDsAreHashedOnce(t *testing.T) {
	const events = 100
	id := strings.Repeat("1", 64<<10)
	entries := func(object, list, one string) string {
		return `{"object":"` + object + `","entry":[{"id":"` + id + `","time":1736535600,"` + list + `":[` + joined(events, one) + `]}]}`
	}
	cloud := entries("whatsapp_business_account", "changes", `{"field":"account_update","value":{"n":%d}}`)
	unknown := entries("permissions", "changes", `{"field":"connected","value":{"n":%d}}`)
	for name, c := range map[string]struct {
		read func(*Batch, []byte, int64) error
		body string
		time string
	}{
		"whatsapp changes":  {Meta, cloud, "1736535600"},
		"gupshup changes":   {Gupshup, cloud, "1736535600"},
		"360dialog changes": {Dialog360, cloud, "1736535600"},
		"page items":        {Meta, entries("page", "messaging", `{"sender":{"id":"7"},"optin":{"ref":"%d"}}`), "1736535600"},
		"page changes":      {Meta, entries("page", "changes", `{"field":"feed","value":{"n":%d}}`), "1736535600"},
		"instagram changes": {Meta, entries("instagram", "changes", `{"field":"comments","value":{"id":"%d"}}`), "1736535600"},
		"unknown object":    {Meta, unknown, "1736535600"},
		"360dialog unknown": {Dialog360, unknown, "1736535600"},
		"whapi":             {Whapi, `{"channel_id":"` + id + `","chats_removed":[` + joined(events, `"%d@s.whatsapp.net"`) + `]}`, ""},
	} {
		sha := &countingHash{stateHash: sha256.New().(stateHash)}
		b := Batch{sha: sha}
		if err := c.read(&b, []byte(c.body), ingested); err != nil {
			t.Fatal(err)
		}
		if len(b.Events) != events || sha.bytes == 0 || sha.bytes > 2*len(c.body) {
			t.Errorf("%s: %d events of %d bytes, %d were hashed", name, len(b.Events), len(c.body), sha.bytes)
		}
		for i := range b.Events {
			sum := sha256.Sum256([]byte(id + "\n" + c.time + "\n" + string(b.Events[i].Raw)))
			if want := hex.EncodeToString(sum[:]); string(b.Events[i].key) != want {
				t.Fatalf("%s: event %d has the key %s, want %s", name, i, b.Events[i].key, want)
			}
		}
	}
}

// TestHashOfNextEntry: an entry's id is hashed for its own events alone, and so is
// that of the next body in the same batch.
func TestHashOfNextEntry(t *testing.T) {
	long := strings.Repeat("1", 2*longTexts)
	body := func(first, second string) []byte {
		one := `","changes":[{"field":"x","value":{"n":1}},{"field":"x","value":{"n":1}}]}`
		return []byte(`{"object":"whatsapp_business_account","entry":[{"id":"` + first + one + `,{"id":"` + second + one + `]}`)
	}
	var b Batch
	for _, ids := range [][2]string{{long + "a", long + "b"}, {long + "c", long + "a"}, {"d", long + "d"}} {
		before := len(b.Events)
		if err := Meta(&b, body(ids[0], ids[1]), ingested); err != nil {
			t.Fatal(err)
		}
		for i, e := range b.Events[before:] {
			sum := sha256.Sum256([]byte(ids[i/2] + "\n\n" + string(e.Raw)))
			if want := hex.EncodeToString(sum[:]); string(e.key) != want {
				t.Errorf("%.1s…%d: the key is %s, want %s", ids[0], i, e.key, want)
			}
		}
	}
}

// TestContactsAreLinear: twice the contacts and messages take twice the work. An
// id in escapes is decoded each time that it is compared, which allocates.
func TestContactsAreLinear(t *testing.T) {
	lists := map[string]string{
		"messages":       `{"id":"m%d","from":"\u0035550%[1]d"}`,
		"statuses":       `{"id":"m%d","status":"read","recipient_id":"\u0035550%[1]d"}`,
		"message_echoes": `{"id":"m%d","from":"9","to":"\u0035550%[1]d"}`,
		"of strangers":   `{"id":"m%d","from":"\u0036660%[1]d"}`,
	}
	for name, one := range lists {
		key := name
		if key == "of strangers" {
			key = "messages"
		}
		for _, standby := range []bool{false, true} {
			work := func(n int) float64 {
				list := `"` + key + `":[` + joined(n, one) + `]`
				if standby {
					list = `"standby":{` + list + `}`
				}
				body := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"contacts":[` +
					joined(n, `{"wa_id":"\u0035550%d","profile":{"name":"N%[1]d"}}`) + `],` + list + `}}]}]}`)
				var b Batch
				allocs := testing.AllocsPerRun(1, func() {
					b = Batch{}
					if err := Meta(&b, body, ingested); err != nil {
						t.Fatal(err)
					}
				})
				for i := range b.Events {
					if want := fmt.Sprintf("N%d", i); name != "of strangers" && b.Events[i].ProfileName.String() != want {
						t.Fatalf("%s: event %d is of %s, want %s", name, i, b.Events[i].ProfileName, want)
					}
				}
				if len(b.Events) != n {
					t.Fatalf("%s: %d events, want %d", name, len(b.Events), n)
				}
				return allocs
			}
			if one, four := work(200), work(800); four > one*5 {
				t.Errorf("%s, standby %v: %.0f and %.0f allocations", name, standby, one, four)
			}
		}
	}
}

// TestFirstContactThatFits: among many contacts as among few, the first that any
// of the ids fits counts.
func TestFirstContactThatFits(t *testing.T) {
	for _, fill := range []int{0, fewContacts - 1, fewContacts, 500} {
		filler := ""
		if fill > 0 {
			filler = joined(fill, `{"wa_id":"9%d"}`) + ","
		}
		for contacts, want := range map[string]string{
			`{"user_id":"US.1","profile":{"name":"A"}},{"wa_id":"+5","profile":{"name":"B"}}`:                                         "A",
			`{"wa_id":"5","profile":{"name":"B"}},{"user_id":"US.1","profile":{"name":"A"}}`:                                          "B",
			`{"parent_user_id":"US.ENT.1","profile":{"name":"C"}},{"wa_id":"5","profile":{"name":"B"}}`:                               "C",
			`{"wa_id":"5","profile":{"name":"B"}},{"wa_id":"5","profile":{"name":"D"}}`:                                               "B",
			`{"wa_id":"6","profile":{"name":"E"}},{"wa_id":"","user_id":null,"profile":{"name":"F"}}`:                                 "",
			`{"wa_id":"6","profile":{"name":"E"}},{"wa_id":"` + strings.Repeat("5", maxCompared) + `","profile":{"name":"too long"}}`: "",
		} {
			var b Batch
			body := `{"object":"whatsapp_business_account","entry":[{"changes":[{"value":{"contacts":[` + filler + contacts +
				`],"messages":[{"id":"m","from":"5","from_user_id":"US.1","from_parent_user_id":"US.ENT.1"}]}}]}]}`
			if err := Meta(&b, []byte(body), ingested); err != nil {
				t.Fatal(err)
			}
			if got := b.Events[0].ProfileName.String(); got != want {
				t.Errorf("after %d others, of %.80s it is %q, want %q", fill, contacts, got, want)
			}
		}
	}
}

// TestLongNumbersAreNotReadAgain: a long id that all messages share is not
// decoded for each of them.
func TestLongNumbersAreNotReadAgain(t *testing.T) {
	long := `"` + strings.Repeat(`\u0031`, 20<<10) + `"`
	for name, value := range map[string]string{
		"echoes of a number": `"metadata":{"display_phone_number":` + long + `},"message_echoes":[` +
			joined(200, `{"id":"m%d","from":"2","to":"3"}`) + `]`,
		"echoes to one":   `"contacts":[{"wa_id":` + long + `}],"message_echoes":[` + joined(200, `{"id":"m%d","from":"2","to":"3"}`) + `]`,
		"messages of one": `"contacts":[{"wa_id":` + long + `}],"messages":[` + joined(200, `{"id":"m%d"}`) + `]`,
		"statuses of two": `"contacts":[{"wa_id":` + long + `},{"wa_id":"1"}],"statuses":[` +
			joined(200, `{"id":"m%d","recipient_id":"2","status":"read"}`) + `]`,
	} {
		body := []byte(`{"object":"whatsapp_business_account","entry":[{"changes":[{"value":{` + value + `}}]}]}`)
		var before, after runtime.MemStats
		var b Batch
		runtime.ReadMemStats(&before)
		err := Meta(&b, body, ingested)
		runtime.ReadMemStats(&after)
		if err != nil || len(b.Events) != 200 {
			t.Fatal(len(b.Events), err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 20*uint64(len(body)) {
			t.Errorf("%s: %d bytes for a body of %d", name, got, len(body))
		}
	}
}
