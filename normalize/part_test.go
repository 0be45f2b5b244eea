package normalize

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// owner says whose an event of these tests is, by the ids that stand in it: a, b or
// nobody's.
func owner(e *Event) string {
	for _, id := range []Text{e.Account.routing.RecipientID, e.Account.PhoneNumberID, e.Account.PageID, e.Account.InstagramID,
		e.Account.WabaID} {
		switch id.String() {
		case "111":
			return "a"
		case "222":
			return "b"
		}
	}
	return ""
}

func ofB(id []byte) bool { return string(id) == "222" }

// TestPart: what is a's stays byte for byte, what is not goes, and of what stands
// around that, plain values that name nobody else stay.
func TestPart(t *testing.T) {
	item := func(to, text string) string {
		return `{"sender":{"id":"7"},"recipient":{"id":"` + to + `"},"timestamp":1736535600412,"message":{"mid":"m` + text +
			`","text":"caf\u00e9 \/ ` + text + `"}}`
	}
	change := func(number, text string) string {
		return `{"value":{"metadata":{"phone_number_id":"` + number + `"},"contacts":[{"wa_id":"7"}],"messages":[{"from":"7","id":"` + text +
			`","type":"text","text":{"body":"` + text + `"}}]},"field":"messages"}`
	}
	a, b := item("111", "a"), item("222", "b")
	for _, c := range []struct{ body, want string }{
		{ // all of it is a's
			` { "object" : "page","entry":[ {"id":"111","messaging":[` + a + `] } ] } `, ""},
		{ // by entries; b's is between two of a's
			`{"object":"whatsapp_business_account","x":1,"entry":[{"id":"9","changes":[` + change("111", "1") + `]},{"id":"9","changes":[` +
				change("222", "2") + `]},{"id":"9","changes":[` + change("111", "3") + `]}],"y":"222","z":{"k":1},"e":[]}`,
			`{"object":"whatsapp_business_account","x":1,"entry":[{"id":"9","changes":[` + change("111", "1") + `]},{"id":"9","changes":[` +
				change("111", "3") + `]}],"e":[]}`},
		{ // by changes, the envelope's names as they came
			`{"\u006fbject":"whatsapp_business_account", "object":"whatsapp_business_account", "entry":[{"id" : "9", "changes":[` +
				change("222", "2") + `, ` + change("111", "1") + `]}]}`,
			`{"\u006fbject":"whatsapp_business_account","object":"whatsapp_business_account","entry":[{"id":"9","changes":[` + change("111", "1") +
				`]}]}`},
		{ // by the items of a list, of two lists, and of a list beside changes
			`{"object":"instagram","entry":[{"time":5,"messaging":[` + a + `,` + b + `],"standby":[` + b +
				`],"changes":[{"field":"messages","value":` + b + `},{"field":"messages","value":` + a + `}]}]}`,
			`{"object":"instagram","entry":[{"time":5,"messaging":[` + a + `],"changes":[{"field":"messages","value":` + a + `}]}]}`},
		{ // b's entry id is not for a
			`{"object":"page","entry":[{"id":"222","time":5,"messaging":[` + a + `,` + b + `]}]}`,
			`{"object":"page","entry":[{"time":5,"messaging":[` + a + `]}]}`},
		{ // nobody's goes too
			`{"object":"page","entry":[{"id":"333","messaging":[` + item("333", "c") + `]},{"id":"111","messaging":[` + a + `]}]}`,
			`{"object":"page","entry":[{"id":"111","messaging":[` + a + `]}]}`},
		{ // an object where a list should be
			`{"object":"page","entry":[{"messaging":` + a + `,"standby":` + b + `}]}`,
			`{"object":"page","entry":[{"messaging":` + a + `}]}`},
		{ // a list twice, a list of something new
			`{"object":"page","entry":[{"id":"9","messaging":[` + a + `],"messaging":[` + b + `],"new":[` + b + `]}]}`,
			`{"object":"page","entry":[{"id":"9","messaging":[` + a + `]}]}`},
	} {
		var batch Batch
		if err := Meta(&batch, []byte(c.body), ingested); err != nil {
			t.Fatal(err)
		}
		want := c.want
		if want == "" {
			want = c.body
		}
		for range 2 { // the same batch again
			got, err := batch.Part([]byte(c.body), func(i int) bool { return owner(&batch.Events[i]) == "a" }, ofB)
			if err != nil || string(got) != want {
				t.Errorf("%s\ngives %s, %v\nwant  %s", c.body, got, err, want)
			}
		}
	}
}

