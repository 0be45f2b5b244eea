package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"time"
)

// What the edges are configured with, and the webhooks are signed with.
const (
	appSecret   = "bench_app_secret"
	verifyToken = "bench_verify_token"
	path        = "/webhooks/meta"
)

// contacts is how many people write in the usual mix.
const contacts = 20_000

// mix is what the webhooks of a corpus are.
type mix string

const (
	usual    mix = ""       // statuses, messages and some clicks
	adClicks mix = "clicks" // nothing but ad clicks, each of a contact that was never heard of
)

// kindOf is what webhook number i carries.
func (m mix) kindOf(i int) kind {
	if m == adClicks {
		return click
	}
	return kindOf(i)
}

// contactOf is who sent webhook number i.
func (m mix) contactOf(i int) int {
	if m == adClicks {
		return contacts + i
	}
	return contactOf(i)
}

// corpus is webhooks as whole HTTP/1.1 requests, signed and distinct, one after
// another in one piece of memory without pointers, so that the collector of the
// generator has nothing to look at while it measures.
type corpus struct {
	bytes []byte
	ends  []int // where each request ends
}

func (c *corpus) len() int { return len(c.ends) }

// request returns the i-th request.
func (c *corpus) request(i int) []byte {
	start := 0
	if i > 0 {
		start = c.ends[i-1]
	}
	return c.bytes[start:c.ends[i]]
}

// kind is what a webhook carries.
type kind int

const (
	status kind = iota
	message
	click
)

// kindOf is the usual mix: of 20 webhooks 14 statuses, 5 messages and 1 click, in an
// order without runs.
func kindOf(i int) kind {
	switch n := i * 7 % 20; {
	case n < 14:
		return status
	case n < 19:
		return message
	}
	return click
}

// contactOf scatters the webhooks over the contacts, independently of their
// kinds (a multiplicative hash), so that who clicked also writes and reads.
func contactOf(i int) int { return int(uint64(i)*0x9E3779B97F4A7C15>>32) % contacts }

// appendBody appends webhook number i, in the style of Meta's Cloud API, with
// invented numbers. who is its contact, at the event's own time.
func appendBody(b []byte, i int, k kind, who int, at time.Time) []byte {
	contact := 15551000000 + who
	b = append(b, `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{`+
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},`...)
	if k == status {
		states := [...]string{"sent", "delivered", "read"}
		b = fmt.Appendf(b, `"statuses":[{"id":"wamid.HBgLMTU1NTEwMDAwMDAVAgARGBI%018XAA==","status":%q,"timestamp":"%d","recipient_id":"%d",`+
			`"recipient_user_id":"US.1349%016d","conversation":{"id":"%032x","origin":{"type":"service"}},"pricing":{"billable":true,`+
			`"pricing_model":"PMP","category":"service","type":"regular"}}]`,
			i, states[i%3], at.Unix(), contact, contact, i)
	} else {
		b = fmt.Appendf(b, `"contacts":[{"profile":{"name":"Sof\u00eda Garc\u00eda"},"wa_id":"%d","user_id":"US.1349%016d"}],"messages":[{`,
			contact, contact)
		if k == click {
			b = fmt.Appendf(b, `"referral":{"source_url":"https:\/\/fb.me\/3cr4Wqqkv","source_id":"1202%014d","source_type":"ad",`+
				`"body":"Escr\u00edbenos y te ayudamos a elegir la planta ideal.","headline":"Plantas de interior con env\u00edo gratis",`+
				`"media_type":"image","image_url":"https:\/\/scontent.example.com\/v\/t45.1600-4\/473412345_n.png?_nc_cat=1&ccb=1-7",`+
				`"ctwa_clid":"Aff-n8ZTODiE79d22KtAwQKj9e_mIEOOj27vDVwFjN80dp4_0NiNhEgpGo0AHemvuSoifXaytfTzcchptiErTKCq%016d","welcome_message":{`+
				`"text":"Hola"}},`,
				i%500, i)
		}
		b = fmt.Appendf(b, `"from":"%d","from_user_id":"US.1349%016d","id":"wamid.HBgLMTU1NTEwMDAwMDAVAgASGBQ%018XAA==","timestamp":"%d",`+
			`"type":"text","text":{"body":"Hola, quiero m\u00e1s informaci\u00f3n sobre los precios y los horarios"}}]`,
			contact, contact, i, at.Unix())
	}
	return append(b, `},"field":"messages"}]}]}`...)
}

// newCorpus makes webhooks number first to first+n-1 of the usual mix for the site
// at a port. Their times lead up to now, 20 000 in a second, as they would in life.
func newCorpus(port, first, n int, now time.Time) *corpus {
	return usual.corpus(port, first, n, now)
}

// corpus is newCorpus of a mix.
func (m mix) corpus(port, first, n int, now time.Time) *corpus {
	c := &corpus{bytes: make([]byte, 0, n*1024), ends: make([]int, 0, n)}
	mac := hmac.New(sha256.New, []byte(appSecret))
	var body []byte
	var sum [sha256.Size]byte
	head := "POST " + path + " HTTP/1.1\r\nHost: " + net.JoinHostPort(host, strconv.Itoa(port)) +
		"\r\nUser-Agent: facebookexternalua\r\nAccept: */*\r\nContent-Type: application/json\r\nX-Hub-Signature-256: sha256="
	for j := range n {
		at := now.Add(-time.Duration(n-j) * time.Second / 20_000)
		body = appendBody(body[:0], first+j, m.kindOf(first+j), m.contactOf(first+j), at)
		mac.Reset()
		mac.Write(body)
		c.bytes = append(c.bytes, head...)
		c.bytes = hex.AppendEncode(c.bytes, mac.Sum(sum[:0]))
		c.bytes = append(c.bytes, "\r\nContent-Length: "...)
		c.bytes = strconv.AppendInt(c.bytes, int64(len(body)), 10)
		c.bytes = append(c.bytes, "\r\n\r\n"...)
		c.bytes = append(c.bytes, body...)
		c.ends = append(c.ends, len(c.bytes))
	}
	return c
}
