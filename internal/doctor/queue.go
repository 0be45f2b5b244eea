package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/queue/redis"
)

// queueTimeout is how long the doctor waits for a Redis.
const queueTimeout = 5 * time.Second

// queueChecks looks at the store, if any block needs one.
func (d *doctor) queueChecks(ctx context.Context, s *sites) []func() []finding {
	needed := false
	for _, t := range s.tenants() {
		needed = needed || len(t.Forward)+len(t.CAPI) > 0
	}
	if !needed {
		return []func() []finding{func() []finding {
			return oneFinding(levelOK, "queue: none is needed, since all leadgate blocks are inline", "")
		}}
	}
	q := s.app.Queue
	if q == nil {
		q = &Queue{Kind: "embedded"}
	}
	return []func() []finding{func() []finding {
		store, err := q.provision()
		switch {
		case err != nil:
			return oneFinding(levelFail, "queue: "+err.Error(), "")
		case store.redis != nil:
			return checkRedis(ctx, store)
		}
		return checkFolder(store.folder, q.MaxSize)
	}}
}

func checkRedis(ctx context.Context, store *store) []finding {
	ctx, cancel := context.WithTimeout(ctx, queueTimeout)
	defer cancel()
	reports, err := redis.Check(ctx, *store.redis)
	if err != nil {
		return oneFinding(levelFail, "queue "+store.shown+": "+err.Error(),
			"start it, or correct the URL, user and password; until it is there, webhooks are answered 503 and providers send them again")
	}
	var found []finding
	for i := range reports {
		r := &reports[i]
		where := "queue: redis at " + r.Addr
		if r.Version != "" {
			where = fmt.Sprintf("queue: %s %s at %s", r.Name, r.Version, r.Addr)
		}
		switch {
		case r.TooOld:
			found = append(found, finding{levelFail, where + " is too old", "Leadgate needs Redis 7.0 or later, or Valkey"})
			continue
		case r.LoneNode:
			found = append(found, finding{levelFail, where + " is a node of a Cluster and keeps only a part of the keys", "name the URLs of several of its nodes in `queue redis`"})
			continue
		case r.Version == "":
			found = append(found, finding{levelWarn, where + " answers, but this user may not ask for its version and settings", "allow INFO and CONFIG GET, or check by hand: Redis 7 or Valkey, appendonly yes, maxmemory-policy noeviction"})
			continue
		}
		crash := finding{levelOK, where + ": a crash of it " + r.Durability, ""}
		if strings.HasPrefix(r.Durability, "loses everything") || strings.HasPrefix(r.Durability, "not known") {
			crash.level, crash.fix = levelWarn, "set appendonly yes; with appendfsync always not even the last second is lost"
		}
		found = append(found, crash)
		switch {
		case strings.HasPrefix(r.Policy, "allkeys"):
			found = append(found, finding{levelWarn, where + " throws away queued events when its memory is full (" + r.Policy + ")", "set maxmemory-policy noeviction"})
		case r.Policy != "" && r.Policy != "noeviction":
			found = append(found, finding{levelWarn, where + " throws away remembered ids and clicks when its memory is full (" + r.Policy + ")", "set maxmemory-policy noeviction"})
		}
	}
	return found
}

// lowSpace is how much an embedded queue needs to begin with.
const lowSpace = 64 << 20

// checkFolder looks whether an embedded queue could be written, without opening
// its file, which a running edge may have.
func checkFolder(folder string, maxSize int64) []finding {
	where := "queue: embedded in " + folder
	at, err := existing(folder)
	if err == nil {
		err = writable(at)
	}
	if err != nil {
		return oneFinding(levelFail, where+" cannot be written: "+err.Error(),
			"give the folder to the user that runs the edge, or name another with `queue embedded <path>`")
	}
	note := ""
	if at != folder {
		note = "; it will be made"
	}
	file := filepath.Join(folder, "leadgate.db")
	switch info, err := os.Stat(file); {
	case err == nil && !info.Mode().IsRegular():
		return oneFinding(levelFail, where+": "+file+" is no file", "move it away")
	case err == nil:
		if err := mayWrite(file); err != nil {
			return oneFinding(levelFail, where+": "+file+" belongs to another user: "+err.Error(), "run this command and the edge as the same user")
		}
		note = fmt.Sprintf("; its file has %s", megabytes(info.Size()))
	case !errors.Is(err, fs.ErrNotExist):
		return oneFinding(levelFail, where+": "+err.Error(), "")
	}
	free, known := freeSpace(at)
	if !known {
		return oneFinding(levelOK, where+" can be written"+note, "")
	}
	note += "; " + megabytes(free) + " are free"
	switch {
	case free < lowSpace:
		return oneFinding(levelFail, where+": the disk is full"+note, "make room; until then webhooks are answered 503")
	case free < maxSize:
		return oneFinding(levelWarn, where+" can be written"+note+", less than max_size ("+megabytes(maxSize)+")", "make room, or set a smaller max_size, so that a backlog doesn't fill the disk for others")
	}
	return oneFinding(levelOK, where+" can be written"+note, "")
}

func megabytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// existing is the folder itself, or the nearest above it that there is.
func existing(folder string) (string, error) {
	for {
		info, err := os.Stat(folder)
		switch {
		case err == nil && !info.IsDir():
			return "", fmt.Errorf("%s is no folder", folder)
		case err == nil:
			return folder, nil
		case !errors.Is(err, fs.ErrNotExist) || filepath.Dir(folder) == folder:
			return "", err
		}
		folder = filepath.Dir(folder)
	}
}

// writable makes a file in a folder, and removes it.
func writable(folder string) error {
	f, err := os.CreateTemp(folder, ".leadgate-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
