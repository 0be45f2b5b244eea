package normalize

import "testing"

// TestUnfilledParameters are the placeholders of an ad's URL where Meta left
// them as they were: they name no ad.
func TestUnfilledParameters(t *testing.T) {
	var b Batch
	body := `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":{"messages":[{"from":"15551234567",` +
		`"id":"wamid.1","timestamp":"1736535600","type":"text","text":{"body":"Hi"},` +
		`"referral":{"source_url":"https://example.com/?ad_id={{ad.id}}&campaign_id=%7B%7Bcampaign.id%7D%7D&adset_id=17&` +
		`utm_campaign={{campaign.name}}","source_type":"post","source_id":"9"}}]},` +
		`"field":"messages"}]}]}`
	if err := Meta(&b, []byte(body), 1736535600412); err != nil {
		t.Fatal(err)
	}
	e := &b.Events[0]
	if e.Ad.AdID != nil || e.Ad.CampaignID != nil || e.UTM.Campaign != nil || e.Ad.AdsetID.String() != "17" {
		t.Errorf("ad %s %s %s, campaign %s", e.Ad.AdID, e.Ad.CampaignID, e.Ad.AdsetID, e.UTM.Campaign)
	}
	if e.Referral.IsAd() {
		t.Error("a placeholder counts as an ad")
	}
}
