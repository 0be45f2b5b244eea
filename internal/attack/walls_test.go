package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// owners are the ids that tenants are told apart by, and of one that is nobody's.
var owners = []string{"111", "222", "333"}

// houses are where what is an owner's goes: the tenants' sinks' paths begin so.
var houses = map[string]string{"111": "acme", "222": "globex"}

// composer makes webhooks that hold elements of several owners. Each element bears
// a mark of its owner's, such as MARK-111-7-m.
type composer struct {
	*rand.Rand
	n      int
	owned  map[string][]string // owner → the marks of messages, which must arrive
	bodies [][]byte            // all that were made
}

func (c *composer) mark(owner, kind string) string {
	c.n++
	mark := fmt.Sprintf("MARK-%s-%d-%s", owner, c.n, kind)
	if kind == "m" {
		c.owned[owner] = append(c.owned[owner], mark)
	}
	return mark
}

func (c *composer) owner() string { return owners[c.IntN(len(owners))] }

// id spells an id in one of the ways of JSON.
func (c *composer) id(id string) string {
	switch c.IntN(4) {
	case 0:
		return id
	case 1:
		return `"\u003` + id[:1] + id[1:] + `"`
	}
	return `"` + id + `"`
}

// object is an object of these members, in any order.
func (c *composer) object(members ...string) string {
	c.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, []string{",", " ,\n\t"}[c.IntN(2)]) + "}"
}

// list is a list, at times with elements that are none, or no list where it has one.
func (c *composer) list(elements ...string) string {
	switch c.IntN(8) {
	case 0:
		elements = append(elements, []string{"null", "{}", "[]", `""`, "7", `"x"`}[c.IntN(6)])
	case 1:
		if len(elements) == 1 {
			return elements[0]
		}
	}
	return "[" + strings.Join(elements, ",") + "]"
}

// entries are always a list: an entry that is none is one piece, of whoever alone
// is named in it.
func (c *composer) entries(entry func() string) string {
	return `"entry":[` + strings.Join(c.some(3, entry), ",") + `]`
}

func (c *composer) some(most int, element func() string) []string {
	out := make([]string, 1+c.IntN(most))
	for i := range out {
		out[i] = element()
	}
	return out
}

// cloud is a webhook of WhatsApp's in Meta's form.
func (c *composer) cloud() string {
	change := func() string {
		owner := c.owner()
		customer := fmt.Sprintf("1555%07d", c.IntN(50))
		members := []string{`"messaging_product":"whatsapp"`,
			`"metadata":` + c.object(`"phone_number_id":`+c.id(owner), `"display_phone_number":"1555"`),
			fmt.Sprintf(`"contacts":%s`, c.list(fmt.Sprintf(`{"wa_id":%q,"profile":{"name":%q}}`, customer, c.mark(owner, "c"))))}
		if c.IntN(4) > 0 {
			members = append(members, `"messages":`+c.list(c.some(3, func() string {
				mark := c.mark(owner, "m")
				return c.object(`"from":"`+customer+`"`, `"id":"wamid.`+mark+`"`, `"type":"text"`, `"text":{"body":"`+mark+`"}`)
			})...))
		}
		if c.IntN(3) == 0 {
			members = append(members, `"statuses":`+c.list(c.object(`"id":"wamid.`+c.mark(owner, "s")+`"`, `"status":"read"`,
				`"recipient_id":"`+customer+`"`)))
		}
		if c.IntN(4) == 0 {
			members = append(members, fmt.Sprintf(`"errors":[{"code":1,"message":%q}],"novelty":{"text":%q}`, c.mark(owner, "e"),
				c.mark(owner, "x")))
		}
		return c.object(`"field":"messages"`, `"value":`+c.object(members...))
	}
	entry := func() string { return c.object(`"id":"9"`, `"changes":`+c.list(c.some(3, change)...)) }
	return c.object(`"object":"whatsapp_business_account"`, c.entries(entry))
}

// chat is a webhook of Messenger's or Instagram's.
func (c *composer) chat(object string) string {
	entry := func() string {
		of := c.owner()
		item := func() string {
			owner := c.owner()
			customer := fmt.Sprintf(`{"id":"70%05d"}`, c.IntN(50))
			business := `{"id":` + c.id(owner) + `}`
			if houses[owner] == "" {
				owner = of // an item's own end says more than its entry, if it is a tenant's
			}
			mark := c.mark(owner, "m")
			if c.IntN(4) == 0 {
				return c.object(`"sender":`+business, `"recipient":`+customer, `"timestamp":1736535600412`,
					`"message":{"is_echo":true,"mid":"m_`+mark+`","text":"`+mark+`"}`)
			}
			return c.object(`"sender":`+customer, `"recipient":`+business, `"timestamp":1736535600412`,
				[]string{`"message":{"mid":"m_` + mark + `","text":"` + mark + `"}`, `"postback":{"mid":"m_` + mark + `","title":"` + mark + `"}`,
					`"referral":{"ref":"` + mark + `","source":"ADS"}`, `"novelty":{"x":"` + mark + `"}`}[c.IntN(4)])
		}
		members := []string{`"id":` + c.id(of), `"time":1736535600412`}
		if c.IntN(4) > 0 {
			members = append(members, `"messaging":`+c.list(c.some(3, item)...))
		}
		if c.IntN(3) == 0 {
			members = append(members, `"standby":`+c.list(c.some(2, item)...))
		}
		if c.IntN(3) == 0 {
			members = append(members, `"changes":`+c.list(c.some(2, func() string { return c.object(`"field":"messages"`, `"value":`+item()) })...))
		}
		return c.object(members...)
	}
	return c.object(`"object":"`+object+`"`, c.entries(entry))
}

