package normalize

// Kind says what an event is.
type Kind uint8

// The kinds of events.
const (
	KindMessage        Kind = iota + 1 // from the customer
	KindEcho                           // sent by the business, by whatever app
	KindStatus                         // of a message of the business: sent, delivered, read, failed…
	KindAutomaticEvent                 // a lead or purchase that Meta detected in the chat
	KindAccount                        // everything else: templates, quality, calls, settings, unknown fields
	KindConversion                     // posted to leadgate_conversions
	KindLead                           // a person sent an instant form of a lead ad
)

var kindNames = [...]string{"", "message", "echo", "status", "automatic_event", "account", "conversion", "lead"}

// String returns the kind as it stands in the unified JSON, "" for one that this
// version does not know: a store may hold what a newer edge has queued.
func (k Kind) String() string { return nameOf(kindNames[:], uint8(k)) }

func nameOf(names []string, n uint8) string {
	if int(n) < len(names) {
		return names[n]
	}
	return ""
}

// Channel is where the chat takes place.
type Channel uint8

// The channels. ChannelUnknown is null in the unified JSON.
const (
	ChannelUnknown Channel = iota
	ChannelWhatsApp
	ChannelMessenger
	ChannelInstagram
	ChannelSMS
	ChannelLeadAds // forms, and no chat
)

var channelNames = [...]string{"", "whatsapp", "messenger", "instagram", "sms", "lead_ads"}

// String returns the channel as it stands in the unified JSON, "" for an unknown one.
func (c Channel) String() string { return nameOf(channelNames[:], uint8(c)) }

// ChannelNamed is the channel of a name, ChannelUnknown for any other.
func ChannelNamed(name string) Channel {
	for c := ChannelWhatsApp; int(c) < len(channelNames); c++ {
		if channelNames[c] == name {
			return c
		}
	}
	return ChannelUnknown
}

// Event is one message, echo, status, automatic event, account notice,
// conversion or lead: the unified JSON in Go. AppendJSON writes it.
//
// Texts and values are slices of the webhook's body or of the [Batch] that
// made the event, and are valid until that Batch is reset. A nil Text or Value
// is unknown, null in JSON. Times are UNIX milliseconds.
type Event struct {
	TenantID string // set by SetTenant
	Kind     Kind
	Channel  Channel
	Provider string

	Account Account

	WaPhone     Text // E.164 with +, by the rules of PhoneFromWaID
	WaID        Text // as the provider sent it; where replies go
	UserID      Text // WhatsApp BSUID, Messenger PSID, Instagram IGSID
	Username    Text
	GroupID     Text
	ProfileName Text

	RawLastEventType Text
	RawVersion       Text
	ReceivedAt       int64 // the provider's own time; IngestedAt where it gave none
	IngestedAt       int64
	ReplyUntil       int64 // 0 = null

	// HasProviderTime says that ReceivedAt came from the provider, and so
	// that a redelivery carries the same.
	HasProviderTime bool

	Message        *Message        // kinds message and echo
	Referral       *Referral       // kind message; its fields are nil when organic
	UTM            *UTM            // where Referral is
	Ad             *Ad             // where Referral is
	Conversation   *Conversation   // where a status or billing notice carries one or a price
	Status         *Status         // kind status
	AutomaticEvent *AutomaticEvent // kind automatic_event
	Conversion     Value           // kind conversion: what was posted, without email
	Lead           *Lead           // kind lead
	Raw            Value           // the provider's own object, byte for byte

	// ConversationContext is an agent's summary of the chat before it was
	// handed over, WhatsApp's value.conversation_context as it came. It tells of
	// a person in prose: never log it.
	ConversationContext Value

	// Link is the click on a link that the message's code names, as the unified
	// JSON has it. It is kind message's alone, and filled by who keeps the codes.
	Link Value

	other OtherNames // of the customer

	id  ID
	key []byte // what makes the event itself: see ID

	from, to uint32 // where its element stands in the body; 0, 0 where that is not known
	envelope bool   // see IsEnvelope
}

// Account is who received the event: the business's ids.
type Account struct {
	WabaID, PhoneNumberID, DisplayPhoneNumber Text
	PageID, InstagramID                       Text
	App, ChannelID                            Text

	routing RoutingIDs
}

// RoutingIDs are ids of an account that are no part of the unified JSON: a tenant's
// `match` may name one of them instead.
type RoutingIDs struct {
	AppID      Text // `match app`
	AccountSID Text // `match account_sid`

	// RecipientID is the business's own end of a Messenger or Instagram item,
	// where it is another id than the entry's: Instagram may give two of one
	// account. `match page_id` and `match instagram_id` may name either; the
	// item's own says more than the entry's.
	RecipientID Text

	// EntryID is the id of an entry of an object that is not known, so that it may
	// be one of a WABA, a page or an Instagram account.
	EntryID Text
}

// RoutingIDs are the account's, to read and, for a provider module, to fill.
func (a *Account) RoutingIDs() *RoutingIDs { return &a.routing }

// OtherNames are ids of an event's customer that are no part of the unified JSON.
// By them a person is the same contact under a new name.
type OtherNames struct {
	ParentUserID Text   // the parent BSUID
	Former       []Text // ids and the number that a system event says the customer had before, most telling first
}

// OtherNames are the customer's, to read and, for a provider module, to fill.
func (e *Event) OtherNames() *OtherNames { return &e.other }

