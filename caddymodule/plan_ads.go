package caddymodule

import (
	"context"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// countAds adds the counters of event n of a group, of which the jobs from
// onward were just planned.
func (s *scratch) countAds(h *Handler, g, n, from int) {
	group, p := &s.groups[g], &s.parts[g]
	ev := &s.batch.Events[p.events[n]]
	click := group.Events[n].Click != nil
	var ad ads.Ad
	switch {
	case click:
		ad = adOfReferral(ev.Referral)
	case ev.Kind == normalize.KindAutomaticEvent && hasConversion(p.names[from:]):
		ad = s.adOf(p, ev.AutomaticEvent.CtwaClid.String())
	default:
		return
	}
	count := ads.NewCounter(group, ev.ReceivedAt, ev.IngestedAt, ad)
	if click {
		count.Click(n)
	}
	// Of several datasets the first counts.
	for j := from; j < len(group.Jobs); j++ {
		if p.names[j] == "" {
			continue
		}
		v := ads.Conversion{Name: p.names[j], Contact: group.Events[n].Contact, Remember: time.Duration(h.app.RememberClicks)}
		if v.Name == capi.Purchase {
			v.Currency, v.Value = purchase(s.reported(h, p, group, j))
		}
		if click {
			v.Name = capi.LeadSubmitted
		}
		group.Jobs[j].Header.Meta = tally(&count).Meta()
		count.Conversion(&v, j)
		return
	}
}

func hasConversion(names []string) bool {
	for _, name := range names {
		if name != "" {
			return true
		}
	}
	return false
}

// reported is what Meta gets for an automatic event, nil if it gets nothing.
func (s *scratch) reported(h *Handler, p *part, group *queue.Group, j int) []byte {
	for _, d := range p.tenant.destinations {
		if d.Dest == group.Jobs[j].Dest {
			out, _, err := capi.AppendEvent(nil, group.Payloads[group.Jobs[j].Payload], &d.capi.settings, h.app.now())
			if err != nil {
				return nil // a dead letter, with its reason, when it would be sent
			}
			return out
		}
	}
	return nil
}

// purchase is the value that Meta is told of a purchase, "" where there is none.
func purchase(reported []byte) (currency, value string) {
	var doc jsondoc.Doc
	if doc.Parse(reported) != nil {
		return "", ""
	}
	custom := doc.Root().Get("custom_data")
	return custom.Get("currency").String(), custom.Get("value").String()
}

// tally is what the entry of a conversion carries, so that its fate is counted.
func tally(c *ads.Counter) delivery.Tally { return delivery.Tally{Day: c.Day, Key: c.Ad.ID} }

func adOfReferral(r *normalize.Referral) ads.Ad {
	return ads.Ad{ID: r.AdID.String(), Headline: r.Headline.String()}
}

// adOf finds the ad of a click id: among the clicks of this webhook, else among
// those that lookUpAds found.
func (s *scratch) adOf(p *part, clid string) ads.Ad {
	for _, i := range p.events {
		if r := s.batch.Events[i].Referral; r.IsAd() && r.CtwaClid.String() == clid {
			return adOfReferral(r)
		}
	}
	for i := range s.known {
		if c := &s.known[i]; c.tenant == p.tenant && c.clid == clid {
			return c.ad
		}
	}
	return ads.Ad{}
}

// knownAd is the ad of a click that was stored before.
type knownAd struct {
	tenant *tenant
	clid   string
	ad     ads.Ad
}

// lookUpAds finds the ads that automatic events speak of: they carry a click id
// and nothing else. There are few of them, so that this costs a look into the
// store for hardly any webhook. Where it fails, the figures go to an unknown ad.
func (s *scratch) lookUpAds(ctx context.Context, h *Handler, q queue.Queue) {
	var keys map[*tenant][]string
	for i := range s.batch.Events {
		ev := &s.batch.Events[i]
		if ev.Kind != normalize.KindAutomaticEvent || ev.AutomaticEvent == nil || ev.AutomaticEvent.CtwaClid == nil {
			continue
		}
		if t := s.tenants[i]; t != nil && t.reports() {
			if keys == nil {
				keys = make(map[*tenant][]string)
			}
			keys[t] = append(keys[t], ev.AutomaticEvent.CtwaClid.String())
		}
	}
	for t, clids := range keys {
		for clid, ad := range ads.Find(ctx, q, t.name, clids) {
			s.known = append(s.known, knownAd{t, clid, ad})
		}
	}
}

// reports says whether any of the tenant's destinations is a dataset.
func (t *tenant) reports() bool {
	for _, d := range t.destinations {
		if d.capi != nil {
			return true
		}
	}
	return false
}
