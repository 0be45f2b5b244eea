package normalize_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/leadgate/leadgate/normalize"
)

func ExampleMeta() {
	body := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"John Doe"},"wa_id":"15551234567"}],
		"messages":[{"from":"15551234567","id":"wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=","timestamp":"1736535600",
			"type":"text","text":{"body":"Caf\u00e9?"},
			"referral":{"source_type":"ad","source_id":"120226305854810726","ctwa_clid":"Aff-n8ZT"}}]}}]}]}`)
	var b normalize.Batch
	if err := normalize.Meta(&b, body, 1736535600412); err != nil {
		fmt.Println(err)
		return
	}
	e := &b.Events[0]
	e.SetTenant("acme")
	fmt.Println(e.ID(), e.Kind, e.WaPhone.String(), e.Message.Text.String(), e.Referral.IsAd(), e.Referral.AdID.String())
	// Output: e70210fe-620f-555d-bc02-bd88cd34dabc message +15551234567 Café? true 120226305854810726
}

// One JSON for all providers: Twilio posts forms.
func ExampleTwilio() {
	form := []byte("MessageSid=SM0123&From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15550783881&WaId=15551234567&Body=Hi%21&NumMedia=0" +
		"&ReferralCtwaClid=Aff-n8ZT")
	var b normalize.Batch
	if err := normalize.Twilio(&b, form, 1736535600412); err != nil {
		fmt.Println(err)
		return
	}
	e := &b.Events[0]
	e.SetTenant("acme")
	out, _ := e.AppendJSON(nil)
	var unified struct {
		Kind, Channel, WaPhone string
		Message                struct{ Type, Text string }
		Referral               struct{ CtwaClid string }
	}
	if err := json.Unmarshal(out, &unified); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", unified)
	// Output: {Kind:message Channel:whatsapp WaPhone:+15551234567 Message:{Type:text Text:Hi!} Referral:{CtwaClid:Aff-n8ZT}}
}

// The error says where a body stops being JSON. What is JSON is never an error.
func ExampleSyntaxError() {
	var b normalize.Batch
	err := normalize.Meta(&b, []byte(`{"object":"page",}`), 1736535600412)
	if syntax, ok := errors.AsType[*normalize.SyntaxError](err); ok {
		fmt.Println("at byte", syntax.Offset)
	}
	err = normalize.Meta(&b, []byte(`{"object":"something_new"}`), 1736535600412)
	fmt.Println(err, b.Events[0].Kind)
	// Output:
	// at byte 17
	// <nil> account
}

func ExamplePhoneFromWaID() {
	for _, id := range []string{"15551234567", "553187654321", "5215512345678", "US.13491208655302741918"} {
		fmt.Printf("%s → %q\n", id, normalize.PhoneFromWaID(id))
	}
	// Output:
	// 15551234567 → "+15551234567"
	// 553187654321 → "+5531987654321"
	// 5215512345678 → "+525512345678"
	// US.13491208655302741918 → ""
}

// What a provider module of your own does with each message.
func ExampleBatch_Add() {
	var b normalize.Batch
	e := b.Add()
	e.Kind, e.Channel, e.Provider = normalize.KindMessage, normalize.ChannelWhatsApp, "infobip"
	e.IngestedAt, e.ReceivedAt, e.HasProviderTime = 1736535600412, 1736535600000, true
	e.ReplyUntil = e.ReceivedAt + 24*3600*1000
	e.WaID = normalize.NewText("15551234567")
	e.WaPhone = normalize.NewText(normalize.PhoneFromWaID("15551234567"))
	e.Message = &normalize.Message{ID: normalize.NewText("id-1"), Type: "text", Text: normalize.NewText(`"Hi" she said`)}
	e.Raw = normalize.Value(`{"messageId":"id-1"}`)
	b.SetReferral(e, normalize.Referral{SourceURL: normalize.NewText("https://example.com/?utm_source=fb&ad_id=120210000000000001")})
	e.SetKey("id-1") // the message's id: a redelivery has the same
	e.SetTenant("acme")
	fmt.Println(e.ID(), e.Message.Text, e.UTM.Source.String(), e.Referral.AdID.String())
	// Output: a6a4dc78-a7ec-5b3f-92b5-e82b4498485b "Hi" she said fb 120210000000000001
}
