package leads

import (
	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/graph"
)

// Explain says what an error of the Graph API means where a lead is read; "" where that is what it
// means everywhere.
func Explain(code, subcode int) string {
	e := &graph.Error{Code: code, Subcode: subcode}
	x := explain(e)
	switch {
	case isMissing(e), x.Class == capi.BadEvent && (subcode < 2804000 || subcode > 2804999): // those are of datasets
		return notThere + "; it is asked for again during 6 hours, while others go on, and then it is a dead letter"
	case x.Class == capi.Permission && code != wantsPage:
		return rights
	}
	return ""
}
