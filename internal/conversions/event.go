package conversions

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/normalize"
)

// contactOf is the person that a click is of, as its channel knows them.
func contactOf(c *capi.Click) string {
	switch {
	case c.UserID != "":
		return c.UserID
	case c.WaPhone != "":
		return strings.TrimPrefix(c.WaPhone, "+")
	}
	return c.WaID
}

// unified is the item's unified event. Whom it concerns is what the click says.
func (it *Item) unified(tenant string, click *clicks.Click, posted normalize.Value, now time.Time) *normalize.Event {
	ev := &normalize.Event{
		Kind: normalize.KindConversion, Channel: click.Channel, Provider: "leadgate",
		RawLastEventType: normalize.NewText("conversion"),
		ReceivedAt:       it.eventTime.UnixMilli(), IngestedAt: now.UnixMilli(),
		Conversion: posted, Raw: posted,
		Account: normalize.Account{WabaID: textOf(click.WabaID), PageID: textOf(click.PageID), InstagramID: textOf(click.InstagramID)},
		WaPhone: textOf(click.WaPhone), WaID: textOf(click.WaID), UserID: textOf(click.UserID),
	}
	switch {
	case it.orderID != "":
		ev.SetKey(it.name, it.orderID)
	case it.said != nil:
		ev.SetKey(it.said...)
	default:
		// Canonicalize changes what it is given. Whole numbers stay, or long ids would be one.
		canonical := jsontext.Value(append([]byte(nil), it.node.Raw()...))
		if err := canonical.Canonicalize(exactly...); err != nil {
			canonical = it.node.Raw() // as it stands is as good for recognizing a repetition
		}
		sum := sha256.Sum256(canonical)
		ev.SetKey(hex.EncodeToString(sum[:]))
	}
	ev.SetTenant(tenant)
	return ev
}

// exactly are how an item is made canonical.
var exactly = []jsontext.Options{
	jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true), jsontext.CanonicalizeRawInts(false),
}

// textOf is a Text, nil for "".
func textOf(s string) normalize.Text {
	if s == "" {
		return nil
	}
	return normalize.NewText(s)
}

// withoutEmail is the posted item without its e-mail address, of which only the
// hash is kept.
func withoutEmail(n jsondoc.Node) (normalize.Value, error) {
	out := []byte{'{'}
	for m := n.First(); m.Exists(); m = m.Next() {
		key := string(m.Key())
		if key == "email" {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, normalize.NewText(key)...), ':'), m.Raw()...)
	}
	out = append(out, '}')
	if !json.Valid(out) {
		return nil, errors.New("the item cannot be written again")
	}
	return out, nil
}
