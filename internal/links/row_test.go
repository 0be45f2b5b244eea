package links

import (
	"encoding/json"
	"testing"
	"time"
)

// TestTiers: what a visit brings makes the code that it gets.
func TestTiers(t *testing.T) {
	d := newDesk(t)
	static := d.wantCode("/go/summer")
	if stored, row := d.row(static); stored.Claim != 0 || stored.Of != "" || row.Tier != Static || row.ClickedAt != nil || row.Source != nil {
		t.Errorf("static: %+v %s", stored, stored.Data)
	}
	if again := d.wantCode("/GO/Summer/?unknown=1&consent=1&gclid=short"); again != static {
		t.Errorf("a visit without parameters has the code %s, then %s", static, again)
	}
	campaign := d.wantCode("/go/summer?utm_source=Newsletter&utm_campaign=%C3%A9t%C3%A9&audience=vip&creative=a")
	stored, row := d.row(campaign)
	want := Row{Link: "summer", Tier: Campaign, Source: pointer("other"), IDs: map[string]string{},
		Campaign: map[string]string{"utm_source": "Newsletter", "utm_campaign": "été", "audience": "vip"}}
	if stored.Claim != 0 || stored.Of != "summer" || asJSON(t, row) != asJSON(t, want) {
		t.Errorf("campaign: %+v %s", stored, stored.Data)
	}
	if again := d.wantCode("/go/summer?audience=vip&utm_campaign=%C3%A9t%C3%A9&utm_source=Newsletter"); again != campaign {
		t.Error("the same set has another code")
	}
	click := d.wantCode("/go/summer?gclid=TeSt-Gclid_1.~&utm_source=newsletter&fbclid=IwAR_1234567&consent=granted")
	stored, row = d.row(click)
	at := d.now.UnixMilli()
	want = Row{Link: "summer", Tier: Click, ClickedAt: &at, Source: pointer("google"), Consent: pointer("granted"),
		Campaign: map[string]string{"utm_source": "newsletter"},
		IDs:      map[string]string{"gclid": "TeSt-Gclid_1.~", "fbclid": "IwAR_1234567"}}
	if stored.Claim != 7*24*time.Hour || stored.Of != "" || stored.At != at || asJSON(t, row) != asJSON(t, want) {
		t.Errorf("click: %+v %s", stored, stored.Data)
	}
	d.later(time.Hour)
	if again := d.wantCode("/go/summer?fbclid=IwAR_1234567&gclid=TeSt-Gclid_1.~&utm_source=other"); again != click {
		t.Error("a reload has another code")
	}
	if other := d.wantCode("/go/summer?fbclid=IwAR_1234567&gclid=test-gclid_1.~"); other == click {
		t.Error("an id in another case has the same code")
	}
}

// TestPrinted: a QR code's path names the link in capitals, and says so.
func TestPrinted(t *testing.T) {
	d := newDesk(t)
	d.Links["q"] = &Link{Name: "q", To: Target{"telegram", "acme_bot"}}
	if _, row := d.row(d.wantCode("/GO/SUMMER/Q")); row.Tier != Campaign || row.Campaign["medium"] != "print" || len(row.Campaign) != 1 {
		t.Errorf("printed: %+v", row)
	}
	if _, row := d.row(d.wantCode("/go/summer?medium=print")); row.Tier != Static {
		t.Errorf("the query's medium is kept: %+v", row)
	}
	if _, row := d.row(d.wantCode("/go/Q")); row.Link != "q" || row.Tier != Static {
		t.Errorf("a link named q: %+v", row)
	}
}

// TestShared: who did not click gets the campaign only.
func TestShared(t *testing.T) {
	at := int64(1790000000000)
	row := Row{Link: "summer", Tier: Click, ClickedAt: &at, Source: pointer("google"),
		Campaign: map[string]string{"utm_source": "google"}, IDs: map[string]string{"gclid": "TeSt-Gclid"}}
	data := asJSON(t, row)
	read, err := ParseRow([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := asJSON(t, read.Event("K7QW3-MPDXR", false)), `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":1790000000000,`+
		`"shared":false,`+`"source":"google","params":{"gclid":"TeSt-Gclid","utm_source":"google"}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := asJSON(t, read.Event("K7QW3-MPDXR", true)), `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":null,"shared":true,`+
		`"source":"google","params":{"utm_source":"google"}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !read.OfGoogle() || (&Row{IDs: map[string]string{"fbclid": "x"}}).OfGoogle() {
		t.Error("Google's click is not told from others")
	}
	row = Row{Link: "summer", Tier: Static}
	if got, want := asJSON(t, row.Event("K7QW3-MPDXR", true)), `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":null,"shared":false,`+
		`"source":null,"params":{}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, err := ParseRow([]byte("[")); err == nil {
		t.Error("no JSON is read")
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