// Message is the content of a message or echo.
type Message struct {
	ID   Text
	Type string // text, image, … as the contract lists them

	Text, MediaID, MimeType, Caption Text
	MediaURL, SHA256, Filename       Text // SHA256 in lower-case hex
	Voice, Animated                  Bool

	Attachments     []Attachment // only when there is more than one
	Contacts        []Contact
	Location        *Location
	Interactive     *Interactive
	Reaction        *Reaction
	Order           *Order
	System          *System
	Context         *Context
	ReferredProduct *ReferredProduct
	OriginalID      Text // edit, revoke: the message meant
	Errors          []Error

	Forwarded, FrequentlyForwarded bool
	ReplyToID                      Text
}

// Attachment is one of several files of a message.
type Attachment struct {
	Type                                         string
	MediaID, MediaURL, MimeType, Filename, Title Text
}

// Contact is a contact card in a message of type contacts.
type Contact struct {
	Phones   []ContactPhone
	Name     *ContactName
	Emails   []ContactEmail
	Org      Value
	Address  Value // the addresses array, types in lower case
	URLs     Value // the urls array, types in lower case
	Birthday Text
}

// ContactPhone is a number on a contact card; Type in lower case.
type ContactPhone struct{ Phone, WaID, Type Text }

// ContactEmail is an address on a contact card; Type in lower case.
type ContactEmail struct{ Email, Type Text }

// ContactName is the name on a contact card.
type ContactName struct {
	FormattedName, FirstName, LastName, MiddleName, Prefix, Suffix Text
}

// Location is a place; Lat and Lng are JSON numbers in degrees.
type Location struct {
	Lat, Lng      Value
	Name, Address Text
}

// Interactive is a button press, a list choice, a flow's answer or a postback.
// ID, Title and Payload are filled whatever the type.
type Interactive struct {
	Type               Text
	ID, Title, Payload Text
	ButtonReply        *ButtonReply
	ListReply          *ListReply
	NfmReply           *NfmReply
}

// ButtonReply is a press of a reply button.
type ButtonReply struct{ ID, Title Text }

// ListReply is a choice from a list.
type ListReply struct{ ID, Title, Description Text }

// NfmReply is a WhatsApp Flow's answer. Response is ResponseJSON parsed, nil if
// it is not JSON.
type NfmReply struct {
	Name, Body, ResponseJSON Text
	Response                 Value
}

// Reaction is an emoji on a message; a nil Emoji takes it back.
type Reaction struct{ MessageID, Emoji Text }

// Order is a cart sent from a catalog.
type Order struct {
	CatalogID, Text Text
	Items           []OrderItem
}

// OrderItem is a line of an order; Quantity and ItemPrice are JSON numbers with
// the digits received.
type OrderItem struct {
	ProductRetailerID   Text
	Quantity, ItemPrice Value
	Currency            Text
}

// System is a notice about the customer's number or id. WaID is the old number,
// NewWaID the new; UserID the new BSUID, PreviousUserID the old.
type System struct{ Type, Body, WaID, NewWaID, UserID, PreviousUserID Text }

// Context is the message that this one answers.
type Context struct{ ID, From, GsID Text }

// ReferredProduct is the catalog product that a message asks about.
type ReferredProduct struct{ CatalogID, ProductRetailerID Text }

// Error is an error as the provider reports it. Code is a JSON number or string.
type Error struct {
	Code                    Value
	Title, Message, Details Text
}

// Referral is the click that brought the message. All fields nil: organic.
type Referral struct {
	CtwaClid, SourceURL, SourceType, SourceID, Headline, Body Text
	MediaType, ImageURL, VideoURL, ThumbnailURL               Text
	WelcomeMessage, Ref, AdID, DedupToken                     Text
}

// IsAd reports whether the referral is an ad click.
func (r *Referral) IsAd() bool { return r != nil && (r.CtwaClid != nil || r.AdID != nil) }

// UTM is the utm_* parameters of the referral's source URL.
type UTM struct{ Source, Medium, Campaign, Content, Term Text }

// Ad is the ad parameters of the referral's source URL.
type Ad struct{ CampaignID, AdsetID, AdID, Placement, SiteSourceName Text }

// Conversation is what a status or a billing notice says of the conversation.
type Conversation struct {
	ID                  Text
	ExpirationTimestamp int64 // ms; 0 = null
	OriginType          Text
	Pricing             *Pricing
}

// Pricing is what a message costs by Meta's category.
type Pricing struct {
	Category           Text
	Billable           Bool
	PricingModel, Type Text
}

// Status is what became of a message of the business.
type Status struct {
	MessageID, GsID, State, RecipientID Text
	Watermark                           int64 // ms; 0 = null
	Errors                              []Error
	CallbackData                        Text
}

// AutomaticEvent is a lead or purchase that Meta detected. Value is a JSON
// number in major units, exact: WhatsApp's is divided by 1000.
type AutomaticEvent struct {
	EventName, CtwaClid, Currency Text
	Value                         Value
}

// Bool is true, false or unknown.
type Bool uint8

// The values of a Bool; the zero value is null.
const (
	Unknown Bool = iota
	False
	True
)

// Text is a JSON string as it stands in the body, quotes and escapes included,
// always valid JSON and valid Unicode. nil is unknown (null).
type Text []byte

// Value is any JSON value as it stands in the body. nil is null.
type Value []byte
