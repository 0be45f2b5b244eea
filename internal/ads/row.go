package ads

import "encoding/json"

// Row is what is shown of what a report is grouped by: of an ad, or a link, on a day,
// where it isn't. All keys are always there.
type Row struct {
	Tenant string `json:"tenant"`
	Subject
	Day *string `json:"day"` // YYYY-MM-DD; null where the row is of all days. See Known for whose days
	Counts
	Money
}

// Subject is whose figures a row has: what doesn't hold for all of it is null.
type Subject struct {
	AdID         *string `json:"adId"` // null for clicks and conversions of which the ad is not known
	AdName       *string `json:"adName"`
	AdsetID      *string `json:"adsetId"`
	AdsetName    *string `json:"adsetName"`
	CampaignID   *string `json:"campaignId"`
	CampaignName *string `json:"campaignName"`
	Headline     *string `json:"headline"` // as the newest click that has one showed it
	Link         *string `json:"link"`     // a link's name; null for an ad
}

// Counts are what is counted: here, and the last three by Meta.
type Counts struct {
	Visits        int64 `json:"visits"`    // of a link: those that got a code
	Clicks        int64 `json:"clicks"`    // of a link: chats that its codes began
	Contacts      int64 `json:"contacts"`  // whose first click was of this
	Leads         int64 `json:"leads"`     // contacts with a lead, and leads of forms
	Qualified     int64 `json:"qualified"` // contacts with a QualifiedLead
	Reported      int64 `json:"reported"`  // events that Meta has
	Pending       int64 `json:"pending"`   // events that it does not have yet
	Purchases     int64 `json:"purchases"` // Meta's own and posted ones
	Impressions   int64 `json:"impressions"`
	LinkClicks    int64 `json:"linkClicks"`
	Conversations int64 `json:"conversationsStarted"`
}

func (c *Counts) add(o *Counts) {
	c.Visits += o.Visits
	c.Clicks += o.Clicks
	c.Contacts += o.Contacts
	c.Leads += o.Leads
	c.Qualified += o.Qualified
	c.Reported += o.Reported
	c.Pending += o.Pending
	c.Purchases += o.Purchases
	c.Impressions += o.Impressions
	c.LinkClicks += o.LinkClicks
	c.Conversations += o.Conversations
}

// Amounts are sums of money by currency, in major units: exact decimals. A sum of nothing
// is left out.
type Amounts map[string]json.Number

// Money is what a row brought and cost. Costs and the return are rounded to four decimals.
type Money struct {
	Value           Amounts `json:"value"` // of the purchases
	Spend           Amounts `json:"spend"`
	CostPerLead     Amounts `json:"costPerLead"`     // spend by leads
	CostPerPurchase Amounts `json:"costPerPurchase"` // spend by the purchases in its currency, where value has it too
	ROAS            Amounts `json:"roas"`            // value by spend, likewise
}
