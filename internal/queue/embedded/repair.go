package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// Repaired is what became of a store that was repaired.
type Repaired struct {
	Damage []string `json:"damage"` // what was found, in sentences; none: the store is whole, and nothing was changed
	Kept   []string `json:"kept"`   // the damaged files, under their new names
	// Entries that wait and dead letters.
	Saved int `json:"saved"`
	Lost  int `json:"lost"`
	// More may be lost than could be counted: why.
	Uncounted    []string              `json:"uncounted"`
	Clicks       int                   `json:"clicks"`    // contacts whose clicks are kept
	Codes        int                   `json:"codes"`     // of links
	IDs          int                   `json:"ids"`       // events that are remembered
	Forgotten    int                   `json:"forgotten"` // events that were remembered in a record of the journal that is damaged
	Destinations []RepairedDestination `json:"destinations"`
}

// RepairedDestination is what became of one destination's.
type RepairedDestination struct {
	Tenant  string `json:"tenant"`
	Name    string `json:"name"`
	Backlog int    `json:"backlog"`
	Dead    int    `json:"dead"`
	Lost    int    `json:"lost"`
	Again   int    `json:"again"` // of the backlog: may have been delivered before
}

// repair is a repair that is under way.
type repair struct {
	folder, path, journal string
	report                Repaired
	found                 pair // what the bbolt file said of itself
	out                   *bolt.DB
	tx                    *bolt.Tx        // open in out
	pending               int             // bytes in tx
	lost                  map[string]bool // bucket and key of entries and dead letters that were there and cannot be read
	dangling              map[uint32]int  // of a destination: records of which what they refer to is lost
	holes                 []hole
	unnamed               bool // aliases of contacts may be lost
}

// Repair makes one whole store of what can be read of the files in a folder, which no edge
// may have open. The damaged files stay beside, under new names. Everything is made before
// anything is renamed: after a crash in the middle it can be done again.
func Repair(folder string, now time.Time) (*Repaired, error) {
	r := &repair{
		folder: folder, path: filepath.Join(folder, fileName), journal: filepath.Join(folder, journalName),
		lost: map[string]bool{}, dangling: map[uint32]int{},
		report: Repaired{Damage: []string{}, Kept: []string{}, Uncounted: []string{}, Destinations: []RepairedDestination{}},
	}
	for _, path := range []string{r.path, r.journal} {
		if disk.IsFolder(path) {
			return nil, fmt.Errorf("%s is a folder, and should be a file: move it away, and repair again", path)
		}
	}
	file, err := os.OpenFile(r.path, os.O_RDWR, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening %s: %w", r.path, err)
	}
	if file != nil {
		defer func() { _ = file.Close() }()
		if err := disk.Lock(file, 0); errors.Is(err, disk.ErrLocked) {
			return nil, fmt.Errorf("%s is in use: stop the edge that runs on it first", r.path)
		} else if err != nil {
			return nil, fmt.Errorf("locking %s: %w", r.path, err)
		}
	}
	log, err := os.ReadFile(r.journal)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", r.journal, err)
	}
	if file == nil && log == nil {
		return nil, fmt.Errorf("there is no queue in %s: neither leadgate.db nor leadgate.journal", folder)
	}
	if err := r.run(file, log, now); err != nil {
		return nil, fmt.Errorf("repairing the queue in %s: %w", folder, err)
	}
	return &r.report, nil
}

func (r *repair) run(file *os.File, log []byte, now time.Time) error {
	made := r.path + ".repaired"
	if err := os.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	base, err := r.examine(file, log)
	if err != nil || len(r.report.Damage) == 0 {
		return err
	}
	if r.out, _, err = openFile(made, time.Second); err != nil {
		return err
	}
	r.out.NoSync = true // until all is there
	err = r.salvage(base, log)
	if err == nil {
		r.out.NoSync = false
		err = r.out.Sync()
	}
	if err = errors.Join(err, r.out.Close()); err != nil {
		return errors.Join(err, os.Remove(made))
	}
	return r.replace(made, now)
}

