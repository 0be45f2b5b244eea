package jsondoc

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// clickBody is a WhatsApp text with a referral, escaped as Meta signs it.
const clickBody = `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398",` +
	`"changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881",` +
	`"phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"Sof\u00eda Garc\u00eda"},"wa_id":"15551234567"}],` +
	`"messages":[{"referral":{"source_url":"https:\/\/fb.me\/3cr4Wqqkv","source_id":"120226305854810726",` +
	`"source_type":"ad","body":"Escr\u00edbenos y te ayudamos a elegir la planta ideal para tu casa u oficina.",` +
	`"headline":"Plantas de interior con env\u00edo gratis","media_type":"image",` +
	`"image_url":"https:\/\/scontent.xx.fbcdn.net\/v\/t45.1600-4\/473412345_120226305854810726_5551234567890123456_n.png?_` +
	`nc_cat=1&ccb=1-7&_nc_sid=58080a",` +
	`"ctwa_clid":"Aff-n8ZTODiE79d22KtAwQKj9e_mIEOOj27vDVwFjN80dp4_` +
	`0NiNhEgpGo0AHemvuSoifXaytfTzcchptiErTKCqTrJ5nW1h7IHYeYymGb5K5J5iTROpBhWAGaIAeUzHL50",` +
	`"welcome_message":{"text":"Hola"}},"from":"15551234567",` +
	`"id":"wamid.HBgLMTU1NTEyMzQ1NjcVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=","timestamp":"1736535600",` +
	`"text":{"body":"Hola, quiero m\u00e1s informaci\u00f3n"},"type":"text"}]},"field":"messages"}]}]}`

func BenchmarkParse(b *testing.B) {
	body := []byte(clickBody)
	var d Doc
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJSONText is what reading the same body token by token costs with
// the kept library: why the scanner is our own.
func BenchmarkJSONText(b *testing.B) {
	body := []byte(clickBody)
	var dec jsontext.Decoder
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		dec.Reset(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		for {
			if _, err := dec.ReadToken(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
