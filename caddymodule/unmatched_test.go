package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/queue"
)

// unmatchedCase is an event that is matched by one id.
type unmatchedCase struct {
	match, provider, body string
}

func unmatchedCases() []unmatchedCase {
	cloud := func(more string) string {
		return fmt.Sprintf(`{%s"object":"whatsapp_business_account","entry":[{"id":"102290129340398",`+
			`"changes":[{"value":{"metadata":{"display_phone_number":"+1 555-078-3881","phone_number_id":"106540352242922"},`+
			`"messages":[{"from":"15551234567","id":"wamid.1","timestamp":"%d","type":"text","text":{"body":"x"}}]},`+
			`"field":"messages"}]}]}`, more, time.Now().Unix())
	}
	page := func(object, entry, to string) string {
		return fmt.Sprintf(`{"object":%q,"entry":[{"id":%q,"messaging":[{"sender":{"id":"7"},"recipient":{"id":%q},"timestamp":%d,`+
			`"message":{"mid":"m","text":"x"}}]}]}`, object, entry, to, time.Now().UnixMilli())
	}
	form := url.Values{"MessageSid": {"SM1"}, "AccountSid": {"AC123"}, "From": {"whatsapp:+15551234567"}, "To": {"whatsapp:+15550783881"},
		"Body": {"x"}, "NumMedia": {"0"}}.Encode()
	v2 := `{"app":"DemoApp","appId":"g-1","phone":"15550783881","timestamp":1736535600123,"version":2,"type":"message",` +
		`"payload":{"id":"wamid.1","source":"15551234567","type":"text","payload":{"text":"x"}}}`
	whapi := "whapi {\n token query token x\n}"
	twilio := "twilio {\n token query token x\n}"
	return []unmatchedCase{
		{"phone_number_id 106540352242922", wallMeta, cloud("")},
		{"phone 15550783881", wallMeta, cloud("")},
		{"waba_id 102290129340398", wallMeta, cloud("")},
		{"waba_id 102290129340398", wallDialog, cloud("")},
		{"page_id 111", wallMeta, page("page", "111", "111")},
		{"page_id 222", wallMeta, page("page", "111", "222")},
		{"instagram_id 111", wallMeta, page("instagram", "111", "222")},
		{"instagram_id 222", wallMeta, page("instagram", "111", "222")},
		{"app g-1", wallGupshup, cloud(`"gs_app_id":"g-1",`)},
		{"app g-1", wallGupshup, v2},
		{"app DemoApp", wallGupshup, v2},
		{"phone +15550783881", wallGupshup, v2},
		{"channel_id C-1", whapi,
			`{"messages":[{"id":"A1","from":"15551234567","chat_id":"15551234567@s.whatsapp.net","type":"text","text":{"body":"x"},` +
				`"timestamp":1736535600}],"channel_id":"C-1"}`},
		{"account_sid AC123", twilio, form},
		{"phone +1 (555) 078-3881", twilio, form},
		{"page_id 222", wallMeta, `{"object":"new","entry":[{"id":"222","x":1}]}`},
	}
}

// TestUnmatchedByEveryKey: with each key that a match has, added as the log line
// says, a replay routes the event; it is the event that the webhook itself would
// have been.
func TestUnmatchedByEveryKey(t *testing.T) {
	tried := map[string]bool{}
	for _, c := range unmatchedCases() {
		key, value, _ := strings.Cut(c.match, " ")
		tried[key] = true
		t.Run(strings.Fields(c.provider)[0]+" "+c.match, func(t *testing.T) {
			onStores(t, func(t *testing.T, queue string) {
				s := newSink(t)
				block := func(match string) (string, string) {
					return withAdmin(t, wallSite(queue, c.provider, "tenant acme {\nmatch "+match+"\nforward "+s.URL+" {\nonly all\n}\n}"))
				}
				config, base := block(key + " 999999999")
				e := startEdge(t, config)
				e.post("/webhooks?token=x", []byte(c.body))
				var page deadPage
				e.admin(base, "GET", "/leadgate/dead?destination=unmatched", nil, &page)
				if len(page.Dead) != 1 {
					t.Fatalf("%d dead letters", len(page.Dead))
				}
				var got intake.Replayed
				e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, &got)
				if got != (intake.Replayed{Unmatched: 1}) {
					t.Errorf("before there is a match: %+v", got)
				}
				config, base = block(key + ` "` + value + `"`)
				if err := e.load(config); err != nil {
					t.Fatal(err)
				}
				e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, &got)
				if got != (intake.Replayed{Count: 1}) {
					t.Fatalf("replayed %+v: %s", got, page.Dead[0].Explanation)
				}
				d := s.next(t)
				e.post("/webhooks?token=x", []byte(c.body)) // the same event, and so nothing new
				if more := e.gathered(base, s); d.event["tenantId"] != "acme" || len(more) != 0 {
					t.Errorf("got %s, then %v", d.body, more)
				}
				if got := e.load(config + "\n# again"); got != nil {
					t.Fatal(got)
				}
			})
		})
	}
	for _, key := range intake.MatchKeys {
		if !tried[key] {
			t.Errorf("match %s is not tried", key)
		}
	}
}

