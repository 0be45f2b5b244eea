package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// adClick is a row's sample with the words of one contact and one click of it.
type adClick struct {
	row    *row
	person int // 0 is the row's contact, the next ones are there to be erased
	n      int // 1 for the person's first click
	body   []byte
	at     time.Time // the provider's
	id     map[string]string
	parent string // another name of a userId, "" for none
	adID   string
	token  string // the provider's own for the lead
	waba   string // what Meta is told

	event  map[string]any // what the golden file says of it, with those words
	got    *unified       // what a destination got
	header http.Header    // as it was posted
}

// The words of all samples, whose times are of 10 January 2025.
const (
	sampleTime = "1736535600"
	replyTime  = "1736622000" // 24 hours later
)

// bsuid is a WhatsApp user id, or one of a parent.
var bsuid = regexp.MustCompile(`[A-Z]{2}\.(ENT\.)?[0-9]{8,}`)

// newClick makes a person's n-th click on the row's ad. Rows, persons and clicks
// have words of their own, so that a mix-up of any two shows.
func newClick(t *testing.T, index, person, n int, at time.Time) *adClick {
	t.Helper()
	r := &rows[index]
	path := filepath.Join("../../normalize/testdata", filepath.FromSlash(r.sample))
	sample, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile(strings.TrimSuffix(path, filepath.Ext(path)) + ".golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if providers[r.provider].form {
		sample = bytes.TrimSuffix(sample, []byte("\n"))
	}
	in := readEvents(t, golden)
	if len(in) != 1 {
		t.Fatalf("%s has %d events, want one", r.sample, len(in))
	}
	words := map[string]string{
		sampleTime: fmt.Sprint(at.Unix()),
		replyTime:  fmt.Sprint(at.Add(24 * time.Hour).Unix()),
	}
	vary := func(end string, of ...string) {
		for _, word := range of {
			if word != "" && words[word] == "" {
				words[word] = varied(t, word, end)
			}
		}
	}
	e := &in[0]
	vary(fmt.Sprintf("%02d%02d%d", index, person, n), e.Message.ID, e.Referral.CtwaClid, e.Referral.AdID, e.Referral.DedupToken)
	vary(fmt.Sprintf("%02d%02d", index, person), append(bsuid.FindAllString(string(sample), -1),
		strings.TrimPrefix(e.WaPhone, "+"), e.WaID, e.UserID)...)
	vary(fmt.Sprintf("%02d", index), slices.Collect(maps.Values(e.Account))...)
	replace := make([]string, 0, 2*len(words))
	for _, word := range slices.SortedFunc(maps.Keys(words), func(a, b string) int { return len(b) - len(a) }) {
		replace = append(replace, word, words[word])
	}
	replacer := strings.NewReplacer(replace...)
	c := &adClick{row: r, person: person, n: n, at: at, body: []byte(replacer.Replace(string(sample)))}
	golden = []byte(replacer.Replace(string(golden)))
	e = &readEvents(t, golden)[0]
	for _, id := range bsuid.FindAllString(string(c.body), -1) {
		if strings.Contains(id, ".ENT.") {
			c.parent = id
		}
	}
	c.adID, c.token = e.Referral.AdID, e.Referral.DedupToken
	c.id = map[string]string{"waPhone": e.WaPhone, "waId": e.WaID, "userId": e.UserID, "messageId": e.Message.ID,
		"ctwaClid": e.Referral.CtwaClid}
	var events []map[string]any
	decode(t, golden, &events)
	c.event = events[0]
	return c
}

// varied is a word of the same shape with other last letters, before the padding
// that it may have.
func varied(t *testing.T, word, end string) string {
	t.Helper()
	base := strings.TrimRight(word, "=")
	if len(base) < len(end) {
		t.Fatalf("the word %q is too short to be varied", word)
	}
	return base[:len(base)-len(end)] + end + word[len(base):]
}

// unified is what the matrix reads of an event; "" where there is null.
type unified struct {
	ID, TenantID, Kind, Channel, WaPhone, WaID, UserID string
	Account                                            map[string]string
	ReceivedAt, IngestedAt                             int64
	Message                                            struct{ ID string }
	Referral                                           struct{ CtwaClid, AdID, DedupToken string }
	Conversion                                         struct{ OrderID string }
	Attribution                                        struct{ FirstClick, LastClick *touch }
	Raw                                                json.RawMessage
}

// touch is a click as attribution shows it.
type touch struct {
	CtwaClid, AdID, MessageID string
	ClickedAt                 int64
}

func readEvents(t *testing.T, golden []byte) (list []unified) {
	t.Helper()
	decode(t, golden, &list)
	return list
}

func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
}

// touch is the click as attribution and answers show it.
func (c *adClick) touch() touch {
	return touch{CtwaClid: c.id["ctwaClid"], AdID: c.adID, MessageID: c.id["messageId"], ClickedAt: c.got.ReceivedAt}
}
