package command

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/printable"
)

// TestContactText fits a terminal, whatever a contact brings, and cuts neither an amount nor
// the name of a destination.
func TestContactText(t *testing.T) {
	var j journey.Journey
	long := strings.Repeat("d", 64)
	if err := json.Unmarshal([]byte(`{"contact":"+15551234567","touches":[
		{"ctwaClid":"A","adId":"120210000000000001",
		"headline":"`+strings.Repeat("é ", 100)+`","clickedAt":1795787065000,"link":null,"adName":null},
		{"ctwaClid":null,"adId":null,"clickedAt":null,"link":{"name":"summer","code":"HP84P-PBPJB"}},
		{"adId":"1","clickedAt":1795787065000,"link":null,"adName":"An ad","lead":{"leadId":"77","test":false}}, {"adId":null}, 5],
		"events":[
		{"at":1795787065000,"kind":"conversion","name":"Purchase","destination":"acme-capi-1234567890","outcome":"delivered",
		"value":123456.78,"currency":"BRL"},
		{"at":1795787065000,"kind":"conversion","name":"Purchase","destination":"`+long+`","outcome":"dead","reason":"`+
		strings.Repeat("why it died ", 20)+`","value":1,"currency":"BRL"},
		{"at":1795787065000,"kind":"conversion","name":"`+strings.Repeat(`N\u001b`, 50)+`","destination":null,
		"outcome":"no_click","reason":"none",
		"value":`+strings.Repeat("9", 90)+`,"currency":"`+strings.Repeat("C", 90)+`"},
		{"at":1795787065000,"kind":"lead","name":"LeadSubmitted","destination":"gads","outcome":"sent"}]}`), &j); err != nil {
		t.Fatal(err)
	}
	check := func(j *journey.Journey, wants ...string) {
		t.Helper()
		got := ContactText(j)
		for line := range strings.Lines(got) {
			if utf8.RuneCountInString(line) > printable.Width+1 || strings.ContainsRune(line, '\x1b') || strings.HasSuffix(line, " \n") {
				t.Errorf("not fit for a terminal: %q", line)
			}
		}
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in\n%s", want, got)
			}
		}
	}
	check(&j, "ad 120210000000000001  é é", "link summer HP84P-PBPJB\n", "form 77  An ad\n", "an ad, of which no id came\n",
		"does not know\n", "\n  "+long+"\n  why it died ", "  no_click   ")
	j.Events = append(j.Events[:2], j.Events[3])
	check(&j, "2026-11-27 13:44  Purchase       delivered  123456.78 BRL  acme-capi-1234567890\n",
		"  LeadSubmitted  sent                      gads\n")
	check(&journey.Journey{}, "nothing is known of this contact")
	check(&journey.Journey{Touches: j.Touches}, "nothing was reported of it")
	check(&journey.Journey{Events: j.Events}, "no click of it is stored")
}
