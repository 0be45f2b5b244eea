package clicks

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// TestChanged: whatever a system event gives of the old and the new names, the
// contact is who it is now, and who it was is former.
func TestChanged(t *testing.T) {
	message := func(rest string) string {
		return `{"field":"messages","value":{"messages":[{"id":"w","timestamp":"1736535600","type":"system",` + rest + `}]}}`
	}
	for name, c := range map[string]struct {
		change           string
		contact          string
		aliases, formers []string
	}{
		"number and BSUID": {
			message(`"from":"15551234567","from_user_id":"US.1","system":{"type":"user_changed_number","wa_id":"15557654321","user_id":"US.2",` +
				`"parent_user_id":"US.ENT.2","previous_user_id":"US.1","previous_parent_user_id":"US.ENT.1"}`),
			"US.2", []string{"15557654321", "US.ENT.2"}, []string{"US.1", "US.ENT.1", "15551234567"},
		},
		"number alone": {
			message(`"from":"15551234567","system":{"type":"user_changed_number","wa_id":"15557654321"}`),
			"15557654321", nil, []string{"15551234567"},
		},
		"number of the older API": {
			message(`"from":"15551234567","system":{"type":"customer_changed_number","customer":"15551234567","new_wa_id":"15557654321"}`),
			"15557654321", nil, []string{"15551234567"},
		},
		"Brazilian numbers": {
			message(`"from":"553187654321","system":{"type":"user_changed_number","wa_id":"553187654322"}`),
			"5531987654322", []string{"553187654322"}, []string{"5531987654321", "553187654321"},
		},
		"BSUID without from": {
			message(`"from_user_id":"US.2","system":{"type":"user_changed_user_id","user_id":"US.2","parent_user_id":"US.ENT.1",` +
				`"previous_user_id":"US.1","previous_parent_user_id":"US.ENT.1"}`),
			"US.2", []string{"US.ENT.1"}, []string{"US.1"},
		},
		"BSUID from the old one": {
			message(`"from":"15551234567","from_user_id":"US.1","system":{"type":"user_changed_user_id","wa_id":"15551234567","user_id":"US.2"}`),
			"US.2", []string{"15551234567"}, []string{"US.1"},
		},
		"identity alone": {
			message(`"from":"15551234567","system":{"type":"customer_identity_changed","customer":"15551234567"}`),
			"15551234567", nil, nil,
		},
		"a relay's update": {
			`{"field":"user_id_update","value":{"user_id_update":[{"wa_id":"15551234567","user_id":{"previous":"US.1","current":"US.2"}}]}}`,
			"US.2", []string{"15551234567"}, []string{"US.1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var batch normalize.Batch
			body := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[%s]}]}`, c.change)
			if err := normalize.Meta(&batch, []byte(body), 1736535600412); err != nil {
				t.Fatal(err)
			}
			var known queue.Event
			Touch(&batch.Events[0], &known)
			Changed(&batch.Events[0], &known)
			keys := func(ids []string) (list []string) {
				for _, id := range ids {
					list = append(list, "whatsapp:"+id)
				}
				return list
			}
			if known.Contact != "whatsapp:"+c.contact || !slices.Equal(known.Aliases, keys(c.aliases)) || !slices.Equal(known.Former,
				keys(c.formers)) {
				t.Errorf("contact %s, aliases %s, former %s", known.Contact, known.Aliases, known.Former)
			}
		})
	}
}

// TestParentIsAnAlias: a parent BSUID is another name, and the only one where
// there is no other.
func TestParentIsAnAlias(t *testing.T) {
	for ids, want := range map[string][]string{
		`"from":"15551234567","from_user_id":"US.1","from_parent_user_id":"US.ENT.1"`: {"whatsapp:US.1", "whatsapp:US.ENT.1",
			"whatsapp:15551234567"},
		`"from_parent_user_id":"US.ENT.1"`: {"whatsapp:US.ENT.1"},
	} {
		_, known := touch(t, `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":[{`+
			`"id":"w",`+ids+`}]}}]}]}`)
		if got := append([]string{known.Contact}, known.Aliases...); !slices.Equal(got, want) {
			t.Errorf("%s: %s, want %s", ids, got, want)
		}
	}
}
