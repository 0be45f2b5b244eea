package embedded

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// An entry of which the journal has a damaged record, and a later one that it was
// delivered, is not lost; one that was not delivered is.
func TestEmbeddedRepairCountsWhatIsLost(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, testGroup(1, 100))
	settled(t, e)
	delivered, waits := testGroup(2, 100), testGroup(3, 100)
	delivered.Payloads[0], waits.Payloads[0] = bytes.Repeat([]byte("delivered"), 10), bytes.Repeat([]byte("it waits "), 10)
	mustAppend(t, e, delivered)
	mustAppend(t, e, waits)
	mustAppend(t, e, testGroup(4, 100))
	d := e.Drain(testDest, func() {})
	if err := d.Done(t.Context(), []queue.Pos{{Seq: 2}}); err != nil {
		t.Fatal(err)
	}
	d.Close()
	db, journal := grab(t, e)
	for name, c := range map[string]struct {
		payloads    []string
		saved, lost int
	}{
		"of one that was delivered": {[]string{"delivered"}, 3, 0},
		"of one that waits":         {[]string{"it waits "}, 2, 1},
		"of both":                   {[]string{"delivered", "it waits "}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			damaged := bytes.Clone(journal)
			for _, payload := range c.payloads {
				damaged[bytes.Index(damaged, []byte(payload))] ^= 1
			}
			report, err := Repair(folder(t, db, damaged), testNow)
			if err != nil || report.Saved != c.saved || report.Lost != c.lost {
				t.Errorf("saved %d, lost %d, %v; want %d and %d", report.Saved, report.Lost, err, c.saved, c.lost)
			}
		})
	}
}

// What is damaged is named by what it is, and no bucket by its name, in the edge's words
// and in those of a repair.
func TestEmbeddedDamageIsReadable(t *testing.T) {
	e := richStore(t, t.TempDir())
	settled(t, e)
	db, journal := grab(t, e)
	value := func(bucket []byte) (b []byte) {
		err := e.view(t.Context(), func(tx *bolt.Tx) error {
			_, v := tx.Bucket(bucket).Cursor().First()
			b = bytes.Clone(v)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for want, bucket := range map[string][]byte{
		`record \d+ of the events for several destinations: its checksum is wrong`: sharedBucket,
		`record \d+ of the dead letters of destination number 1: its checksum`:     bucketName(nil, deadBucket, 1),
		`what is known of destination "crm" of "acme": its checksum is wrong`:      destsBucket,
		`record [0-9a-f]{40} of the clicks: its checksum is wrong`:                 clicksBucket,
	} {
		damaged, v := bytes.Clone(db), value(bucket)
		for at := 0; ; { // also where an older page has it
			n := bytes.Index(damaged[at:], v)
			if n < 0 {
				break
			}
			at += n + len(v)
			damaged[at-1] ^= 1
		}
		dir := folder(t, damaged, journal)
		_, err := openAt(dir)
		if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("the edge says %v, want %s", err, want)
		}
		report, err := Repair(dir, testNow)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(want).MatchString(strings.Join(report.Damage, "\n")) {
			t.Errorf("a repair says %q, want %s", report.Damage, want)
		}
	}
}

// How far two files are apart is told in steps that can be counted.
func TestEmbeddedDamageCountsSteps(t *testing.T) {
	e := richStore(t, t.TempDir())
	db, journal := grab(t, e)
	settled(t, e)
	mustAppend(t, e, testGroup(5000, 100))
	settled(t, e)
	mustAppend(t, e, testGroup(5001, 100))
	later, laterJournal := grab(t, e)
	for name, c := range map[string][2][]byte{"leadgate.journal": {later, journal}, "leadgate.db": {db, laterJournal}} {
		_, err := openAt(folder(t, c[0], c[1]))
		if err == nil || !strings.Contains(err.Error(), name+" is damaged: it is older than ") ||
			!regexp.MustCompile(`, by \d{1,2} steps?;`).MatchString(err.Error()) {
			t.Errorf("an older %s: %v, want by how many steps", name, err)
		}
	}
}

// A folder that stands where a file should is named, by the edge and by a repair, and
// stays.
func TestEmbeddedFolderForFile(t *testing.T) {
	e := richStore(t, t.TempDir())
	db, journal := grab(t, e)
	for name, files := range map[string][2][]byte{"leadgate.db": {nil, journal}, "leadgate.journal": {db, nil}} {
		dir := folder(t, files[0], files[1])
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := openAt(dir); err == nil || !strings.Contains(err.Error(), path+" is damaged: it is a folder, and should be a file") {
			t.Errorf("the edge says %v", err)
		}
		if _, err := Repair(dir, testNow); err == nil || !strings.Contains(err.Error(), path+" is a folder, and should be a file: move it away") {
			t.Errorf("a repair says %v", err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Repair(dir, testNow); err != nil {
			t.Errorf("once it is away: %v", err)
		}
	}
}
