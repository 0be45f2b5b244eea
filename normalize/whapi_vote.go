package normalize

import (
	"bytes"
	"strconv"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// isVote reports whether a message is a vote in a poll.
//
//	{"type":"action","action":{"type":"vote","target":"…","votes":["a1b2"]}}
//	{"type":"poll_update","subtype":"vote"}
func isVote(n jsondoc.Node, p *whapiParts) bool {
	switch string(p.kind.Bytes()) {
	case "poll_update":
		return true
	case "action":
		return string(n.Get("action").Get("type").Bytes()) == "vote"
	}
	return false
}

// whapiVoter reports whether a vote that claims to be our own is: from_me, like the
// id, may be the poll's and not the vote's. The voter is `from`. Of a customer's
// vote in a chat of two, it leaves only who that is.
func (b *Batch) whapiVoter(n jsondoc.Node, p *whapiParts, business jsondoc.Node) (own bool) {
	voter, _ := b.whapiID(b.id(p.from))
	chat, server := b.whapiID(b.id(p.chat))
	ours, _ := b.whapiID(b.id(business))
	ofPoll := len(p.id.Bytes()) > 0 && bytes.Equal(p.id.Bytes(), n.Get("action").Get("target").Bytes())
	if server == whapiGroup {
		return voter == nil || bytes.Equal(voter, ours) || ours == nil && !ofPoll
	}
	if chat != nil && bytes.Equal(voter, chat) {
		return false
	}
	if ofPoll {
		p.from, p.fromName = jsondoc.Node{}, jsondoc.Node{} // the business's, as the poll has them
		return false
	}
	return true
}

// whapiKey is the key of what has an earlier message's id: of a vote with its
// voter, of an edit with its time, where that is unknown with its content.
func (b *Batch) whapiKey(e *Event, id Text, action string, voter Text) []byte {
	start := len(b.arena)
	b.arena = append(id.Append(b.arena), '\n')
	b.arena = append(append(b.arena, action...), '\n')
	switch {
	case voter != nil:
		b.arena = voter.Append(b.arena)
	case e.HasProviderTime:
		b.arena = strconv.AppendInt(b.arena, e.ReceivedAt, 10)
	default:
		return b.timeAndHash(start, e)
	}
	return b.built(start)
}

// whapiPollKey is the key of a poll that came again with its results: with its
// content, since the time is the poll's and who voted last is not said.
//
//	{"id":"…","type":"poll","timestamp":1736535600,"poll":{"results":[{"name":"Mon","count":2,"voters":["15551234567","15557654321"]}]}}
func (b *Batch) whapiPollKey(e *Event, id Text) []byte {
	start := len(b.arena)
	b.arena = append(append(id.Append(b.arena), "\nedit"...), '\n')
	return b.timeAndHash(start, e)
}
