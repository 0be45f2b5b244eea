package importer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/conversions"
)

// dryRun checks a file as import --dry-run does.
func dryRun(t *testing.T, text string, words map[string]string) (report string, err error) {
	t.Helper()
	var out bytes.Buffer
	o := Options{DryRun: true, Words: words, From: 1, Batch: conversions.MaxItems, Out: &out}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	err = Run(t.Context(), o, strings.NewReader(text))
	return out.String(), err
}

// TestImportDryRun finds what the endpoint would find, without it.
func TestImportDryRun(t *testing.T) {
	const who = `"waPhone":"+15551234567"`
	out, err := dryRun(t, strings.Join([]string{
		`{"eventName":"Purchase",` + who + `,"value":12.5,"currency":"USD"}`,
		`{"eventName":"won",` + who + `,"value":"12.5","currency":"usd","email":"maria@example.com","contents":[{"id":"a"}]}`,
		`{"eventName":"QualifiedLead","userId":"77","channel":"messenger"}`,
		`{"eventName":"QualifiedLead","userId":"88","channel":"instagram"}`,
		`{"eventName":"Lead","ctwaClid":"Aff-1"}`,
		`{"eventName":"lost",` + who + `}`,
		`{"eventName":"Purchase",` + who + `,"value":12.5}`,
		`{"eventName":"Purchase",` + who + `,"currency":"USD"}`,
		`{"eventName":"Purchase",` + who + `,"currency":"USD","value":-1}`,
		`{"eventName":"Lead","waPhone":"5551234567"}`,
		`{"eventName":"Lead",` + who + `,"eventTime":"2020-01-01T00:00:00Z"}`,
		`{"eventName":"Lead",` + who + `,"email":"maria"}`,
		`{"eventName":"Lead",` + who + `,"contents":"x"}`,
		`{"eventName":"Lead",` + who + `,`,
	}, "\n"), map[string]string{"won": "Purchase"})
	if err == nil || !strings.Contains(err.Error(), "9 of 14") {
		t.Errorf("error: %v", err)
	}
	want := map[string]string{}
	for i := 1; i <= 14; i++ {
		want[fmt.Sprint(i)] = "invalid"
		if i <= 5 {
			want[fmt.Sprint(i)] = "valid"
		}
	}
	expectStatuses(t, out, want)
}

// TestImportCSV takes a table with a header, between any of the usual marks.
func TestImportCSV(t *testing.T) {
	for name, text := range map[string]string{
		"comma": "\ufeffeventName,waPhone,value,currency,orderId,customData\nPurchase,+15551234567,12.5,USD,A-1,\"{\"\"a\"\":1}\"\n" +
			"Purchase,+15551234567,1,,A-2,\n",
		"semicolon": "eventName;waPhone;value;currency;orderId\r\nPurchase;+15551234567;12.5;USD;A-1\r\nPurchase;+15551234567;1;;A-2\r\n",
		"tab":       "eventName\twaPhone\tvalue\tcurrency\torderId\nPurchase\t+15551234567\t12.5\tUSD\tA-1\nPurchase\t+15551234567\t1\t\tA-2",
	} {
		out, err := dryRun(t, text, nil)
		if err == nil || !strings.Contains(err.Error(), "1 of 2 lines") {
			t.Errorf("%s: %v", name, err)
		}
		expectStatuses(t, out, map[string]string{"2": "valid", "3": "invalid"})
	}
	for text, says := range map[string]string{
		"eventName,phone\nPurchase,+15551234567\n": "this looks like CSV, and its first line must name the fields: unknown field " +
			"'phone': write waPhone",
		"Purchase,+15551234567,12.5\n":                        "this looks like CSV, and its first line must name the fields",
		"eventName,value,value\nPurchase,1,2\n":               "names value twice",
		"eventName,waPhone\nPurchase,+15551234567,12.5,USD\n": "reading line 2",
	} {
		if out, err := dryRun(t, text, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v\n%s", text, err, out)
		}
	}
}