// one is a webhook of a provider whose webhooks are of one account each. All
// tenants know the same person.
func (c *composer) one(provider string) string {
	owner, person := c.owner(), "15551234567"
	if houses[owner] == "" {
		person = "15557654321" // an erase reaches what is nobody's
	}
	mark := c.mark(owner, "m")
	switch provider {
	case "gupshup":
		return fmt.Sprintf(`{"app":%q,"timestamp":1736535600123,"version":2,"type":"message","payload":{"id":%[2]q,"source":%[3]q,"type":"text",`+
			`"payload":{"text":%[2]q}}}`, owner, mark, person)
	case "whapi":
		return fmt.Sprintf(`{"messages":[{"id":%[2]q,"from":%[3]q,"chat_id":"%[3]s@s.whatsapp.net","type":"text","text":{"body":%[2]q},`+
			`"timestamp":1736535600}],"channel_id":%[1]q}`, owner, mark, person)
	}
	return fmt.Sprintf("MessageSid=SM%032x&AccountSid=AC%032x&From=%%2B%s&To=%%2B1555%s&Body=%s", c.n, 1, person, owner, mark)
}

// came fails the test for the first message of an owner's that did not come.
func (c *composer) came(t *testing.T, where, owner string, marks map[string]bool) {
	t.Helper()
	for _, mark := range c.owned[owner] {
		if marks[mark] {
			continue
		}
		i := slices.IndexFunc(c.bodies, func(body []byte) bool { return bytes.Contains(body, []byte(mark)) })
		t.Errorf("%s: %s did not come of %s", where, mark, c.bodies[i])
		return
	}
}

// body is some webhook of a provider.
func (c *composer) body(provider string) []byte {
	body := c.made(provider)
	c.bodies = append(c.bodies, body)
	return body
}

func (c *composer) made(provider string) []byte {
	switch {
	case provider == "whapi", provider == "twilio", provider == "gupshup" && c.IntN(2) == 0:
		return []byte(c.one(provider))
	case provider == "meta" && c.IntN(3) > 0:
		return []byte(c.chat([]string{"page", "instagram"}[c.IntN(2)]))
	}
	return []byte(c.cloud())
}

// walled is a site with a block for each provider, of these tenants; each has a
// destination for raw bytes, one for events and one that refuses them.
func walled(s *sink, of map[string]string) string {
	var site strings.Builder
	for _, p := range providers {
		var tenants strings.Builder
		for _, id := range slices.Sorted(maps.Keys(of)) {
			match := map[string]string{
				"meta": "page_id %s\nmatch instagram_id %s\nmatch phone_number_id %s", "gupshup": "app %s\nmatch phone_number_id " +
					"%s", "360dialog": "phone_number_id %s",
				"whapi": "channel_id %s", "twilio": "phone +1555%s",
			}[p.name]
			fmt.Fprintf(&tenants, "tenant %s-%s {\nmatch %s\n", of[id], p.name, strings.ReplaceAll(match, "%s", id))
			for _, kind := range []string{"raw", "events", "refused"} {
				fmt.Fprintf(&tenants, "forward %s/%s/%s {\nname %[2]s-%[4]s-%[3]s\nonly all\n%[5]s\n}\n", s.URL, of[id], kind, p.name,
					map[bool]string{true: "raw"}[kind == "raw"])
			}
			tenants.WriteString("}\n")
		}
		site.WriteString(p.block(tenants.String()))
	}
	return site.String()
}

var markOf = regexp.MustCompile(`MARK-(\d+)-\d+-\w`)

// strangers fails the test for marks in a text that are not this owner's, and
// returns those that are.
func strangers(t *testing.T, where, owner string, text []byte) map[string]bool {
	t.Helper()
	own := make(map[string]bool)
	for _, found := range markOf.FindAllSubmatch(text, -1) {
		if string(found[1]) != owner {
			t.Errorf("%s has %s: %.1000s", where, found[0], text)
			return own
		}
		own[string(found[0])] = true
	}
	return own
}