// examine finds out what is wrong. Where that is nothing, there is nothing to do.
func (r *repair) examine(file *os.File, log []byte) (*base, error) {
	found := func(err error) {
		if damage, ok := errors.AsType[*Damage](err); ok {
			r.damaged(damage.File + ": " + damage.What)
		} else if err != nil {
			r.damaged(r.path + ": " + err.Error())
		}
	}
	if file == nil {
		found(missing(r.path, r.journal, lossAll))
		return nil, nil
	}
	found(verify(r.path, file))
	b, err := newBase(file)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, nil
	}
	r.found = b.pair
	if r.found.id == (journal.ID{}) {
		if len(r.report.Damage) == 0 && b.format >= pairedFormat {
			found(errors.New("it does not say which store it is"))
		}
		return b, nil
	}
	r.found.path = r.path
	switch {
	case log == nil && r.found.base != 0:
		found(missing(r.journal, r.path, lossBatches))
	case r.found.base != 0:
		_, _, err := readJournal(r.journal, log, &r.found)
		found(err)
	}
	return b, nil
}

// salvage fills the new file.
func (r *repair) salvage(b *base, log []byte) (err error) {
	if r.tx, err = r.out.Begin(true); err != nil {
		return err
	}
	defer func() {
		if r.tx != nil {
			_ = r.tx.Rollback()
		}
	}()
	if _, err := prepare(r.tx, r.path); err != nil {
		return err
	}
	if r.unnamed = b == nil; b != nil {
		if err := r.copyBase(b); err != nil {
			return err
		}
	}
	if err := r.replayJournal(log); err != nil {
		return err
	}
	if err := r.fillHoles(b); err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	err = r.tx.Commit()
	r.tx = nil
	return err
}

// room commits what was written, now and then.
func (r *repair) room(bytes int) (err error) {
	if r.pending += bytes; r.pending < commitBytes {
		return nil
	}
	r.pending = 0
	if err := r.tx.Commit(); err != nil {
		return err
	}
	r.tx, err = r.out.Begin(true)
	return err
}

// replace gives the new file its name, and the damaged ones theirs.
func (r *repair) replace(made string, now time.Time) error {
	suffix := ".damaged-" + now.UTC().Format("20060102T150405Z")
	for _, path := range []string{r.path, r.journal} {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		kept := path + suffix
		if err := disk.Keep(path, kept); err != nil {
			return fmt.Errorf("keeping %s: %w", path, err)
		}
		r.report.Kept = append(r.report.Kept, kept)
	}
	if err := os.Rename(made, r.path); err != nil {
		return err
	}
	// The new file says that it has no journal: one that is left here is none of it.
	if err := os.Remove(r.journal); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return disk.SyncFolder(r.folder)
}

// tell adds what became of a destination to the report.
func (r *repair) tell(d queue.Dest, expected, backlog, dead, lost int) {
	row := RepairedDestination{Tenant: d.Tenant, Name: d.Name, Backlog: backlog, Dead: dead}
	row.Lost, row.Again = max(expected-backlog-dead, lost, 0), max(backlog+dead-expected, 0)
	r.report.Saved += backlog + dead
	r.report.Lost += row.Lost
	r.report.Destinations = append(r.report.Destinations, row)
}

// damaged adds to what was found, which may be much.
func (r *repair) damaged(what string) {
	const enough = 20
	switch n := len(r.report.Damage); {
	case n < enough && !slices.Contains(r.report.Damage, what):
		r.report.Damage = append(r.report.Damage, what)
	case n == enough:
		r.report.Damage = append(r.report.Damage, "and more")
	}
}

func (r *repair) uncounted(why string) {
	if !slices.Contains(r.report.Uncounted, why) {
		r.report.Uncounted = append(r.report.Uncounted, why)
	}
}
