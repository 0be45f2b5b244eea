package embedded

import (
	"bytes"
	"fmt"

	"github.com/leadgate/leadgate/internal/queue/embedded/pages"
	"github.com/leadgate/leadgate/internal/wording"
)

// What people read of what stands in the file: what it is, and not the bucket's name.

// bucketTexts are what the buckets hold that are not of one destination.
var bucketTexts = map[string]string{
	string(metaBucket): "what the file says of itself", string(destsBucket): "the destinations",
	string(seenBucket): "the remembered events", string(seenFilters): "the index of the remembered events",
	string(idsBucket): "the remembered events", string(onceBucket): "what is reported once",
	string(onceIndex): "the index of what is reported once", string(clicksBucket): "the clicks",
	string(clicksIndex): "the index of the clicks", string(aliasBucket): "the contacts' other names",
	string(msgsBucket): "the messages of contacts", string(countsBucket): "the figures per ad",
	string(sharedBucket): "the events for several destinations", string(spentBucket): "the uses of events for several destinations",
	string(codesBucket): "the codes of links", string(codesIndex): "the index of the codes of links",
	string(notesBucket): "the journals of contacts", string(notesIndex): "the index of the journals of contacts",
	string(factsBucket): "what ads are called and cost",
}

// kindTexts are what the buckets of a destination hold.
var kindTexts = map[byte]string{
	entryBucket: "the waiting events", retryBucket: "the attempts", departBucket: "what was being sent", deadBucket: "the dead letters",
}

func bucketText(bucket []byte) string {
	if text, ok := bucketTexts[string(bucket)]; ok {
		return text
	}
	if kind, num := kindOf(bucket); num != 0 {
		return fmt.Sprintf("%s of destination number %d", kindTexts[kind], num)
	}
	return fmt.Sprintf("%q", bucket)
}

// recordText names a record: by its number, a destination by its name, all else by the
// key's bytes.
func recordText(bucket, key []byte) string {
	switch {
	case string(bucket) == string(destsBucket):
		tenant, name, _ := bytes.Cut(key, []byte{0})
		return fmt.Sprintf("what is known of destination %q of %q", name, tenant)
	case len(key) == 8:
		return fmt.Sprintf("record %d of %s", number(key), bucketText(bucket))
	}
	return fmt.Sprintf("record %x of %s", key, bucketText(bucket))
}

// unreadable says which part of the file cannot be read.
func unreadable(b pages.Bad) error {
	if b.Bucket == nil {
		return b
	}
	return fmt.Errorf("page %d, of %s: %w", b.Page, bucketText(b.Bucket), b.Err)
}

// stepsText is how far two files are apart. A step is a checkpoint or an opening; they are
// counted from a number that means nothing.
func stepsText(n uint64) string { return wording.Count(int(min(n, 1<<31-1)), "step") }
