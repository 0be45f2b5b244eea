package embedded

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// FuzzRecords: no bytes make a decoder panic or allocate without bound, and
// what a decoder accepts says the same when encoded again.
func FuzzRecords(f *testing.F) {
	f.Add(appendClicks(nil, &clickRecord{
		touches: queue.Touches{{At: 1, Data: []byte("{}")}, {At: 2, Kind: queue.ClickLink, Data: []byte("[]")}}, aliases: []codec.KeyHash{{1}},
	}))
	f.Add([]byte("\x010\x000\x00\x01\x000\x00\x00")) // of the version before, without touches
	code := queue.Code{Code: "K7QW3MPDXR", Of: "summer", At: 1, Claim: time.Hour, Data: []byte("{}")}
	f.Add(appendCode(nil, &codeRow{Code: code, tenant: "acme", till: 9}))
	late := appendCode(nil, &codeRow{Code: code, tenant: "acme", till: 9})
	hour := binary.AppendVarint(nil, time.Hour.Milliseconds())
	f.Add(bytes.Replace(late, hour, binary.AppendVarint(nil, 1<<52), 1)) // a claim of 140,000 years, which no duration can be
	f.Add(appendDestination(nil, &destination{num: 3, backlog: 4, dead: 5}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeClicks(b); err == nil {
			again, err := decodeClicks(appendClicks(nil, c))
			if err != nil {
				t.Fatal(err)
			}
			same := len(again.touches) == len(c.touches) && (len(c.touches) == 0 || reflect.DeepEqual(again.touches, c.touches))
			if !same || len(again.aliases) != len(c.aliases) {
				t.Fatalf("clicks %+v became %+v", c, again)
			}
		}
		if c, err := decodeCode(b); err == nil {
			if again, err := decodeCode(appendCode(nil, c)); err != nil || !reflect.DeepEqual(again, c) {
				t.Fatalf("code %+v became %+v, %v", c, again, err)
			}
		}
		if d, err := decodeDestination(b); err == nil {
			if again, err := decodeDestination(appendDestination(nil, &d)); err != nil || again != d {
				t.Fatalf("destination %+v became %+v, %v", d, again, err)
			}
		}
	})
}
