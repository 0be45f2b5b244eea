package normalize_test

import (
	"fmt"

	"github.com/leadgate/leadgate/normalize"
)

func ExampleMeta() {
	body := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"John Doe"},"wa_id":"15551234567"}],
		"messages":[{"from":"15551234567","id":"wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=","timestamp":"1736535600",
			"type":"text","text":{"body":"Caf\u00e9?"},"referral":{"source_type":"ad","source_id":"120226305854810726","ctwa_clid":"Aff-n8ZT"}}]}}]}]}`)
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
