package graph

import (
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// TestNextPage: a page is behind another where the answer names its address, by whichever of the
// two it says where.
func TestNextPage(t *testing.T) {
	for _, c := range []struct {
		paging, after string
		more          bool
	}{
		{`{"cursors":{"before":"a","after":"b"},"next":"https://graph.example/1/leads?access_token=x&after=b"}`, "b", true},
		{`{"cursors":{"before":"a","after":"b"}}`, "", false},
		{`{"next":"https://graph.example/1/leads?access_token=x&after=b%3D%3D"}`, "b==", true},
		{`{"next":"https://graph.example/1/leads?access_token=x"}`, "", true},
		{`{"next":":"}`, "", true},
		{`{"next":""}`, "", false},
		{`null`, "", false},
	} {
		var doc jsondoc.Doc
		if err := doc.Parse([]byte(c.paging)); err != nil {
			t.Fatal(err)
		}
		if after, more := NextPage(doc.Root()); after != c.after || more != c.more {
			t.Errorf("%s: %q, %v, want %q, %v", c.paging, after, more, c.after, c.more)
		}
	}
}