// TestPartOfUnknown: of an object that nobody knows, a part gives just the events
// that it was made of, also where not all of its entries have changes.
func TestPartOfUnknown(t *testing.T) {
	change := func(id string) string {
		return `{"id":"` + id + `","changes":[{"field":"connected","value":{"id":"` + id + `"}}]}`
	}
	flat := func(id string) string { return `{"id":"` + id + `","changed_fields":["feed"]}` }
	for _, c := range []struct {
		entries string
		events  int
		want    string // of a's, "" where it cannot be cut
	}{
		{change("111") + "," + change("222"), 2, change("111")},
		{`{"id":"222","changes":[]},` + change("111") + "," + change("222"), 2, change("111")},
		{change("222") + "," + flat("111"), 1, ""},
		{flat("111") + "," + change("222"), 1, ""},
		{change("111") + `,{"id":"222","changes":[],"more":[1]}`, 1, ""},
		{flat("111") + "," + flat("222"), 1, ""},
		{change("111") + ",null", 1, ""},
	} {
		for name, read := range map[string]func(*Batch, []byte, int64) error{"meta": Meta, "gupshup": Gupshup, "360dialog": Dialog360} {
			body := []byte(`{"object":"permissions","entry":[` + c.entries + `]}`)
			var whole, part Batch
			if err := read(&whole, body, ingested); err != nil {
				t.Fatal(err)
			}
			if len(whole.Events) != c.events {
				t.Errorf("%s: %s gives %d events, want %d", name, body, len(whole.Events), c.events)
				continue
			}
			if c.want == "" {
				if e := &whole.Events[0]; !e.IsEnvelope() || string(e.Raw) != string(body) {
					t.Errorf("%s: of %s the event is %s", name, body, e.Raw)
				}
				continue
			}
			mine := func(i int) bool { return whole.Events[i].Account.routing.EntryID.String() == "111" }
			got, err := whole.Part(body, mine, ofB)
			if want := `{"object":"permissions","entry":[` + c.want + `]}`; err != nil || string(got) != want {
				t.Errorf("%s: %s\ngives %s, %v\nwant  %s", name, body, got, err, want)
				continue
			}
			if err := read(&part, got, ingested); err != nil {
				t.Fatal(err)
			}
			for i := range whole.Events {
				if mine(i) && (len(part.Events) != 1 || string(part.Events[0].Raw) != string(whole.Events[i].Raw)) {
					t.Errorf("%s: %s gives %d events", name, got, len(part.Events))
				}
			}
		}
	}
}

// TestPartSilent: of an element that gives no event, one that names somebody else
// goes, though all events are a's; any other stays, so that the signature holds.
func TestPartSilent(t *testing.T) {
	entry := func(number, value string) string {
		return `{"id":"` + number + `","changes":[{"value":{"metadata":{"phone_number_id":"` + number + `"},` + value + `},"field":"messages"}]}`
	}
	probe := `"statuses":[{"type":"set-callback"}]`
	mine := entry("111", `"messages":[{"from":"7","id":"1","type":"text","text":{"body":"x"}}]`)
	for _, c := range []struct{ entries, want string }{
		{mine + "," + entry("111", probe), mine + "," + entry("111", probe)},
		{mine + "," + entry("222", probe), mine},
	} {
		body := []byte(`{"gs_app_id":"g","object":"whatsapp_business_account","entry":[` + c.entries + `]}`)
		var batch Batch
		if err := Gupshup(&batch, body, ingested); err != nil {
			t.Fatal(err)
		}
		got, err := batch.Part(body, func(int) bool { return true }, ofB)
		if want := `{"gs_app_id":"g","object":"whatsapp_business_account","entry":[` + c.want + `]}`; err != nil || string(got) != want ||
			len(batch.Events) != 1 {
			t.Errorf("%s\ngives %s, %v\nwant  %s", body, got, err, want)
		}
	}
}

