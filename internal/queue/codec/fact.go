package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const factVersion = 1

// AppendFact appends a fact's record: version, until when it is kept, data.
func AppendFact(dst []byte, till int64, data []byte) []byte {
	return append(binary.AppendVarint(append(dst, factVersion), till), data...)
}

// DecodeFact reads what AppendFact wrote. The data is a slice of b.
func DecodeFact(b []byte) (till int64, data []byte, err error) {
	r := Reader{Rest: b}
	r.Version(factVersion)
	till = r.Varint()
	if r.Err == nil && len(r.Rest) == 0 {
		r.Fail(errors.New("it is of nothing"))
	}
	if r.Err != nil {
		return 0, nil, fmt.Errorf("decoding fact: %w", r.Err)
	}
	return till, r.Rest, nil
}
