package intake

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logged "go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/normalize"
)

// TestWordBook: numbers in words are hidden, and there is an end to words.
func TestWordBook(t *testing.T) {
	book := wordBook{seen: make(map[normalize.UnknownWord]*UnknownWord)}
	u := normalize.UnknownWord{Provider: "meta", Place: normalize.PlaceList, Word: "15551234567"}
	if !book.note(u, 1) || book.note(u, 2) {
		t.Error("a word is new once")
	}
	want := UnknownWord{Provider: "meta", Place: normalize.PlaceList.String(), Word: "*******4567", Webhooks: 2, FirstAt: 1, LastAt: 2}
	if list := book.list(); len(list) != 1 || list[0] != want {
		t.Errorf("%v", list)
	}
	for i := range 2 * maxWords {
		book.note(normalize.UnknownWord{Provider: "meta", Place: normalize.PlaceList, Word: fmt.Sprint("w", i)}, 3)
	}
	if n := len(book.list()); n != maxWords {
		t.Errorf("%d words", n)
	}
}

// TestUnknownWordIsLoggedOnce: with what it stood for, and no more than once.
func TestUnknownWordIsLoggedOnce(t *testing.T) {
	core, logs := logged.New(zapcore.WarnLevel)
	b := &Block{Provider: "meta", Logger: zap.New(core)}
	for range 3 {
		b.noteWords([]normalize.UnknownWord{
			{Provider: "meta", Place: normalize.PlaceAttachment, Word: "hologram_" + t.Name()},
		}, time.Unix(1736535600, 0))
	}
	lines := logs.All()
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	fields := lines[0].ContextMap()
	if fields["place"] != "attachment type" || fields["word"] != "hologram_"+t.Name() || fields["provider"] != "meta" {
		t.Errorf("%v", fields)
	}
}
