package normalize

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGoldenMessenger(t *testing.T) { golden(t, "testdata/messenger") }
func TestGoldenInstagram(t *testing.T) { golden(t, "testdata/instagram") }

// TestCorpusPages runs bodies that none of us wrote, as TestCorpusWhatsApp does.
func TestCorpusPages(t *testing.T) {
	corpus := os.Getenv("LEADGATE_CORPUS")
	if corpus == "" {
		t.Skip("LEADGATE_CORPUS IS NOT SET: the bodies found in public repositories were NOT tried")
	}
	for _, folder := range []string{"messenger", "instagram"} {
		files, err := filepath.Glob(filepath.Join(corpus, folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s/%s: %v", corpus, folder, err)
		}
		for _, file := range files {
			t.Run(folder+"/"+filepath.Base(file), func(t *testing.T) {
				body, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				checkAll(t, body)
			})
		}
	}
}

// payloads are the bodies of a folder of golden files, by name.
func payloads(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no payloads in %s: %v", folder, err)
	}
	bodies := make(map[string][]byte)
	for _, file := range files {
		if strings.HasSuffix(file, ".golden.json") {
			continue
		}
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bodies[strings.TrimSuffix(filepath.Base(file), ".json")] = body
	}
	return bodies
}

// TestPagePayloads: of every payload each element is an event, in order, with
// the same id at a redelivery.
func TestPagePayloads(t *testing.T) {
	for _, folder := range []string{"testdata/messenger", "testdata/instagram"} {
		for name, body := range payloads(t, folder) {
			t.Run(filepath.Base(folder)+"/"+name, func(t *testing.T) { checkAll(t, body) })
		}
	}
}

// TestPageClicks: in whichever place, an ad is found, and nothing else is taken
// for one. The payloads' names tell which is which.
func TestPageClicks(t *testing.T) {
	ads := 0
	for _, folder := range []string{"testdata/messenger", "testdata/instagram"} {
		for name, body := range payloads(t, folder) {
			var b Batch
			if err := Meta(&b, body, ingested); err != nil {
				t.Fatal(err)
			}
			want := strings.Contains(name, "click") || name == "several"
			got := false
			for i := range b.Events {
				r := b.Events[i].Referral
				if r == nil {
					continue
				}
				ad := r.SourceType.String() == "ad"
				got = got || ad
				if noID := name == "click-no-ad-id"; ad && !noID && (r.AdID.String() != "120210000000000001" ||
					r.SourceID.String() != r.AdID.String() || !r.IsAd()) {
					t.Errorf("%s/%s: ad %s, source %s", folder, name, r.AdID, r.SourceID)
				}
				if !ad && (r.IsAd() || r.SourceID != nil) {
					t.Errorf("%s/%s: an ad without a click: %s", folder, name, r.AdID)
				}
				if r.CtwaClid != nil {
					t.Errorf("%s/%s: a click id, which these channels have not: %s", folder, name, r.CtwaClid)
				}
			}
			if got != want {
				t.Errorf("%s/%s: ad click %v, want %v", folder, name, got, want)
			}
			if got {
				ads++
			}
		}
	}
	if ads < 15 {
		t.Errorf("only %d payloads with a click", ads)
	}
}

