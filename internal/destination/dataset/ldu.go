package dataset

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/capi"
)

// ParseLDU reads the words of data_processing_options: LDU, or LDU <country>
// <state>; nil for none.
func ParseLDU(words []string) (*capi.LDU, error) {
	switch {
	case len(words) == 0:
		return nil, nil
	case len(words) == 1 && words[0] == "LDU":
		return &capi.LDU{}, nil
	case len(words) == 3 && words[0] == "LDU":
		country, err := strconv.Atoi(words[1])
		state, err2 := strconv.Atoi(words[2])
		if err == nil && err2 == nil {
			return &capi.LDU{Country: country, State: state}, nil
		}
	}
	return nil, fmt.Errorf("data_processing_options '%s': write LDU, or LDU <country> <state> such as LDU 1 1000", strings.Join(words, " "))
}