// TestUnmatchedKnowsItsBlock: an event that nobody in its block wants is no other
// block's, over reloads; one whose block has gone stays, and the answer says so.
func TestUnmatchedKnowsItsBlock(t *testing.T) {
	onStores(t, func(t *testing.T, queue string) {
		s, other := newSink(t), newSink(t)
		block := func(path, rest string) string {
			return "leadgate " + path + " {\nprovider " + wallMeta + "\n" + rest + "\n}\n"
		}
		acme := func(number string) string {
			return "tenant acme {\nmatch phone_number_id " + number + "\nforward " + s.URL + "\n}"
		}
		load := func(e *edge, blocks ...string) (*edge, string) {
			text := "{\nadmin off\nleadgate {\nqueue " + queue + "\n}\n}\nhttp://127.0.0.1:%PORT% {\n" + strings.Join(blocks,
				"") + "respond 404\n}\n"
			config, base := withAdmin(t, text)
			if e == nil {
				return startEdge(t, config), base
			}
			if err := e.load(config); err != nil {
				t.Fatal(err)
			}
			return e, base
		}
		replay := func(e *edge, base string, want intake.Replayed) {
			t.Helper()
			var got intake.Replayed
			e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, &got)
			if got != want {
				t.Errorf("replayed %+v, want %+v", got, want)
			}
		}
		globex := block("/b", "tenant globex\nforward "+other.URL) // takes whatever comes
		e, base := load(nil, block("/a", acme("111")), globex)
		e.post("/a", message("wamid.1", "15551234567", "x"))
		replay(e, base, intake.Replayed{Unmatched: 1})
		if got := e.gathered(base, other); len(got) != 0 {
			t.Fatalf("another block's tenant got %s", got[0].body)
		}
		// Its block is there no more, or elsewhere.
		e, base = load(e, globex)
		replay(e, base, intake.Replayed{NoBlock: 1})
		e, base = load(e, block("/c", acme("106540352242922")), globex)
		replay(e, base, intake.Replayed{NoBlock: 1})
		e.post("/c", envelope("222", `"messages":[{"from":"15551234567","id":"wamid.2","type":"text","text":{"body":"x"}}]`))
		want := "replayed 0\n1 still match nobody\n1 came by a leadgate block that is not in the configuration\n"
		if out := mustCLI(t, "dead", "replay", "--destination", "unmatched", "--all", address(base)); out != want {
			t.Errorf("the command says %q", out)
		}
		if got := append(e.gathered(base, other), e.gathered(base, s)...); len(got) != 0 {
			t.Fatalf("somebody got %s", got[0].body)
		}
		// It is there again, after the other one and with another secret.
		e, base = load(e, globex, strings.Replace(block("/a", acme("106540352242922")), testSecret, "changed", 1))
		replay(e, base, intake.Replayed{Count: 1, NoBlock: 1})
		if d := s.next(t); d.event["tenantId"] != "acme" {
			t.Errorf("got %s", d.body)
		}
		if got := e.gathered(base, other); len(got) != 0 {
			t.Errorf("another block's tenant got %s", got[0].body)
		}
	})
}

