package queue

import "testing"

// TestSameContact: any name that two have in common makes them one, "" is none.
func TestSameContact(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b Event
		want bool
	}{
		{"one key", Event{Contact: "whatsapp:1"}, Event{Contact: "whatsapp:1"}, true},
		{"an alias", Event{Contact: "whatsapp:US.1", Aliases: []string{"whatsapp:1"}}, Event{Contact: "whatsapp:1"}, true},
		{"of both", Event{Contact: "a", Aliases: []string{"x"}}, Event{Contact: "b", Aliases: []string{"y", "x"}}, true},
		{"a former name", Event{Contact: "a", Former: []string{"b"}}, Event{Contact: "b"}, true},
		{"two", Event{Contact: "whatsapp:1", Aliases: []string{"whatsapp:2"}}, Event{Contact: "whatsapp:3"}, false},
		{"nobody", Event{Aliases: []string{""}}, Event{Former: []string{""}}, false},
	} {
		if SameContact(&c.a, &c.b) != c.want || SameContact(&c.b, &c.a) != c.want {
			t.Errorf("%s: want %t", c.name, c.want)
		}
		if Called(Names("acme", &c.a), Names("acme", &c.b)) != c.want && c.a.Contact != "" {
			t.Errorf("%s: the stores see it otherwise", c.name)
		}
	}
}
