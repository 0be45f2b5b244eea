package ads

// Known is what Meta says of a tenant's ads. Days of spend are those of the ad account's
// time zone, and are put beside the UTC days of what is counted here.
type Known struct {
	Names map[string]Name // by the ad's id
	Spend []Spend
}

// Name is what an ad is called, and what it is a part of. What isn't known is "".
type Name struct {
	Ad                   string
	AdsetID, Adset       string
	CampaignID, Campaign string
}

// Spend is what an ad cost on a day, and what Meta counted of it.
type Spend struct {
	AdID, Day, Currency                    string // Day is YYYY-MM-DD, Currency of ISO 4217
	Amount                                 string // a decimal, in major units
	Impressions, LinkClicks, Conversations int64
}
