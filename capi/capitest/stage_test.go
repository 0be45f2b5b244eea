package capitest

import (
	"strings"
	"testing"
	"time"
)

const goodStage = `{"event_name":"Marketing Qualified Lead","event_time":1736535600,"event_id":"e5","action_source":"system_generated",` +
	`"user_data":{"lead_id":"987654321012345"},"custom_data":{"event_source":"crm","lead_event_source":"HubSpot"}}`

// TestCheckStage: a lead's stage with any name passes, and nothing that Meta refuses there.
func TestCheckStage(t *testing.T) {
	s := &Server{Now: func() time.Time { return now }}
	for _, good := range []string{
		goodStage, strings.Replace(goodStage, `"987654321012345"`, `987654321012345`, 1),
		strings.Replace(goodStage, `"lead_id":"987654321012345"`, `"em":["`+strings.Repeat("0a", 32)+`"]`, 1),
	} {
		if fail := s.Check(batchOf(good, good), "1"); fail != nil {
			t.Errorf("%s: %v", good, fail)
		}
	}
	for _, c := range []struct {
		old, new string
		subcode  int
	}{
		{`"Marketing Qualified Lead"`, `" "`, 0},
		{`"e5"`, `"` + strings.Repeat("e", 129) + `"`, 0},
		{`1736535600`, `1735930898`, 2804003},
		{`1736535600`, `1736535701`, 0},
		{`"action_source"`, `"messaging_channel":"whatsapp","action_source"`, 0},
		{`"system_generated"`, `"crm"`, 0},
		{`"lead_id":"987654321012345"`, `"external_id":["` + strings.Repeat("0a", 32) + `"]`, 2804050},
		{`"987654321012345"`, `"l:987654321012345"`, 0},
		{`"987654321012345"`, `"` + strings.Repeat("0a", 32) + `"`, 0},
		{`"lead_id"`, `"ctwa_clid":"x","lead_id"`, 0},
		{`"lead_id"`, `"ph":["5511987654321"],"lead_id"`, 0},
		{`"event_source":"crm",`, ``, 0},
		{`,"lead_event_source":"HubSpot"`, ``, 0},
		{`"event_source":"crm"`, `"event_source":"crm","ctwa_clid":"x"`, 0},
	} {
		bad := strings.Replace(goodStage, c.old, c.new, 1)
		if bad == goodStage {
			t.Fatalf("%s is not in it", c.old)
		}
		if fail := s.Check(batchOf(bad), "1"); fail == nil || fail.Subcode != c.subcode {
			t.Errorf("%s: %v, want %d", bad, fail, c.subcode)
		}
	}
	if fail := s.Check(batchOf(goodStage, good), "1"); fail == nil || fail.Event != 1 {
		t.Errorf("a chat's event beside it: %v", fail)
	}
}
