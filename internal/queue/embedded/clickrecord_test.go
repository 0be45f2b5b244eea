package embedded

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// oldRecords are records of version 1 as they were written, and their clicks.
var oldRecords = []struct{ record, want string }{
	{
		"\x01\xb0\x84\x8b\x88\xbfh\x00\xb0\x84\x8b\x88\xbfh\x15[{\"ctwaClid\":\"A\"},{}]\x01\x01\x01;+f\xc7M\x19\x9b\xe1\xa0~\xba\xfa\xd0D0\x19",
		"A A clid A A",
	},
	{"\x01\xb0\x84\x8b\x88\xbfh\x00\xb0\x84\x8b\x88\xbfh\x16[{\"ctwaClid\":null},{}]\x01\x00\x00\x00\x00", "null null ad null null"},
	{
		"\x01\xf0\u008b\x88\xbfh\x00\xb0\x84\x8b\x88\xbfh\x15[{\"ctwaClid\":\"A\"},{}]" +
			"\x00\xf0\u008b\x88\xbfh\x16[{\"ctwaClid\":null},{}]\x01\x00",
		"A null ad null null clid A A",
	},
	{
		"\x01\xf0\u008b\x88\xbfh\x00\xb0\x84\x8b\x88\xbfh\x15[{\"ctwaClid\":\"A\"},{}]" +
			"\x00\xf0\u008b\x88\xbfh\x16[{\"ctwaClid\":null},{}]\x00У\x8b\x88\xbfh\x15[{\"ctwaClid\":\"B\"},{}]\x00",
		"A null ad null null clid A B",
	},
	{
		"\x01\xf0\u008b\x88\xbfh\x00\xb0\x84\x8b\x88\xbfh\x16[{\"ctwaClid\":null},{}]" +
			"\x00\xf0\u008b\x88\xbfh\x15[{\"ctwaClid\":\"B\"},{}]\x02\x00",
		"null B ad null null clid B B",
	},
}

func shownClicks(c queue.Clicks) string {
	text := fmt.Sprintf("%s %s", c.First, c.Last)
	for kind, name := range [queue.ClickKinds]string{"ad", "clid", "google", "link"} {
		if c.Oldest[kind] != nil {
			text += fmt.Sprintf(" %s %s %s", name, c.Oldest[kind], c.Newest[kind])
		}
	}
	return strings.NewReplacer(`[{"ctwaClid":`, "", `},{}]`, "", `"`, "").Replace(text)
}

// TestOldClickRecords: a file of the version before is read, its clicks are added to, and
// what is changed is written anew; the index by time still finds the contact.
func TestOldClickRecords(t *testing.T) {
	e := openTest(t, t.TempDir())
	keys := make([]string, len(oldRecords))
	err := e.do(t.Context(), 0, func(tx *txn) error {
		for i, old := range oldRecords {
			keys[i] = fmt.Sprint("contact ", i)
			key := codec.HashKey("acme", keys[i])
			rec, err := decodeClicks([]byte(old.record))
			if err != nil {
				return err
			}
			tx.names.put(place{0, key})
			if err := tx.putStamped(tx.table(clicksBucket), key[:], []byte(old.record)); err != nil {
				return err
			}
			if err := tx.put(tx.table(clicksIndex), timeKey(rec.seen, key[:]), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	settled(t, e)
	found, err := e.Clicks(t.Context(), "acme", keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range found {
		if got := shownClicks(c); got != oldRecords[i].want {
			t.Errorf("record %d: %s, want %s", i, got, oldRecords[i].want)
		}
	}
	for i, key := range keys {
		g := testGroup(uint64(i), 10)
		g.Events[0].Contact = key
		g.Events[0].Clicks = []queue.Click{{At: testNow.UnixMilli(), Kind: queue.ClickGoogle, Data: []byte("new")}}
		mustAppend(t, e, g)
	}
	if found, err = e.Clicks(t.Context(), "acme", keys); err != nil {
		t.Fatal(err)
	}
	for i, c := range found {
		first, rest, _ := strings.Cut(oldRecords[i].want, " ")
		_, kinds, _ := strings.Cut(rest, " ")
		if got, want := shownClicks(c), first+" new "+kinds+" google new new"; got != want {
			t.Errorf("record %d with another click: %s, want %s", i, got, want)
		}
	}
}

// TestClickRecordOfAnother: what a later Leadgate wrote is not guessed at.
func TestClickRecordOfAnother(t *testing.T) {
	one := appendClicks(nil, &clickRecord{touches: queue.Touches{{At: 1, Kind: queue.ClickLink, Data: []byte("x")}}})
	for what, change := range map[string]func([]byte){
		"version 3 is unknown": func(b []byte) { b[0] = 3 },
		"unknown kind":         func(b []byte) { b[3] = byte(queue.ClickKinds) },
	} {
		b := append([]byte(nil), one...)
		change(b)
		if _, err := decodeClicks(b); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