// TestUnmatchedOfOlderVersions: a letter that has its key alone beside it is routed
// where its provider has one block, and by no other's.
func TestUnmatchedOfOlderVersions(t *testing.T) {
	onStores(t, func(t *testing.T, queueName string) {
		s := newSink(t)
		load := func(e *edge, number string, blocks ...string) (*edge, string) {
			config, base := withAdmin(t, wallSite(queueName, wallMeta, "tenant acme {\nmatch phone_number_id "+number+"\nforward "+s.URL+"\n}"))
			config = strings.Replace(config, "respond ", strings.Join(blocks, "\n")+"\nrespond ", 1)
			if e == nil {
				return startEdge(t, config), base
			}
			if err := e.load(config); err != nil {
				t.Fatal(err)
			}
			return e, base
		}
		e, base := load(nil, "111")
		body := message("wamid.1", "15551234567", "x")
		e.post("/webhooks", body)
		_, q, err := activeQueue()
		if err != nil {
			t.Fatal(err)
		}
		letters, err := q.Dead(t.Context(), queue.DeadFilter{})
		if err != nil || len(letters) != 1 {
			t.Fatalf("%d letters, %v", len(letters), err)
		}
		if _, err := q.DropDead(t.Context(), queue.DeadFilter{Destination: "unmatched"}); err != nil {
			t.Fatal(err)
		}
		letter := letters[0]
		var rec struct {
			Key       []byte
			Block, At string
		}
		err = json.Unmarshal(letter.Header.Meta[1:], &rec)
		if err != nil || string(rec.Key) != "wamid.1" || len(rec.Block) != 16 || rec.At != "meta 127.0.0.1/webhooks*" {
			t.Fatalf("%+v, %v", rec, err)
		}
		unread := letter.Header
		letter.Header.Meta, unread.Meta = rec.Key, []byte("\xff{\"v\":99}")
		var other queue.ID
		copy(other[:], "another event id")
		results := q.Append(t.Context(), []queue.Group{{
			Events: []queue.Event{{ID: other}}, Payloads: [][]byte{letter.Payload},
			Jobs: []queue.Job{
				{Dest: queue.Unmatched, Events: []int{0}, Header: unread, Dead: &letter.Reason},
				{Dest: queue.Unmatched, Events: []int{0}, Header: letter.Header, Dead: &letter.Reason},
			},
		}})
		if results[0].Err != nil {
			t.Fatal(results[0].Err)
		}
		replay := func(want intake.Replayed) {
			t.Helper()
			var got intake.Replayed
			e.admin(base, "POST", "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, &got)
			if got != want {
				t.Errorf("replayed %+v, want %+v", got, want)
			}
		}
		another := "leadgate /more {\nprovider " + wallMeta + "\nforward " + s.URL + " {\nname more\n}\n}"
		e, base = load(e, "106540352242922", another)
		replay(intake.Replayed{Unmatched: 1, NoBlock: 1})
		e, base = load(e, "106540352242922", strings.Replace(another, wallMeta, wallGupshup, 1))
		replay(intake.Replayed{Unmatched: 1, Count: 1})
		if d := s.next(t); d.event["tenantId"] != "acme" {
			t.Errorf("got %s", d.body)
		}
		e.post("/webhooks", body)
		if got := e.gathered(base, s); len(got) != 0 {
			t.Errorf("the same event once more: %s", got[0].body)
		}
	})
}

// TestLargeDeadLetters lists letters that are more than a page by their size, and
// replays them: neither has them all in memory.
func TestLargeDeadLetters(t *testing.T) {
	for _, queue := range bothQueues {
		t.Run(queue, func(t *testing.T) {
			acme := newSink(t)
			config, base := withAdmin(t, siteWith(queueOption(t, queue), `tenant acme {
			match phone_number_id 111
			forward `+acme.URL+`
		}`))
			e := startEdge(t, config)
			const letters = 12
			long := strings.Repeat("x", 500<<10)
			for i := range letters {
				body := message(fmt.Sprintf("wamid.%d", i), "15551234567", long) // its text stands in raw, too
				if resp, _ := e.post("/webhooks/meta", body); resp.StatusCode != http.StatusOK {
					t.Fatalf("%d", resp.StatusCode)
				}
			}
			var seen []string
			pages := 0
			for after := ""; ; pages++ {
				var page struct {
					Dead []struct {
						ID    string
						Event json.RawMessage
					}
					Next *string
				}
				if status := e.admin(base, http.MethodGet, "/leadgate/dead?destination=unmatched"+after, nil, &page); status != http.StatusOK {
					t.Fatalf("listing: %d", status)
				}
				size := 0
				for _, l := range page.Dead {
					seen = append(seen, l.ID)
					size += len(l.Event)
				}
				if size > 8<<20 || page.Next != nil && *page.Next != seen[len(seen)-1] {
					t.Fatalf("a page of %d bytes, and next %v", size, page.Next)
				}
				if page.Next == nil {
					break
				}
				after = "&after=" + *page.Next
			}
			if slices.Sort(seen); len(slices.Compact(seen)) != letters || pages == 0 {
				t.Fatalf("%d letters on %d pages, want %d on several", len(seen), pages+1, letters)
			}
			var answer intake.Replayed
			e.admin(base, http.MethodPost, "/leadgate/dead/replay", map[string]any{"destination": "unmatched", "all": true}, &answer)
			if answer.Unmatched != letters {
				t.Errorf("replay: %+v", answer)
			}
		})
	}
}
