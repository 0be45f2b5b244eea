package graph

import (
	"net/url"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// NextPage is the cursor of the page of a list that is behind this one, by the answer's paging,
// and whether there is such a page: it may have rows where this one has none. The address of
// that page holds the token, so that it is never asked; but where the answer has no cursors
// the cursor stands there. It is "" where Meta does not say where the list goes on.
func NextPage(paging jsondoc.Node) (after string, more bool) {
	next := paging.Get("next").String()
	if next == "" {
		return "", false
	}
	if after = paging.Get("cursors").Get("after").String(); after == "" {
		if address, err := url.Parse(next); err == nil {
			after = address.Query().Get("after")
		}
	}
	return after, true
}
