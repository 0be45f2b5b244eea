package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leadgate/leadgate/normalize"
)

var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(normalize.Schema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("unified.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("unified.schema.json")
})

func validate(t *testing.T, event []byte) {
	t.Helper()
	s, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("%v: %s", err, event)
	}
}

// namespace is that of event ids.
var namespace = uuid.MustParse("ed605042-7667-539c-b710-2df987f22277")

// checkIdentities sees to it that a contact has every identity but those that the
// table says it cannot have.
func (m *matrix) checkIdentities(t *testing.T, l *line) {
	for _, name := range identities {
		if why, not := l.cannot[name]; not != (l.firsts[0].id[name] == "") {
			t.Errorf("%s is %q; the table says of it: %q", name, l.firsts[0].id[name], why)
		}
	}
}

// of finds the events of a click among what a destination got.
func (c *adClick) of(t *testing.T, list []arrival) (found []arrival) {
	t.Helper()
	for _, a := range list {
		var u unified
		decode(t, a.body, &u)
		if u.Kind == "message" && u.WaID == c.id["waId"] && u.UserID == c.id["userId"] && u.Message.ID == c.id["messageId"] &&
			u.Referral.AdID == c.adID &&
			(providers[c.row.provider].timeless || u.ReceivedAt/1000 == c.at.Unix()) {
			found = append(found, a)
		}
	}
	return found
}

// checkEvent sees to it that the CRM got a click once, as valid unified JSON that
// says what the golden file does.
func (m *matrix) checkEvent(t *testing.T, l *line, c *adClick) {
	t.Helper()
	found := c.of(t, m.ends.at(l.row, "crm"))
	if len(found) != 1 {
		t.Fatalf("the click of person %d came %d times", c.person, len(found))
	}
	validate(t, found[0].body)
	c.got = new(unified)
	decode(t, found[0].body, c.got)
	if c.got.Kind != "message" || c.got.Channel != l.channel || c.got.TenantID != l.name {
		t.Errorf("got a %s of %s for %s", c.got.Kind, c.got.Channel, c.got.TenantID)
	}
	if id := c.id["messageId"]; id != "" {
		want := uuid.NewSHA1(namespace, []byte(strings.Join([]string{l.name, l.channel, "message", id}, "\n"))).String()
		if c.got.ID != want {
			t.Errorf("id is %s, want %s", c.got.ID, want)
		}
	}
	if !bytes.Contains(c.body, c.got.Raw) && !providers[l.provider].form {
		t.Errorf("raw is not as it was posted: %s", c.got.Raw)
	}
	var got map[string]any
	decode(t, found[0].body, &got)
	for _, key := range []string{"id", "tenantId", "ingestedAt", "attribution"} {
		delete(got, key)
		delete(c.event, key)
	}
	if providers[l.provider].timeless {
		if c.got.ReceivedAt != c.got.IngestedAt {
			t.Errorf("receivedAt %d, ingestedAt %d", c.got.ReceivedAt, c.got.IngestedAt)
		}
		for _, key := range []string{"receivedAt", "replyUntil"} {
			delete(got, key)
			delete(c.event, key)
		}
	}
	for key := range c.event {
		if !reflect.DeepEqual(got[key], c.event[key]) {
			t.Errorf("%s is\n%v, want\n%v", key, got[key], c.event[key])
		}
	}
	if len(got) != len(c.event) {
		t.Errorf("the keys are %v", slices.Sorted(maps.Keys(got)))
	}
}

func (c *adClick) checkAttribution(t *testing.T, first, last *adClick) {
	t.Helper()
	if c.got == nil {
		t.Fatal("the event did not come")
	}
	a := c.got.Attribution
	if a.FirstClick == nil || a.LastClick == nil || *a.FirstClick != first.touch() || *a.LastClick != last.touch() {
		got, _ := json.Marshal(a)
		t.Errorf("attribution of person %d is %s, want %+v and %+v", c.person, got, first.touch(), last.touch())
	}
}

// checkForward sees to it that a destination got these clicks, once each, and no
// other message.
func (m *matrix) checkForward(t *testing.T, l *line, destination string, want []*adClick) {
	t.Helper()
	list := slices.DeleteFunc(m.ends.at(l.row, destination), func(a arrival) bool { return a.header.Get("Leadgate-Kind") == "conversion" })
	for _, c := range want {
		found := c.of(t, list)
		if len(found) != 1 {
			t.Errorf("%s got the click of person %d %d times", destination, c.person, len(found))
			continue
		}
		validate(t, found[0].body)
		var u unified
		decode(t, found[0].body, &u)
		h := found[0].header
		if c.got == nil || u.ID != c.got.ID || h.Get("Leadgate-Event-Id") != u.ID || h.Get("Leadgate-Tenant") != l.name ||
			h.Get("Leadgate-Kind") != "message" ||
			h.Get("Content-Type") != "application/json" {
			t.Errorf("%s got the event %s with the header %v", destination, u.ID, h)
		}
	}
	if len(list) != len(want) {
		t.Errorf("%s got %d messages, want %d", destination, len(list), len(want))
	}
}

