package links

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// TestLimits: an address makes 30 codes a minute, and a link has 600; what is there
// already stays to be had.
func TestLimits(t *testing.T) {
	d := newDesk(t)
	gclid := func(n int) string { return "/go/summer?gclid=TeSt-Gclid-" + strconv.Itoa(n) }
	first := d.wantCode(gclid(0))
	for n := range perAddress - 1 {
		d.wantCode(gclid(0)) // no new one
		d.wantCode(gclid(1 + n))
	}
	d.wantCode(gclid(0), "Test-Address", "203.0.113.99") // it made none, and is forgotten
	if n := len(d.Limits.count); n != 2 {
		t.Errorf("%d are counted: the link, and one address", n)
	}
	for range 1000 {
		d.wantNone(gclid(perAddress))
		d.wantNone("/go/summer?utm_source=google")
	}
	if again := d.wantCode(gclid(0)); again != first {
		t.Error("beyond the limit a reload has another code")
	}
	d.wantCode("/go/summer")
	d.wantNone("/go/summer?gclid=another-one", "Test-Address", "::ffff:203.0.113.7")
	d.wantCode("/go/summer?gclid=another-one", "Test-Address", "203.0.113.8")
	if n := len(d.store.all()); n != perAddress+2 {
		t.Errorf("%d rows are stored", n)
	}
	if d.logs.Len() != 1 || strings.Contains(asJSON(t, d.logs.All()), "203.0.113") {
		t.Errorf("it is logged as %+v", d.logs.All())
	}
	d.later(minute)
	d.wantCode(gclid(perAddress))

	// Of IPv6 a customer has 64 bits.
	for n := range perAddress {
		d.wantCode(gclid(100+n), "Test-Address", "2001:db8:1:2::"+strconv.Itoa(n+1))
	}
	d.wantNone(gclid(200), "Test-Address", "2001:db8:1:2:ffff::1")
	d.wantCode(gclid(200), "Test-Address", "2001:db8:1:3::1")

	d.later(minute)
	for n := range perLink {
		d.wantCode(gclid(1000+n), "Test-Address", "10.0.0."+strconv.Itoa(n/perAddress))
	}
	d.wantNone(gclid(5000), "Test-Address", "10.0.1.1")
	d.wantCode(gclid(1000), "Test-Address", "10.0.1.1")
	d.wantCode("/go/m?gclid=TeSt-Gclid", "Test-Address", "10.0.1.1")
	if n := len(d.Limits.count); n > 2+perLink/perAddress+1 {
		t.Errorf("%d are counted", n)
	}
	d.later(2 * minute)
	d.wantCode(gclid(5000))
	if n := len(d.Limits.count); n != 2 {
		t.Errorf("%d are counted when a minute is over", n)
	}
}

// TestFlood: a hundred thousand visits of a bot leave nothing, and those of one address
// the codes of its minute.
func TestFlood(t *testing.T) {
	d := newDesk(t)
	const visits = 100_000
	flood := func(agent string) {
		for n := range visits {
			r := httptest.NewRequest(http.MethodGet, "https://bots.example.com/go/summer?gclid=TeSt-Gclid-"+strconv.Itoa(n), nil)
			r.Header.Set("User-Agent", agent)
			r.Header.Set("Test-Address", "203.0.113.7")
			w := httptest.NewRecorder()
			if d.ServeHTTP(w, r); w.Code != http.StatusFound {
				t.Fatalf("visit %d is answered %d", n, w.Code)
			}
		}
	}
	flood("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
	if n := len(d.store.all()); n != 0 {
		t.Errorf("a bot left %d rows", n)
	}
	flood(phone)
	if n := len(d.store.all()); n != perAddress+1 { // and the link's own
		t.Errorf("an address left %d rows", n)
	}
	if d.store.asked > 2*visits {
		t.Errorf("for %d visits the store was asked %d times", visits, d.store.asked)
	}
}

// TestCrowded: beyond the sets that a link may have, a visit is the link's own.
func TestCrowded(t *testing.T) {
	d := newDesk(t)
	d.store.most = 2
	d.wantCode("/go/summer?utm_source=a")
	b := d.wantCode("/go/summer?utm_source=b")
	if c, static := d.wantCode("/go/summer?utm_source=c"), d.wantCode("/go/summer"); c != static {
		t.Error("a set too many is not the link's own")
	}
	if again := d.wantCode("/go/summer?utm_source=b"); again != b {
		t.Error("a set that is there has another code")
	}
	d.wantCode("/go/summer?gclid=TeSt-Gclid")
}

// TestStoreFails: whatever the store does, a visitor reaches the chat.
func TestStoreFails(t *testing.T) {
	d := newDesk(t)
	for _, err := range []error{errors.New("down"), queue.ErrFull, queue.ErrUnavailable, queue.ErrCodeTaken} {
		d.store.err = err
		for _, query := range []string{"", "?utm_source=x", "?gclid=TeSt-Gclid"} {
			d.wantNone("/go/summer" + query)
		}
	}
	d.Open = func(context.Context) (Store, func(), error) { return nil, nil, errors.New("locked") }
	d.wantNone("/go/summer?gclid=TeSt-Gclid")
	if n := d.logs.Len(); n != 1 { // that a link has too many sets is another thing
		t.Errorf("%d lines are logged: %+v", n, d.logs.All())
	}
}

// TestStoreHangs: a store that answers nobody keeps no visitor, and only so many calls.
func TestStoreHangs(t *testing.T) {
	d := newDesk(t)
	d.store.stuck = make(chan struct{})
	var wait sync.WaitGroup
	for n := range maxAsking + 100 {
		wait.Go(func() { d.wantNone("/go/summer?gclid=TeSt-Gclid-" + strconv.Itoa(n)) })
	}
	wait.Wait()
	if n := d.asking.n.Load(); n != maxAsking {
		t.Errorf("%d calls wait for the store", n)
	}
	d.later(minute)
	close(d.store.stuck)
	for deadline := time.Now().Add(20 * time.Second); d.asking.n.Load() > 0; {
		if time.Now().After(deadline) {
			t.Fatal("calls stay")
		}
		time.Sleep(time.Millisecond)
	}
	d.wantCode("/go/summer?gclid=TeSt-Gclid-x", "Test-Address", "203.0.113.9")
}
