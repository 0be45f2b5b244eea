package caddymodule

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/capi"
)

// lduValue is LDU [<country> <state>].
type lduValue struct{ to *[]string }

func (v lduValue) parse(option string, words []string) error {
	if err := literals(option, words); err != nil {
		return err
	}
	*v.to = words
	return v.check(option)
}

func (v lduValue) check(string) error {
	_, err := parseLDU(*v.to)
	return err
}
func (v lduValue) get() any    { return *v.to }
func (v lduValue) empty() bool { return len(*v.to) == 0 }

func parseLDU(words []string) (*capi.LDU, error) {
	wrong := fmt.Errorf("data_processing_options '%s': write LDU, or LDU <country> <state> such as LDU 1 1000", strings.Join(words, " "))
	switch {
	case len(words) == 0:
		return nil, nil
	case words[0] != "LDU" || len(words) != 1 && len(words) != 3:
		return nil, wrong
	case len(words) == 1:
		return &capi.LDU{}, nil
	}
	country, err1 := strconv.Atoi(words[1])
	state, err2 := strconv.Atoi(words[2])
	if err1 != nil || err2 != nil {
		return nil, wrong
	}
	return &capi.LDU{Country: country, State: state}, nil
}