// TestWallsFromOutside: whatever webhooks hold, and however they spell it, what
// comes to a tenant's destinations is its own, and so is what is kept as their
// dead letters, what a replay sends and what an erase removes.
func TestWallsFromOutside(t *testing.T) {
	each, seed := 100, uint64(1)
	if long() {
		each, seed = 5000, rand.Uint64()
	}
	t.Logf("seed %d", seed)
	onBothQueues(t, func(t *testing.T, st store) {
		s := newSink(t)
		s.keeps = true
		for _, house := range houses {
			s.refuse("/"+house+"/refused", http.StatusUnprocessableEntity)
		}
		e := startEdge(t, st.option, walled(s, houses))
		c := &composer{Rand: rand.New(rand.NewPCG(seed, 2)), owned: make(map[string][]string)}
		for i := range providers {
			p := &providers[i]
			for range each {
				body := c.body(p.name)
				if resp, err := e.posts(p.path, p.sign(e, body), body); err != nil || resp.StatusCode != http.StatusOK {
					t.Fatalf("%s: %v %v\n%s", p.name, resp, err, body)
				}
			}
		}
		e.drained()
		kept := make(map[string]int)
		for id, house := range houses {
			e.own(t, s, c, id, house)
			for _, p := range providers {
				kept[house] += e.dead(t, house+"-"+p.name+"-refused", id)
			}
		}
		// A person of all tenants is erased by one: the others' letters stay.
		e.Do(http.MethodPost, "/leadgate/contacts/erase", `{"tenant":"acme-whapi","contact":"+15551234567"}`, nil)
		left := map[string]int{}
		for id, house := range houses {
			for _, p := range providers {
				left[house] += e.dead(t, house+"-"+p.name+"-refused", id)
			}
		}
		if left["globex"] != kept["globex"] || left["acme"] >= kept["acme"] {
			t.Errorf("dead letters before %v, after an erase of acme-whapi's %v", kept, left)
		}
		// What is replayed goes where it came from.
		s.refuse("/globex/refused", http.StatusOK)
		s.take("/globex/refused")
		s.take("/acme/refused")
		for _, p := range providers {
			e.Do(http.MethodPost, "/leadgate/dead/replay", fmt.Sprintf(`{"destination":"globex-%s-refused","all":true}`, p.name), nil)
		}
		e.drained()
		for _, body := range s.take("/globex/refused").kept {
			strangers(t, "what globex got of a replay", "222", body)
		}
		if n := s.take("/acme/refused").posts; n != 0 {
			t.Errorf("a replay of globex's dead letters reached acme %d times", n)
		}
		e.claimed(t, s, c)
		e.discreet(t)
	})
}

// own looks at what came to a tenant's destinations.
func (e *edge) own(t *testing.T, s *sink, c *composer, id, house string) {
	t.Helper()
	for _, kind := range []string{"raw", "events", "refused"} {
		came := make(map[string]bool)
		got := s.take("/" + house + "/" + kind)
		for _, body := range got.kept {
			maps.Copy(came, strangers(t, "/"+house+"/"+kind, id, body))
		}
		t.Logf("/%s/%s: %d posts with %d marks", house, kind, got.posts, len(came))
		c.came(t, "/"+house+"/"+kind, id, came)
	}
}

// dead looks at all dead letters of a destination, and counts them.
func (e *edge) dead(t *testing.T, destination, owner string) (n int) {
	t.Helper()
	for next := ""; ; {
		var page struct {
			Dead []struct{ Event json.RawMessage }
			Next *string
		}
		e.Do(http.MethodGet, "/leadgate/dead?limit=1000&destination="+destination+next, "", &page)
		for _, letter := range page.Dead {
			strangers(t, "a dead letter of "+destination, owner, letter.Event)
		}
		if n += len(page.Dead); page.Next == nil {
			return n
		}
		next = "&after=" + *page.Next
	}
}

// claimed loads a configuration that has a tenant for what is nobody's, and
// replays it: it goes to that one alone.
func (e *edge) claimed(t *testing.T, s *sink, c *composer) {
	t.Helper()
	for _, house := range houses {
		s.take("/" + house + "/raw")
		s.take("/" + house + "/events")
	}
	all := maps.Clone(houses)
	all["333"] = "initech"
	e.load(walled(s, all))
	var result struct{ Count, Unmatched, NoBlock int }
	e.Do(http.MethodPost, "/leadgate/dead/replay", `{"destination":"unmatched","all":true}`, &result)
	if result.Count == 0 || result.NoBlock != 0 {
		t.Errorf("replay of unmatched: %+v", result)
	}
	e.drained()
	came := make(map[string]bool)
	for _, body := range s.take("/initech/events").kept {
		maps.Copy(came, strangers(t, "what initech got of unmatched", "333", body))
	}
	t.Logf("initech got %d of %d messages that were nobody's", len(came), len(c.owned["333"]))
	// Of what is nobody's the newest 10000 are kept.
	marks := c.owned["333"]
	c.owned["333"] = marks[max(0, len(marks)-1000):]
	c.came(t, "initech", "333", came)
	for _, house := range houses {
		if n := s.take("/"+house+"/raw").posts + s.take("/"+house+"/events").posts; n != 0 {
			t.Errorf("a replay of unmatched reached %s %d times", house, n)
		}
	}
}
