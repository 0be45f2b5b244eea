package embedded

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// edit changes the bbolt file of a store that is closed.
func edit(t *testing.T, e *Store, change func(*bolt.Tx) error) (dir string) {
	t.Helper()
	settled(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	db, _, err := openFile(e.path, time.Second)
	if err == nil {
		err = errors.Join(db.Update(change), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(e.path)
}

// A file of format 4 has no codes: it is opened, with all that is in it, and takes some.
// That it is whole is looked at before.
func TestEmbeddedFormat4(t *testing.T) {
	old := func(tx *bolt.Tx) error {
		return errors.Join(tx.DeleteBucket(codesBucket), tx.DeleteBucket(codesIndex), tx.Bucket(metaBucket).Put(formatKey, sequence(4)))
	}
	e := openTest(t, t.TempDir())
	mustAppend(t, e, testGroup(1, 100), testGroup(2, 100))
	dir := edit(t, e, old)
	e = openTest(t, dir)
	if n := backlog(t, e); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
	putRichCode(t, e, 1)
	mustAppend(t, e, testGroup(3, 100))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, dir)
	if c, err := e.Codes(t.Context(), "acme", []string{"CODE1"}); err != nil || c[0].Code != "CODE1" {
		t.Errorf("%+v, %v", c, err)
	}

	dir = edit(t, e, func(tx *bolt.Tx) error {
		return errors.Join(old(tx), tx.DeleteBucket(clicksBucket))
	})
	if _, err := openAt(dir); err == nil || !strings.Contains(err.Error(), `the place of the clicks is missing`) {
		t.Errorf("without clicks: %v", err)
	}
}

// Where what leads to the codes is not what there is of them, the file is not opened, and
// a repair has every code again, whoever claimed it.
func TestEmbeddedRepairsCodes(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(*bolt.Tx) error
		lost   string
	}{
		"an index entry": {damage: func(tx *bolt.Tx) error {
			key, _ := tx.Bucket(codesIndex).Cursor().Seek([]byte{ownerIndex})
			return tx.Bucket(codesIndex).Delete(key)
		}},
		"a count": {damage: func(tx *bolt.Tx) error {
			return tx.Bucket(codesIndex).Put(waitingCount("acme"), sequence(7))
		}},
		"another's entry": {damage: func(tx *bolt.Tx) error {
			return tx.Bucket(codesIndex).Put(waitingKey("acme", 1, "CODE3"), nil)
		}},
		"all of the index": {damage: func(tx *bolt.Tx) error {
			return errors.Join(tx.DeleteBucket(codesIndex), func() error { _, err := tx.CreateBucket(codesIndex); return err }())
		}},
		"a row": {damage: func(tx *bolt.Tx) error {
			place := codeKey("acme", "CODE14")
			return tx.Bucket(codesBucket).Delete(place[:])
		}, lost: "CODE14"},
		"two rows for the same": {damage: func(tx *bolt.Tx) error {
			row := &codeRow{Code: queue.Code{Code: "CODE500", At: 1}, tenant: "acme", key: drawnKey("acme", "key 14")}
			place := row.place()
			return putRecord(tx.Bucket(codesBucket), codesBucket, place[:], appendCode(nil, row))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := richStore(t, t.TempDir())
			all := codesOf(t, e, "acme")
			dir := edit(t, e, c.damage)
			if _, err := openAt(dir); err == nil || !strings.Contains(err.Error(), "codes") {
				t.Fatalf("it was opened: %v", err)
			}
			report, err := Repair(dir, testNow)
			if err != nil || len(report.Damage) != 1 {
				t.Fatalf("%+v, %v", report, err)
			}
			if e, err = openAt(dir); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			repaired := codesOf(t, e, "acme")
			if report.Codes != len(repaired) {
				t.Errorf("%d codes, and the report says %d", len(repaired), report.Codes)
			}
			for code, row := range all {
				if got := repaired[code]; got != row && code != c.lost && name != "two rows for the same" {
					t.Errorf("%s was\n%s\nand is\n%s", code, row, got)
				}
			}
			if n, err := e.Erase(t.Context(), "acme", "whatsapp/14"); err != nil || n == 0 {
				t.Errorf("erased %d, %v", n, err)
			}
		})
	}
}

// codesOf are the codes of a rich store, by their names.
func codesOf(t *testing.T, e *Store, tenant string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for n := range 600 {
		code := fmt.Sprintf("CODE%d", n)
		found, err := e.Codes(t.Context(), tenant, []string{code})
		if err != nil {
			t.Fatal(err)
		}
		if found[0].Code != "" {
			all[code] = fmt.Sprintf("%+v", found[0])
		}
	}
	if len(all) < 150 {
		t.Fatalf("there are only %d codes", len(all))
	}
	return all
}