// TestPageKeys holds what makes an event itself, part by part as the contract
// has it.
func TestPageKeys(t *testing.T) {
	item := func(v string) string {
		return `{"sender":{"id":7},"recipient":{"id":"9"},"timestamp":1736535600412,` + v + `}`
	}
	body := func(v string) string {
		return `{"object":"page","entry":[{"id":"9","time":2,"messaging":[` + v + `]}]}`
	}
	withoutID := func(v string) string { return "7\n9\n1736535600412\n" + hexSHA(item(v)) }
	const guest = `{"sender":{"user_ref":"g"},"recipient":{"id":"9"},"message":{"text":"x"}}`
	for _, c := range []struct{ body, key string }{
		{body(item(`"message":{"mid":"m_\/1","text":"x"}`)), "m_/1"},
		{body(item(`"postback":{"mid":"m_1","title":"x"}`)), "m_1"},
		{body(item(`"message":{"text":"x"}`)), withoutID(`"message":{"text":"x"}`)},
		{body(item(`"message":{"mid":"m_1","is_deleted":true}`)), withoutID(`"message":{"mid":"m_1","is_deleted":true}`)},
		{body(item(`"message_edit":{"mid":"m_1","text":"x"}`)), withoutID(`"message_edit":{"mid":"m_1","text":"x"}`)},
		{body(item(`"reaction":{"mid":"m_1","action":"react"}`)), withoutID(`"reaction":{"mid":"m_1","action":"react"}`)},
		{body(item(`"referral":{"source":"ADS"}`)), withoutID(`"referral":{"source":"ADS"}`)},
		{body(guest), "g\n9\n\n" + hexSHA(guest)},
		{body(item(`"read":{"mid":"m_1"}`)), "m_1\nread"},
		{body(item(`"delivery":{"mids":["m_1"],"watermark":1736535600000}`)), "m_1\ndelivered"},
		{body(item(`"delivery":{"watermark":1736535600}`)), "7\ndelivered\n1736535600000"},
		{body(item(`"read":{"watermark":1736535600001}`)), "7\nread\n1736535600001"},
		{body(`{"sender":{"user_ref":"g"},"read":{"watermark":1736535600001}}`),
			"\nread\n\n" + hexSHA(`{"sender":{"user_ref":"g"},"read":{"watermark":1736535600001}}`)},
		{body(item(`"read":{}`)), "7\nread\n1736535600412\n" + hexSHA(item(`"read":{}`))},
		{body(item(`"optin":{}`)), hexSHA("9\n2\n" + item(`"optin":{}`))},
		{`{"object":"page","entry":[{"id":"9","time":2,"changes":[{"field":"feed"}]}]}`, hexSHA("9\n2\n" + `{"field":"feed"}`)},
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

// TestRecipientID: `match instagram_id` may name the entry's id or the account's
// own end, which for an echo is the sender; a page has one id.
func TestRecipientID(t *testing.T) {
	for _, c := range []struct{ file, account, recipient string }{
		{"instagram/recipient-differs", "17841400000000001", "9876543210987654"},
		{"instagram/echo", "17841400000000001", "9876543210987654"},
		{"instagram/change-messages", "0", "23245"},
		{"instagram/comments", "17841400000000001", ""},
		{"messenger/text", "", ""},
	} {
		body, err := os.ReadFile("testdata/" + c.file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var b Batch
		if err := Meta(&b, body, ingested); err != nil {
			t.Fatal(err)
		}
		if a := b.Events[0].Account; a.InstagramID.String() != c.account || a.routing.RecipientID.String() != c.recipient {
			t.Errorf("%s: account %s, recipient %s", c.file, a.InstagramID, a.routing.RecipientID)
		}
	}
}

// TestManyMids: one event for each mid, whose raw has that one alone, and the
// item byte for byte where there is but one.
func TestManyMids(t *testing.T) {
	item := func(mids string) string {
		return `{"sender":{"id":"7"}, "delivery":{"watermark":1736535600412,"mids":` + mids + `,"x":"\u00e9"}}`
	}
	for _, c := range []struct {
		mids string
		raws []string
	}{
		{`[ "m_1" ]`, []string{item(`[ "m_1" ]`)}},
		{`["m_1", "m_2","",null,"m_3"]`, []string{item(`["m_1"]`), item(`["m_2"]`), item(`["m_3"]`)}},
	} {
		var b Batch
		if err := Meta(&b, []byte(`{"object":"page","entry":[{"id":"9","messaging":[`+item(c.mids)+`]}]}`), ingested); err != nil {
			t.Fatal(err)
		}
		var raws []string
		for i := range b.Events {
			raws = append(raws, string(b.Events[i].Raw))
		}
		if !slices.Equal(raws, c.raws) {
			t.Errorf("mids %s:\n%q, want\n%q", c.mids, raws, c.raws)
		}
	}
}

// TestReusedPageBatch sends all payloads through one Batch and each through a
// new one: nothing of one webhook may show up in another, of whatever channel.
func TestReusedPageBatch(t *testing.T) {
	var reused Batch
	for _, folder := range []string{"testdata/whatsapp", "testdata/messenger", "testdata/whatsapp", "testdata/instagram"} {
		bodies := payloads(t, folder)
		for _, name := range slices.Sorted(maps.Keys(bodies)) {
			var fresh Batch
			want := normalized(t, &fresh, bodies[name])
			reused.Reset()
			if got := normalized(t, &reused, bodies[name]); !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
				t.Errorf("%s/%s: a reused batch gives\n%s\na new one\n%s", folder, name, got, want)
			}
		}
	}
}