// TestPartOfGuests: events of other parsers are found by what they call raw, where
// that stands in the body; else nothing is cut.
func TestPartOfGuests(t *testing.T) {
	body := []byte(`{"results":[ {"to":"111","t":1}, {"to":"222","t":2}, {"to":"111","t":3} ],"count":3}`)
	for _, c := range []struct {
		raws []string
		a    []int
		want string
	}{
		{[]string{`{"to":"111","t":1}`, `{"to":"222","t":2}`, `{"to":"111","t":3}`}, []int{0, 2},
			`{"results":[{"to":"111","t":1},{"to":"111","t":3}],"count":3}`},
		// two of one
		{[]string{`{"to":"111","t":1}`, `{"to":"111","t":1}`, `{"to":"222","t":2}`}, []int{2}, `{"results":[{"to":"222","t":2}],"count":3}`},
		{[]string{`{"to":"111","t":1}`, `{"to":"222","t":2}`}, []int{0, 1}, string(body)},
		{[]string{`{"made":"anew"}`, `{"to":"222","t":2}`}, []int{0, 1}, string(body)},
		{[]string{`{"made":"anew"}`, `{"to":"222","t":2}`}, []int{1}, ""},
		{[]string{`{"to":"111","t":1}`, ``}, []int{0}, ""},
		{[]string{`"to":"111"`, `{"to":"222","t":2}`}, []int{0}, ""},                                       // no element
		{[]string{`"111","t":1}, {"to":"222"`, `{"to":"111","t":3}`}, []int{0}, ""},                        // over an edge
		{[]string{`{"to":"111","t":1}`, `{"to":"111","t":1}`}, []int{0}, ""},                               // one element of two tenants
		{[]string{string(body), `{"to":"222","t":2}`}, []int{1}, ""},                                       // one holds the other
		{[]string{string(body), `{"to":"222","t":2}`}, []int{0}, ""},                                       // likewise
		{[]string{`{"to":"222","t":2}`, `{"to":"111","t":1}`}, []int{0}, ""},                               // not in order
		{[]string{`{"to":"111","t":1}`, `{"to":"222","t":2}`}, nil, ""},                                    // nothing of it
		{[]string{`1`, `{"to":"222","t":2}`, `3`}, []int{1}, `{"results":[{"to":"222","t":2}],"count":3}`}, // by chance elsewhere
	} {
		var batch Batch
		if err := batch.CheckJSON(body); err != nil {
			t.Fatal(err)
		}
		for _, raw := range c.raws {
			batch.Add().Raw = Value(raw)
		}
		got, err := batch.Part(body, func(i int) bool { return slices.Contains(c.a, i) }, ofB)
		if string(got) != c.want || (c.want == "") != errors.Is(err, ErrIndivisible) {
			t.Errorf("%q: %s, %v, want %s", c.raws, got, err, c.want)
		}
	}
}

