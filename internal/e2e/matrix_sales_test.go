package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// sale is what the CRM posts, and what must come of it.
type sale struct {
	what  string
	item  map[string]string
	want  string   // queued or no_click
	click *adClick // that it is credited to, nil for none

	refused bool   // by Meta, until it takes all
	id      string // of the event
}

// planSales makes a row's sales: by every name that the contact has and in each way to
// write it, for the first and the last touch; and by every name of who was erased,
// or never came.
func (l *line) planSales() {
	first, last := l.firsts[0], l.second
	add := func(what, name, value, touch string, click *adClick) *sale {
		s := &sale{what: what, want: "queued", click: click, item: map[string]string{
			"eventName": "won", name: value, "value": "7.25", "currency": "EUR", "orderId": fmt.Sprintf("%s-%d", l.name, len(l.sales)),
		}}
		if touch != "" {
			s.item["touch"] = touch
		}
		if click == nil || l.cannot[reports] != "" {
			s.want = "no_click"
		}
		l.sales = append(l.sales, s)
		return s
	}
	var name string // one that the contact has
	for touch, click := range map[string]*adClick{"": last, "last": last, "first": first} {
		for _, n := range identities {
			values := []string{first.id[n], last.id[n]}
			if n == "waPhone" && first.id[n] != "" {
				values = append(values, first.id[n][1:], "+"+first.id["waId"]) // in Brazil another number
			}
			if n == "userId" {
				values = append(values, first.parent)
			}
			slices.Sort(values)
			for _, v := range slices.Compact(values) {
				if v != "" {
					name = n
					add("by "+n+" "+v, n, v, touch, click)
				}
			}
		}
	}
	add("by "+name+" in its channel", name, first.id[name], "", last).item["channel"] = l.channel
	elsewhere := map[string]string{"whatsapp": "messenger", "messenger": "instagram", "instagram": "whatsapp"}[l.channel]
	add("by "+name+" in another channel", name, first.id[name], "", nil).item["channel"] = elsewhere
	s := add("refused at first", name, first.id[name], "", last)
	s.item["orderId"] += fussyOrder
	s.refused = s.want == "queued"
	gone := map[string]*adClick{"who never came": l.stranger}
	for by, c := range l.erased {
		gone["who was erased by "+by] = c
	}
	for who, c := range gone {
		for _, n := range identities {
			if c.id[n] != "" {
				add("by "+n+" of "+who, n, c.id[n], "", nil)
			}
		}
	}
}

// refusals is how many sales Meta refuses at first.
func (l *line) refusals() (n int) {
	for _, s := range l.sales {
		if s.refused {
			n++
		}
	}
	return n
}

// reported is what Meta gets for a sale.
func (s *sale) reported() reported {
	return s.click.report("Purchase", s.id, 0, map[string]any{"currency": s.item["currency"], "value": json.Number(s.item["value"]),
		"order_id": s.item["orderId"]})
}

// sales kills edge and store, has the CRM post its sales, kills both again before
// anything went out, posts the same again, and looks at what came of them.
func (m *matrix) sales() {
	m.t.Helper()
	m.kill()
	m.edge.Start()
	release := m.gate.hold()
	defer release()
	m.cells("sale", func(t *testing.T, l *line) {
		l.planSales()
		m.postSales(t, l, "queued")
	})
	m.kill()
	release()
	m.edge.Start()
	m.cells("sale again", func(t *testing.T, l *line) { m.postSales(t, l, "duplicate") })
	m.settle()
	m.cells("sale reported", func(t *testing.T, l *line) {
		l.checkReports(t, m.meta.at(t, l.dataset))
		m.checkDead(t, l, "capi", "2804087", l.refusals())
	})
	m.cells("conversion forwarded", m.checkConversions)
}

// postSales posts a row's sales in one post. Those that are good come to this
// status.
func (m *matrix) postSales(t *testing.T, l *line, status string) {
	t.Helper()
	items := make([]map[string]string, 0, len(l.sales))
	for _, s := range l.sales {
		items = append(items, s.item)
	}
	var answer struct {
		Results []struct {
			Status, EventID, Error string
			Click                  *touch
		}
	}
	m.call(t, http.MethodPost, m.edge.Site+"/conversions/"+l.name, crmToken, items, &answer)
	if len(answer.Results) != len(items) {
		t.Fatalf("%d results for %d items", len(answer.Results), len(items))
	}
	for i, r := range answer.Results {
		s := l.sales[i]
		want := s.want
		if want == "queued" {
			want = status
		}
		if r.Status != want || (r.EventID == "") != (want == "no_click") || s.id != "" && r.EventID != s.id {
			t.Errorf("%s, touch %q: %s %s %q, want %s %s", s.what, s.item["touch"], r.Status, r.EventID, r.Error, want, s.id)
		}
		s.id = r.EventID
		switch {
		case s.click == nil:
			if r.Click != nil {
				t.Errorf("%s: credited to %+v", s.what, *r.Click)
			}
		case r.Click == nil || *r.Click != s.click.touch():
			t.Errorf("%s, touch %q: credited to %+v, want %+v", s.what, s.item["touch"], r.Click, s.click.touch())
		}
	}
}

// checkConversions sees to it that the CRM got each good sale back, once.
func (m *matrix) checkConversions(t *testing.T, l *line) {
	orders := make(map[string]int)
	for _, a := range m.ends.at(l.row, "crm") {
		if a.header.Get("Leadgate-Kind") != "conversion" {
			continue
		}
		validate(t, a.body)
		var u unified
		decode(t, a.body, &u)
		orders[u.Conversion.OrderID]++
		first, last := u.Attribution.FirstClick, u.Attribution.LastClick
		if c := l.second; u.Kind != "conversion" || u.Channel != l.channel || u.WaPhone != c.id["waPhone"] || u.WaID != c.id["waId"] ||
			u.UserID != c.id["userId"] ||
			first == nil || *first != l.firsts[0].touch() || last == nil || *last != c.touch() {
			t.Errorf("the conversion came as %s", a.body)
		}
	}
	want := 0
	for _, s := range l.sales {
		if s.want != "queued" {
			continue
		}
		want++
		if orders[s.item["orderId"]] != 1 {
			t.Errorf("the sale %s came %d times", s.what, orders[s.item["orderId"]])
		}
	}
	if len(orders) != want {
		t.Errorf("%d conversions came, want %d", len(orders), want)
	}
}
