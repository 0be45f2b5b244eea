package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// written makes a journal, writes records of these changes, and returns the file, without
// its head, and where each record ends.
func written(t *testing.T, synced int, changes ...string) (b []byte, ends []int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	j := Writer{Head: Head{Format: 8, ID: NewID(), Generation: 7}}
	if err := Make(path, j.Head); err != nil {
		t.Fatal(err)
	}
	if err := j.Open(path); err != nil {
		t.Fatal(err)
	}
	j.Headed = j.Head.Generation
	var log []byte
	for i, c := range changes {
		from := len(log)
		log = append(append(log, make([]byte, RecordHead)...), c...)
		if err := j.Write(log, from); err != nil {
			t.Fatal(err)
		}
		if i < synced {
			if err := j.Sync(len(log)); err != nil {
				t.Fatal(err)
			}
		}
		ends = append(ends, len(log))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || len(b) != FileSize {
		t.Fatalf("%d bytes, %v: want %d", len(b), err, FileSize)
	}
	if head, err := ReadHead(b); err != nil || head != j.Head {
		t.Fatalf("head %v, %v: want %v", head, err, j.Head)
	}
	return b[HeadSize:], ends
}

func TestRecords(t *testing.T) {
	b, ends := written(t, 2, "one", "two", "three")
	for name, c := range map[string]struct {
		change func(b []byte)
		end    int
		whole  bool
	}{
		"all":                     {func([]byte) {}, ends[2], true},
		"one torn, never synced":  {func(b []byte) { b[ends[1]+RecordHead] ^= 1 }, ends[1], true},
		"one damaged, was synced": {func(b []byte) { b[ends[0]+RecordHead] ^= 1 }, ends[0], false},
		"another generation":      {func(b []byte) { clear(b) }, 0, true},
	} {
		changed := bytes.Clone(b)
		c.change(changed)
		records, _, ok := Records(changed, 7)
		if ok != c.whole || !bytes.Equal(records, b[:c.end]) {
			t.Errorf("%s: %d bytes, whole %t: want %d, %t", name, len(records), ok, c.end, c.whole)
		}
	}
	if records, _, ok := Records(b, 8); len(records) > 0 || !ok {
		t.Errorf("of the next generation there are %d bytes, whole %t: want none", len(records), ok)
	}
}

func TestHeadDamaged(t *testing.T) {
	whole := (&Head{Format: 8, ID: NewID(), Generation: 7}).Append(nil)
	for at := range whole {
		b := make([]byte, HeadSize)
		copy(b, whole)
		b[at] ^= 4
		if head, err := ReadHead(b); err == nil {
			t.Fatalf("with byte %d changed it reads %v", at, head)
		}
	}
}