// TestPartOfForms: a form has one event, and is never cut.
func TestPartOfForms(t *testing.T) {
	form := []byte("MessageSid=SM1&From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15550783881&Body=Hi")
	var batch Batch
	if err := Twilio(&batch, form, ingested); err != nil {
		t.Fatal(err)
	}
	if got, err := batch.Part(form, func(int) bool { return true }, ofB); err != nil || string(got) != string(form) {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := batch.Part(form, func(int) bool { return false }, ofB); !errors.Is(err, ErrIndivisible) {
		t.Errorf("%s, %v", got, err)
	}
}

// TestPartIsLinear: twice the body takes twice the steps, whatever it is made of.
func TestPartIsLinear(t *testing.T) {
	to := func(i int) string { return []string{"111", "222", "333"}[i%3] }
	item := func(i int) string {
		return fmt.Sprintf(`{"recipient":{"id":%q},"sender":{"id":"7"},"message":{"mid":"m%d"}}`, to(i), i)
	}
	list := func(n int, one func(i int) string) string {
		out := make([]string, n)
		for i := range out {
			out[i] = one(i)
		}
		return strings.Join(out, ",")
	}
	change := func(i int) string {
		return fmt.Sprintf(`{"field":"messages","value":{"metadata":{"phone_number_id":%q},"messages":[{"from":"7","id":"%d"},{"from":"7",`+
			`"id":"_%d"}]}}`, to(i), i, i)
	}
	for name, body := range map[string]func(n int) string{
		"entries": func(n int) string {
			return `{"object":"whatsapp_business_account","entry":[` + list(n,
				func(i int) string { return `{"id":"9","changes":[` + change(i) + `]}` }) + `]}`
		},
		"changes": func(n int) string {
			return `{"object":"whatsapp_business_account","entry":[{"id":"9","changes":[` + list(n, change) + `]}]}`
		},
		"items": func(n int) string { return `{"object":"page","entry":[{"messaging":[` + list(n, item) + `]}]}` },
		"lists": func(n int) string {
			return `{"object":"page","entry":[` + list(n, func(i int) string {
				return `{"messaging":[` + item(i) + `],"standby":[` + item(i+1) +
					`]}`
			}) + `]}`
		},
		"one list": func(n int) string {
			return `{"object":"page","entry":[{` + list(n, func(i int) string { return `"messaging":[` + item(i) + `]` }) + `}]}`
		},
		"mids": func(n int) string {
			return `{"object":"page","entry":[{"messaging":[{"recipient":{"id":"111"},"delivery":{"mids":[` +
				list(min(n, 1000), func(i int) string { return fmt.Sprintf("%q", fmt.Sprint(i)) }) + `]}},` + item(1) + `]}]}`
		},
		"envelope": func(n int) string {
			return `{"object":"page",` + list(n, func(i int) string { return fmt.Sprintf(`"k%d":[%d,{"a":"222"}]`, i, i) }) +
				`,"entry":[{"messaging":[` + list(3, item) + `]}]}`
		},
		"no events": func(n int) string {
			return `{"object":"page","entry":[{"messaging":[` + item(0) + `]},` + list(n, func(int) string { return `{"changes":[]}` }) + `]}`
		},
	} {
		steps := func(n int) int {
			text := []byte(body(n))
			var batch Batch
			if err := Meta(&batch, text, ingested); err != nil {
				t.Fatal(err)
			}
			if err := batch.mark(text, func(i int) bool { return owner(&batch.Events[i]) == "a" }); err != nil {
				t.Fatal(err)
			}
			c := cutter{marks: batch.marks, foreign: ofB}
			root := batch.doc.Root()
			hi, kept, ok := c.within(root, 0)
			if !ok || hi != len(batch.Events) || kept == 0 {
				t.Fatalf("%s: %d of %d, %v", name, kept, hi, ok)
			}
			if err := c.cut(root, 0, hi, kept); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return c.steps
		}
		n := 250
		one, two, four := steps(n), steps(2*n), steps(4*n)
		if two > one*9/4 || four > one*9/2 {
			t.Errorf("%s: %d, %d and %d steps", name, one, two, four)
		}
	}
}

// TestPartOfPayloads: whichever elements of whichever payload are kept, the part is
// a webhook that gives just their events.
func TestPartOfPayloads(t *testing.T) {
	for folder, read := range map[string]func(*Batch, []byte, int64) error{
		"whatsapp": Meta, "messenger": Meta, "instagram": Meta, "gupshup": Gupshup, "360dialog": Dialog360, "whapi": Whapi,
	} {
		for name, body := range payloads(t, "testdata/"+folder) {
			for shift := range 3 {
				var whole, part Batch
				if err := read(&whole, body, ingested); err != nil {
					t.Fatal(err)
				}
				// Events of one element have one owner.
				mine := func(i int) bool { return int(whole.Events[i].from)%3 == shift }
				var want []string
				holds := false
				for i := range whole.Events {
					e := &whole.Events[i]
					if mine(i) {
						want = append(want, string(e.Raw))
					}
					for j := range whole.Events {
						holds = holds || whole.Events[j].In(e) && whole.Events[j].from != e.from
					}
				}
				got, err := whole.Part(body, mine, func([]byte) bool { return false })
				if err != nil {
					if len(want) > 0 && !holds {
						t.Errorf("%s/%s: %v", folder, name, err)
					}
					continue
				}
				if err := read(&part, got, ingested); err != nil {
					t.Fatalf("%s/%s: %s: %v", folder, name, got, err)
				}
				var raws []string
				for i := range part.Events {
					raws = append(raws, string(part.Events[i].Raw))
				}
				if strings.Join(raws, "\n") != strings.Join(want, "\n") {
					t.Errorf("%s/%s:\n%s\ngives\n%s\nwant\n%s", folder, name, got, strings.Join(raws, "\n"), strings.Join(want, "\n"))
				}
			}
		}
	}
}
