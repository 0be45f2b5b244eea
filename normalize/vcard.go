package normalize

import (
	"io"
	"mime/quotedprintable"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// vcard is a contact card as a vCard (RFC 6350 and the older 2.1 and 3.0), with
// the name under which it was sent. What is not understood is left out; the
// whole card stays in the event's raw.
//
//	{"name":"Ann Lee","vcard":"BEGIN:VCARD\nVERSION:3.0\nN:Lee;Ann;;;\nFN:Ann Lee\nORG:Acme;Sales\n
//	 item1.TEL;waid=15551234567:+1 555 123 4567\nitem1.X-ABLabel:Mobile\nEMAIL;type=WORK:ann@example.com\nEND:VCARD"}
func (b *Batch) vcard(n jsondoc.Node) Contact {
	card := vcardParser{batch: b}
	for line := range strings.SplitSeq(unfolded(n.Get("vcard").String()), "\n") {
		card.property(strings.TrimSuffix(line, "\r"))
	}
	card.finish()
	if name := b.id(n.Get("name")); name != nil {
		if card.Name == nil {
			card.Name = new(ContactName)
		}
		card.Name.FormattedName = name
	}
	return card.Contact
}

// unfolded joins the lines that the format broke: a line that starts with white
// space belongs to the one before.
func unfolded(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.NewReplacer("\n ", "", "\n\t", "").Replace(s)
}

// vcardParser collects the properties of one card.
type vcardParser struct {
	Contact
	batch *Batch

	// labels are the groups' own names for a type, by the property's group:
	// item1.X-ABLabel belongs to item1.TEL.
	labels                   map[string]string
	phoneGroups, emailGroups []string
	addresses, urls          []byte // arrays without their end
}

// property reads one line: [group.]NAME[;parameter…]:value.
func (c *vcardParser) property(line string) {
	head, value, ok := cutValue(line)
	if !ok || !c.batch.element() {
		return
	}
	name, params, _ := strings.Cut(head, ";")
	group := ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		group, name = name[:i], name[i+1:]
	}
	kind, waID, quoted := vcardParameters(params)
	if quoted {
		if plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(value))); err == nil {
			value = string(plain)
		}
	}
	switch strings.ToUpper(name) {
	case "FN":
		c.name().FormattedName = c.text(unescaped(value))
	case "N":
		p := vcardFields(value)
		*c.name() = ContactName{
			FormattedName: c.name().FormattedName, LastName: c.text(p[0]), FirstName: c.text(p[1]),
			MiddleName: c.text(p[2]), Prefix: c.text(p[3]), Suffix: c.text(p[4]),
		}
	case "TEL":
		c.Phones = append(c.Phones, ContactPhone{Phone: c.text(strings.TrimPrefix(unescaped(value), "tel:")), WaID: c.text(waID),
			Type: c.text(kind)})
		c.phoneGroups = append(c.phoneGroups, group)
	case "EMAIL":
		c.Emails = append(c.Emails, ContactEmail{Email: c.text(unescaped(value)), Type: c.text(kind)})
		c.emailGroups = append(c.emailGroups, group)
	case "ORG":
		p := vcardFields(value)
		c.Org = vcardObject("company", p[0], "department", p[1])
	case "ADR":
		p := vcardFields(value)
		c.addresses = element(c.addresses, vcardObject("street", p[2], "city", p[3], "state", p[4], "zip", p[5], "country", p[6], "type", kind))
	case "URL":
		c.urls = element(c.urls, vcardObject("url", unescaped(value), "type", kind))
	case "BDAY":
		c.Birthday = c.text(unescaped(value))
	case "X-ABLABEL":
		if c.labels == nil {
			c.labels = make(map[string]string)
		}
		// Apple writes its own labels as _$!<Mobile>!$_.
		c.labels[group] = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(unescaped(value), "_$!<"), ">!$_"))
	}
}

// finish closes the lists and gives the groups' labels to what has no type.
func (c *vcardParser) finish() {
	for i, group := range c.phoneGroups {
		if c.Phones[i].Type == nil && group != "" {
			c.Phones[i].Type = c.text(c.labels[group])
		}
	}
	for i, group := range c.emailGroups {
		if c.Emails[i].Type == nil && group != "" {
			c.Emails[i].Type = c.text(c.labels[group])
		}
	}
	if c.addresses != nil {
		c.Address = append(c.addresses, ']')
	}
	if c.urls != nil {
		c.URLs = append(c.urls, ']')
	}
}

func (c *vcardParser) name() *ContactName {
	if c.Name == nil {
		c.Name = new(ContactName)
	}
	return c.Name
}

// text is nil for an empty value.
func (c *vcardParser) text(s string) Text {
	if s == "" {
		return nil
	}
	return c.batch.quote([]byte(s))
}

// cutValue cuts a line at the colon that ends the parameters; one in quotes
// does not.
func cutValue(line string) (head, value string, ok bool) {
	quoted := false
	for i := range len(line) {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ':' && !quoted:
			return line[:i], line[i+1:], true
		}
	}
	return "", "", false
}

// vcardParameters reads the property's type in lower case, its WhatsApp id, and
// whether the value is quoted-printable (vCard 2.1). Before version 3 a type
// stands alone: TEL;CELL.
func vcardParameters(params string) (kind, waID string, quotedPrintable bool) {
	for param := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(param, "=")
		if !ok {
			name, value = "type", param
		}
		value = strings.ToLower(strings.Trim(value, `"`))
		switch strings.ToLower(name) {
		case "type":
			for t := range strings.SplitSeq(value, ",") {
				switch t {
				case "", "voice", "internet", "pref": // said of all numbers and addresses
				case "quoted-printable":
					quotedPrintable = true
				default:
					if kind == "" {
						kind = t
					}
				}
			}
		case "waid":
			waID = value
		case "encoding":
			quotedPrintable = quotedPrintable || value == "quoted-printable"
		}
	}
	return kind, waID, quotedPrintable
}

// vcardFields are the parts of a value between its semicolons; there are always
// enough for the longest, ADR.
func vcardFields(value string) [7]string {
	var parts [7]string
	at := 0
	start := 0
	for i := 0; i <= len(value) && at < len(parts); i++ {
		switch {
		case i == len(value) || value[i] == ';':
			parts[at] = unescaped(value[start:i])
			at++
			start = i + 1
		case value[i] == '\\' && i+1 < len(value):
			i++
		}
	}
	return parts
}

var vcardEscapes = strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\:`, ":", `\\`, `\`)

func unescaped(s string) string { return strings.TrimSpace(vcardEscapes.Replace(s)) }

// vcardObject is a JSON object of names and values, nil where all values are empty.
func vcardObject(pairs ...string) []byte {
	var out []byte
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		sep := byte(',')
		if out == nil {
			sep = '{'
		}
		// The error only reports invalid UTF-8, which is replaced.
		out, _ = jsontext.AppendQuote(append(out, sep), pairs[i])
		out, _ = jsontext.AppendQuote(append(out, ':'), pairs[i+1])
	}
	if out == nil {
		return nil
	}
	return append(out, '}')
}

// element appends to an array that is not closed yet.
func element(array, value []byte) []byte {
	switch {
	case value == nil:
		return array
	case array == nil:
		return append(append(array, '['), value...)
	}
	return append(append(array, ','), value...)
}
