package admin

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination/leads"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/phone"
	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

// whom is the contact that a POST names.
type whom struct{ Tenant, Contact string }

func (e *Edge) readWhom(r *http.Request) (who whom, config *Config, err error) {
	if err := readAction(r, &who); err != nil {
		return who, nil, err
	}
	who.Tenant = cmp.Or(who.Tenant, e.tenant)
	if !wording.ValidName(who.Tenant) || who.Contact == "" {
		return who, nil, httperr.New(http.StatusBadRequest, "write {\"tenant\":…,\"contact\":…}, "+
			"the contact as E.164, waId, userId, e-mail address or leadId")
	}
	if err := e.mayAsk(who.Tenant); err != nil {
		return who, nil, err
	}
	config, err = e.Config()
	return who, config, err
}

// nobody fails where nothing was found because nothing can be: a tenant or a contact that
// is none.
func (c *Config) nobody(ctx context.Context, who whom) error {
	if err := c.knownTenant(ctx, who.Tenant); err != nil {
		return err
	}
	if problem := cmp.Or(unlikelyContact(who.Contact), unlikelyContact(meantContact(who.Contact))); problem != "" {
		return httperr.New(http.StatusBadRequest, "%s", problem)
	}
	return nil
}

// showContact answers POST /leadgate/contacts/show.
func (e *Edge) showContact(w http.ResponseWriter, r *http.Request) error {
	who, config, err := e.readWhom(r)
	if err != nil {
		return err
	}
	var names clicks.Names
	if config.AdNames != nil {
		names = config.AdNames(who.Tenant)
	}
	shown, err := journey.Show(r.Context(), config.Queue, who.Tenant, who.Contact, keysOf(who.Contact), names)
	if err != nil {
		return StoreError(err)
	}
	if len(shown.Touches)+len(shown.Events) == 0 {
		if err := config.nobody(r.Context(), who); err != nil {
			return err
		}
	}
	return httperr.JSON(w, http.StatusOK, shown)
}

// erase answers POST /leadgate/contacts/erase.
func (e *Edge) erase(w http.ResponseWriter, r *http.Request) error {
	who, config, err := e.readWhom(r)
	if err != nil {
		return err
	}
	// Before the rest: it is not to be read in between.
	unread, err := leads.Erase(r.Context(), config.Queue, who.Tenant, who.Contact, config.Now())
	if err != nil {
		return StoreError(err)
	}
	count := 0
	for _, key := range keysOf(who.Contact) {
		n, err := config.Queue.Erase(r.Context(), who.Tenant, key)
		if err != nil {
			return StoreError(err)
		}
		count += n
	}
	if unread && count == 0 {
		count = 1
	}
	if count == 0 {
		if err := config.nobody(r.Context(), who); err != nil {
			return err
		}
	}
	return httperr.JSON(w, http.StatusOK, map[string]int{"count": count})
}

// emailHash is the hash of an e-mail address, "" for anything else: Whapi's ids look like one,
// too, and are a person's who is not to seem erased.
func emailHash(contact string) string {
	name, _, ok := strings.Cut(contact, "@")
	hash, hashed := capi.HashEmail(contact)
	if !ok || !hashed || strings.HasSuffix(contact, ".whatsapp.net") || strings.HasSuffix(contact, "@c.us") ||
		strings.HasSuffix(contact, "@lid") || strings.HasSuffix(contact, "@g.us") || name == "" {
		return ""
	}
	return hash
}

// contactKeys are the keys that a person may be stored under.
func contactKeys(contact string) []string {
	if hash := emailHash(contact); hash != "" {
		return []string{clicks.EmailKey(hash)}
	}
	ids := []string{contact}
	if e164 := normalize.PhoneFromWaID(contact); e164 != "" {
		if digits := strings.TrimPrefix(e164, "+"); digits != contact {
			ids = append(ids, digits)
		}
		if digits := phone.Digits(contact); digits != ids[len(ids)-1] && digits != contact {
			ids = append(ids, digits)
		}
	}
	var keys []string
	for _, id := range ids {
		for _, channel := range []normalize.Channel{normalize.ChannelWhatsApp, normalize.ChannelMessenger, normalize.ChannelInstagram,
			normalize.ChannelSMS, normalize.ChannelLeadAds} {
			keys = append(keys, clicks.Contact(channel, id))
		}
	}
	return append(keys, clicks.LeadKey(strings.TrimPrefix(contact, "l:")))
}

// unlikelyContact says why nobody can be stored by this; "" where somebody may be.
// An erasure must not seem done where a number was written in another way.
func unlikelyContact(contact string) string {
	if emailHash(contact) != "" {
		return ""
	}
	digits := phone.Digits(contact)
	lettered := strings.ContainsAny(strings.ToLower(contact), "abcdefghijklmnopqrstuvwxyz")
	switch {
	case strings.Trim(contact, "0123456789+ ()-./") == "" && strings.HasPrefix(strings.TrimLeft(contact, "+ ("), "0"):
		return "the contact begins with 0: write its number with the country's code, such as +15551234567"
	case strings.ContainsAny(contact, " \t\r\n,;@") && lettered:
		return "the contact is no number and no id: write it as E.164, such as +15551234567, waId or userId"
	case digits == "" && !lettered:
		return "the contact has neither letters nor digits: write it as E.164, such as +15551234567, waId or userId"
	}
	return ""
}