// checkRaw sees to it that a destination got the provider's own bytes of these
// clicks, once each, with what it is verified by, and nothing else.
func (m *matrix) checkRaw(t *testing.T, l *line, destination string, want []*adClick) {
	t.Helper()
	list := m.ends.at(l.row, destination)
	for _, c := range want {
		times := 0
		for _, a := range list {
			if !bytes.Equal(a.body, c.body) {
				continue
			}
			times++
			sum := sha256.Sum256(c.body)
			id := uuid.NewSHA1(namespace, []byte(hex.EncodeToString(sum[:]))).String()
			if a.header.Get("Leadgate-Event-Id") != id {
				t.Errorf("the webhook has the id %s, want %s", a.header.Get("Leadgate-Event-Id"), id)
			}
			for _, name := range []string{"Content-Type", providers[l.provider].signature} {
				if name != "" && (a.header.Get(name) == "" || a.header.Get(name) != c.header.Get(name)) {
					t.Errorf("%s is %q, want %q", name, a.header.Get(name), c.header.Get(name))
				}
			}
			if token := a.header.Get("Authorization"); token != "" {
				t.Errorf("the provider's token went along")
			}
		}
		if times != 1 {
			t.Errorf("%s got the webhook of person %d %d times", destination, c.person, times)
		}
	}
	if len(list) != len(want) {
		t.Errorf("%s got %d webhooks, want %d", destination, len(list), len(want))
	}
}

// checkDead counts a destination's dead letters, which must have this reason or
// code, and be of nobody who was erased.
func (m *matrix) checkDead(t *testing.T, l *line, destination, why string, want int) {
	t.Helper()
	var answer struct {
		Dead []struct {
			Tenant, Reason, Code string
			Event                json.RawMessage
		}
	}
	m.admin(t, http.MethodGet, "/leadgate/dead?destination="+l.name+"-"+destination, nil, &answer)
	if len(answer.Dead) != want {
		t.Errorf("%s has %d dead letters, want %d", destination, len(answer.Dead), want)
	}
	for _, d := range answer.Dead {
		if d.Tenant != l.name || !strings.Contains(d.Reason+" "+d.Code, why) {
			t.Errorf("a dead letter of %s, tenant %s: %s %s, want %s", destination, d.Tenant, d.Reason, d.Code, why)
		}
		if want > 2 {
			continue // nobody was erased yet
		}
		for _, c := range l.erased {
			for _, name := range identities {
				if id := strings.TrimPrefix(c.id[name], "+"); id != "" && bytes.Contains(d.Event, []byte(id)) {
					t.Errorf("a dead letter of %s still has the %s of who was erased", destination, name)
				}
			}
		}
	}
}

// checkReports compares all that Meta took for a row with the leads of its clicks
// and the sales that were posted.
func (l *line) checkReports(t *testing.T, got []reported) {
	t.Helper()
	var want []reported
	if l.cannot[reports] == "" {
		for _, c := range l.clicks() {
			if c.got == nil {
				t.Fatal("the events did not come")
			}
			if c != l.second || l.cannot[twice] == "" {
				want = append(want, c.lead())
			}
		}
		for _, s := range l.sales {
			if s.want == "queued" && !s.refused {
				want = append(want, s.reported())
			}
		}
	}
	for _, w := range want {
		times := 0
		for _, g := range got {
			if g.ID != w.ID {
				continue
			}
			times++
			if w.Time == 0 { // a sale's own, which was just now
				if age := time.Since(time.Unix(g.Time, 0)); age < 0 || age > time.Hour {
					t.Errorf("a sale of %s ago", age)
				}
				w.Time = g.Time
			}
			if !reflect.DeepEqual(g, w) {
				t.Errorf("Meta took\n%+v, want\n%+v", g, w)
			}
		}
		if times != 1 {
			t.Errorf("Meta took %s %s %d times", w.Name, w.ID, times)
		}
	}
	if len(got) != len(want) {
		t.Errorf("Meta took %d events, want %d: %+v", len(got), len(want), got)
	}
}

// lead is what Meta gets for a click.
func (c *adClick) lead() reported {
	id := c.got.ID
	if c.token != "" {
		id = c.token
		if len(id) > 128 { // Meta takes no longer one
			sum := sha256.Sum256([]byte(id))
			id = hex.EncodeToString(sum[:16])
		}
	}
	return c.report("LeadSubmitted", id, c.got.ReceivedAt/1000, nil)
}

// report is what Meta gets of whatever is credited to a click.
func (c *adClick) report(name, id string, at int64, custom map[string]any) reported {
	r := reported{Name: name, ID: id, Time: at, Source: "business_messaging", Channel: c.row.channel, Custom: custom}
	if r.Custom == nil && (c.id["ctwaClid"] != "" || c.adID != "") {
		r.Custom = make(map[string]any)
	}
	if c.id["ctwaClid"] != "" {
		r.Custom["ctwa_clid"] = c.id["ctwaClid"]
	}
	if c.adID != "" {
		r.Custom["ad_id"] = c.adID
	}
	account := c.event["account"].(map[string]any)
	switch c.row.channel {
	case "messenger":
		r.UserData = map[string]any{"page_id": account["pageId"], "page_scoped_user_id": c.id["userId"]}
	case "instagram":
		r.UserData = map[string]any{"instagram_business_account_id": account["instagramId"], "ig_sid": c.id["userId"]}
	default:
		r.UserData = map[string]any{"ctwa_clid": c.id["ctwaClid"], "whatsapp_business_account_id": c.waba}
		var hashes []any
		for _, number := range []string{strings.TrimPrefix(c.id["waPhone"], "+"), c.id["waId"]} {
			sum := sha256.Sum256([]byte(number))
			if hash := hex.EncodeToString(sum[:]); number != "" && !slices.Contains(hashes, any(hash)) {
				hashes = append(hashes, hash)
			}
		}
		if hashes != nil {
			r.UserData["ph"] = hashes
		}
	}
	return r
}
