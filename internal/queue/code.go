package queue

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// Code is what a link's code stands for. A row with Claim waits for the contact that
// claims it by [Event.Claim], until it is gone: unclaimed it is kept for Claim or
// [Options.RememberClicks] from At, whichever is longer, claimed for RememberClicks from
// then on. A row without Claim is nobody's and never goes.
type Code struct {
	Code  string        // letters and digits, see package linkcode; unique in its tenant
	Key   string        // in: what it was drawn for. Stores keep a hash of it
	Of    string        // rows without Claim are counted by it: the link's name; "" = not counted
	Data  []byte        // JSON of package links
	Claim time.Duration // how long after At it may be claimed; 0: never (static, campaign). In whole milliseconds
	At    int64         // ms: when it was drawn
	Owner string        // out: the hashed names of who claimed it, see [Code.OwnedBy]; "" = nobody
}

// The limits of codes where [Options] say nothing.
const (
	DefaultMaxCodes     = 10_000
	DefaultMaxUnclaimed = 1_000_000
)

// What a row may be.
const (
	maxCode     = 32
	maxCodeKey  = 64 << 10
	maxCodeData = 64 << 10
	latest      = 1 << 50 // ms
)

// CodesOf is how many rows without Claim one Of may have.
func (o *Options) CodesOf() int {
	if o.MaxCodes > 0 {
		return o.MaxCodes
	}
	return DefaultMaxCodes
}

// Unclaimed is how many rows with Claim a tenant may have that nobody claimed.
func (o *Options) Unclaimed() int {
	if o.MaxUnclaimed > 0 {
		return o.MaxUnclaimed
	}
	return DefaultMaxUnclaimed
}

// ErrTooManyCodes is of a code without Claim beyond those that one Of may have.
var ErrTooManyCodes = fmt.Errorf("%w: a link has as many codes as it may", ErrFull)

// Expiry is when a row is gone that nobody claims, ms; 0 = never.
func (c *Code) Expiry(o *Options) int64 {
	if c.Claim == 0 {
		return 0
	}
	return c.At + max(c.Claim, o.RememberClicks).Milliseconds()
}

// OwnedBy reports whether the contact of an event has claimed the code, under any of its
// names: Contact, Aliases, Former.
func (c *Code) OwnedBy(tenant string, ev *Event) bool {
	return Called(c.Owner, Names(tenant, ev))
}

// ClaimableBy reports whether an event that claims the code is stored at a time, ms.
func (c *Code) ClaimableBy(tenant string, ev *Event, now int64) bool {
	switch {
	case c.Claim == 0 || ev.Contact == "":
		return false
	case c.Owner != "":
		return c.OwnedBy(tenant, ev)
	default:
		return now < c.At+c.Claim.Milliseconds()
	}
}

// KeptClaim is the code that an event claims, "" if it has no contact.
func (ev *Event) KeptClaim() string {
	if ev.Contact == "" {
		return ""
	}
	return ev.Claim
}

// Names are the keys of an event's contact, each hashed, the contact's own first.
func Names(tenant string, ev *Event) string {
	if ev.Contact == "" {
		return ""
	}
	var b strings.Builder
	add := func(key string) {
		h := HashKey(tenant, key)
		if !Called(b.String(), string(h[:])) {
			b.Write(h[:])
		}
	}
	add(ev.Contact)
	for _, alias := range ev.Aliases {
		add(alias)
	}
	for _, former := range ev.FormerKeys() {
		add(former)
	}
	return b.String()
}

// SameContact reports whether two events of a tenant name one contact: by any key of theirs.
func SameContact(a, b *Event) bool {
	for key := range a.keys {
		for other := range b.keys {
			if key == other {
				return true
			}
		}
	}
	return false
}

// keys are those of an event's contact.
func (ev *Event) keys(yield func(string) bool) {
	for _, list := range [...][]string{{ev.Contact}, ev.Aliases, ev.Former} {
		for _, key := range list {
			if key != "" && !yield(key) {
				return
			}
		}
	}
}

// Called reports whether two lists of hashed names have one in common.
func Called(a, b string) bool {
	const n = len(KeyHash{})
	for i := 0; i+n <= len(a); i += n {
		for j := 0; j+n <= len(b); j += n {
			if a[i:i+n] == b[j:j+n] {
				return true
			}
		}
	}
	return false
}

// Validate says what is wrong with a code by itself: an [ErrInvalid].
func (c *Code) Validate(tenant string) error {
	switch {
	case !tenantName(tenant):
		return fmt.Errorf("%w: %.20q is no tenant's name", ErrInvalid, tenant)
	case len(c.Code) > maxCode || c.Code == "" || strings.ContainsFunc(c.Code, notLetterOrDigit):
		return fmt.Errorf("%w: %.40q is no code", ErrInvalid, c.Code)
	case c.Key == "" || len(c.Key) > maxCodeKey:
		return fmt.Errorf("%w: a code is drawn for a key of 1 to %d bytes", ErrInvalid, maxCodeKey)
	case !countable(c.Of):
		return fmt.Errorf("%w: the name that a code is counted by has a character that is not allowed, or is too long", ErrInvalid)
	case len(c.Data) > maxCodeData:
		return fmt.Errorf("%w: what a code stands for has over %d bytes", ErrInvalid, maxCodeData)
	case c.Claim < 0 || c.Claim%time.Millisecond != 0 || c.At < 0 || c.At > latest:
		return fmt.Errorf("%w: a code's times are milliseconds", ErrInvalid)
	case c.Owner != "":
		return fmt.Errorf("%w: a new code has no owner", ErrInvalid)
	}
	return nil
}

func notLetterOrDigit(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// KeyHash stands for a key of a tenant: the first 16 bytes of a SHA-256. Hashed,
// keys are short and of one length, and no phone number is stored beside the
// entries'.
type KeyHash [16]byte

// HashKey hashes a tenant's key.
func HashKey(tenant, key string) (h KeyHash) {
	buf := make([]byte, 0, 128)
	buf = append(buf, tenant...)
	buf = append(buf, 0)
	buf = append(buf, key...)
	sum := sha256.Sum256(buf)
	copy(h[:], sum[:])
	return h
}
