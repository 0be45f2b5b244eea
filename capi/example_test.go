package capi_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
)

// A first message from a click-to-WhatsApp ad, reported to a fake Meta.
func Example() {
	var t testLife
	defer t.end()
	meta := capitest.New(&t)

	settings := &capi.Settings{Dataset: "1234567890", AccessToken: "EAAtoken", Endpoint: meta.URL()}
	if err := settings.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	// The unified JSON that package normalize makes; only what is read here.
	unified := fmt.Appendf(nil, `{"id":"e70210fe-620f-555d-bc02-bd88cd34dabc","kind":"message","channel":"whatsapp",
		"account":{"wabaId":"102290129340398"},"waPhone":"+15551234567","waId":"15551234567","receivedAt":%d,
		"referral":{"ctwaClid":"ARBZxk7w1-Qv_0p","adId":"23850001"}}`, time.Now().UnixMilli())

	body, identity, err := capi.AppendEvent(nil, unified, settings, time.Now())
	if refusal, ok := errors.AsType[*capi.Refusal](err); ok {
		fmt.Println("dead letter:", refusal.Name(), refusal)
		return
	}
	client := capi.NewClient(settings)
	defer client.Close()
	results, err := client.Send(context.Background(), []capi.Item{{Body: body, Identity: identity}})
	fmt.Println(results[0].Outcome, err, meta.Total())
	// Output: done <nil> 1
}

func ExampleExplain() {
	e := capi.Explain(100, 2804066)
	fmt.Println(e.Name(), e.Class)
	fmt.Println(e.Text())
	// Output:
	// 100/2804066 event
	// the event name is not allowed for chat events; use LeadSubmitted, QualifiedLead, Purchase or another of Meta's closed list; Lead itself is refused
}

// testLife stands for a *testing.T in an example.
type testLife struct{ cleanups []func() }

func (t *testLife) Helper()                   {}
func (t *testLife) Cleanup(f func())          { t.cleanups = append(t.cleanups, f) }
func (t *testLife) Fatalf(s string, a ...any) { panic(fmt.Sprintf(s, a...)) }
func (t *testLife) end() {
	for _, f := range t.cleanups {
		f()
	}
}
