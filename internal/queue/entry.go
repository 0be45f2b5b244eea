package queue

// Format says what an entry's payload is.
type Format uint8

// The formats.
const (
	FormatEvent      Format = iota + 1 // unified JSON
	FormatRaw                          // a webhook's body as it came
	FormatConversion                   // unified JSON, to be reported to an ad platform
)

// Header is what an entry carries beside its payload.
type Header struct {
	EventID     ID
	Format      Format
	Kind        uint8  // normalize.Kind, 0 for FormatRaw
	Contact     string // the order key; "" = unordered
	ClickKey    string // the contact's key in the click store; "" = no attribution
	Time        int64  // the event's own time, ms
	QueuedAt    int64  // when the edge took it, ms
	Attribution uint32 // offset of the null in the payload that attribution replaces; 0 = none
	HTTP        []HTTPHeader
	Meta        []byte // for the sender's own use, opaque here
	Trace       string // the span of the webhook that brought it, opaque here; "" = none
}

// HTTPHeader is a header of the webhook that a raw entry passes on.
type HTTPHeader struct{ Name, Value string }

// Pos is an entry's place in its destination's queue; later entries have
// greater ones. In Redis Ms is that of the stream id, in the embedded store 0.
type Pos struct{ Ms, Seq uint64 }

// Less reports whether p comes before q.
func (p Pos) Less(q Pos) bool { return p.Ms < q.Ms || p.Ms == q.Ms && p.Seq < q.Seq }

// Entry is an undelivered job.
type Entry struct {
	Pos     Pos
	Header  Header
	Payload []byte // the caller's own
}

// Retry is the state of an entry that waits: it failed, or its destination is to be asked
// again later.
type Retry struct {
	Pos      Pos
	Attempts int   // that failed; 0 = it waits for something else
	FirstAt  int64 // of the first attempt, ms
	Due      int64 // ms
	Reason   string
	// Receipt is what the destination answered when it took the entry, by which it is
	// asked what became of it, opaque here; "" = it has not taken it, or it is sent again.
	Receipt string
	// Note is what else the sender remembers of an entry that the destination took before,
	// opaque here.
	Note string
}
