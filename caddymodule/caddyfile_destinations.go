package caddymodule

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/printable"
)

// parseForward reads a forward destination:
//
//	forward <url> {
//		name        <name>
//		only        <kind>...
//		header      <field> <value>
//		sign        <secret>
//		raw
//		timeout     <duration>
//		concurrency <n>
//		rate        <per second>
//		retry_for   <duration>
//		hold        <duration>|forever
//	}
func parseForward(d *caddyfile.Dispenser) (*Forward, error) {
	f := new(Forward)
	var err error
	if f.URL, err = literal(d); err != nil {
		return nil, err
	}
	// A URL that is all placeholder is looked at when it has been replaced.
	if !strings.Contains(f.URL, "{") {
		if err := checkURL(f.URL); err != nil {
			return nil, d.Errf("forward %s", err)
		}
	}
	seen := make(once)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		if option != "header" && option != "only" {
			if err := seen.check(d); err != nil {
				return nil, err
			}
		}
		switch option {
		case "name":
			f.Name, err = nameArg(d, "name")
		case "only":
			var words []string
			if words, err = literals(d); err != nil {
				return nil, err
			}
			for _, w := range words {
				if _, err := destination.ParseWants(w); err != nil {
					return nil, d.Err(err.Error())
				}
			}
			f.Only = append(f.Only, words...)
		case "header":
			args := d.RemainingArgs()
			if len(args) != 2 || args[0] == "" || args[1] == "" {
				return nil, d.Err("header needs a field and a value: write `header Authorization \"Bearer {env.TOKEN}\"`")
			}
			if problem := misspelt(args[1]); problem != "" {
				return nil, d.Errf("header %s %s", args[0], problem)
			}
			if problem := headerProblem(args[0], args[1]); problem != "" {
				return nil, d.Errf("header %s", problem)
			}
			if f.Header == nil {
				f.Header = make(map[string][]string)
			}
			f.Header[args[0]] = append(f.Header[args[0]], args[1])
		case "sign":
			f.Sign, err = literal(d)
		case "raw":
			if err := noValue(d); err != nil {
				return nil, err
			}
			f.Raw = true
		case "timeout":
			f.Timeout, err = duration(d)
		case "concurrency":
			f.Concurrency, err = positiveInt(d)
		case "rate":
			var text string
			if text, err = literal(d); err != nil {
				return nil, err
			}
			if f.Rate, err = strconv.ParseFloat(text, 64); err != nil || !(f.Rate >= 0) || f.Rate > 1e9 {
				return nil, d.Errf("rate '%s' is no number of requests a second: write one such as 50, or 0 for no limit", text)
			}
		case "retry_for":
			f.RetryFor, err = duration(d)
		case "hold":
			if f.Hold, err = literal(d); err != nil {
				return nil, err
			}
			if _, holdErr := parseHold(f.Hold); holdErr != nil {
				return nil, d.WrapErr(holdErr)
			}
		default:
			return nil, unknownOption(d, "forward")
		}
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// checkURL refuses what cannot be posted to.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return fmt.Errorf("'%s' is no URL: write one such as https://n8n.example.com/webhook/leads", printable.URL(text))
	}
	if host := u.Hostname(); host == "http" || host == "https" {
		return fmt.Errorf("'%s' has its scheme twice", printable.URL(text))
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("'%s' has a port that is none: write one from 1 to 65535, or none", printable.URL(text))
		}
	}
	return checkHost(u.Hostname())
}

// checkHost refuses an address that one program would read otherwise than
// another, so that nobody sees where it leads.
func checkHost(host string) error {
	if hosts.Odd(host) {
		return fmt.Errorf("'%s' is an address in an odd spelling, which programs read differently: write four decimal numbers, such as 127.0.0.1", host)
	}
	return nil
}

// parseCAPI reads a dataset:
//
//	capi [<channel>...] {
//		name                    <name>
//		dataset                 <id>
//		access_token            <token>
//		event_name              <name>
//		lead_on                 click|contact|never
//		automatic_events        on|leads|off
//		automatic_value_divisor <n>
//		graph_version           <version>
//		endpoint                <url>
//		app_secret              <secret>
//		test_event_code         <code>
//		partner_agent           <agent>
//		data_processing_options LDU [<country> <state>]
//		match_keys              on|none
//		instagram_id_field      <field>
//		waba_id                 <id>
//		batch                   <n>
//		linger                  <duration>
//		on_timeout              retry|drop
//		retry_for               <duration>
//	}
func parseCAPI(d *caddyfile.Dispenser) (*CAPI, error) {
	c := &CAPI{Channels: d.RemainingArgs()}
	if err := c.checkChannels(); err != nil {
		return nil, d.WrapErr(err)
	}
	seen := make(once)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := seen.check(d); err != nil {
			return nil, err
		}
		if err := c.parseOption(d); err != nil {
			return nil, err
		}
		// All options before this one were right, so a mistake is in this line.
		if err := c.check(); err != nil {
			return nil, d.WrapErr(err)
		}
	}
	switch {
	case c.Dataset == "":
		return nil, d.Err("capi needs a dataset: write `dataset <id>`, the id that the Events Manager shows")
	case c.AccessToken == "":
		return nil, d.Err("capi needs an access_token: write `access_token {env.META_CAPI_TOKEN}`")
	}
	return c, nil
}

// check looks at what stands in the text; placeholders are looked at when they
// have been replaced.
func (c *CAPI) check() error {
	s, err := c.settings(func(_, text string) (string, error) {
		if strings.Contains(text, "{") {
			return "", nil
		}
		return text, nil
	})
	if err != nil {
		return err
	}
	s.Dataset = cmp.Or(s.Dataset, "1")
	s.AccessToken = cmp.Or(s.AccessToken, "a placeholder")
	return s.Validate()
}

func (c *CAPI) parseOption(d *caddyfile.Dispenser) (err error) {
	switch d.Val() {
	case "name":
		c.Name, err = nameArg(d, "name")
	case "dataset":
		c.Dataset, err = literal(d)
	case "access_token":
		c.AccessToken, err = literal(d)
	case "event_name":
		c.EventName, err = literal(d)
	case "lead_on":
		c.LeadOn, err = literal(d)
	case "automatic_events":
		c.AutomaticEvents, err = literal(d)
	case "automatic_value_divisor":
		c.AutomaticValueDivisor, err = positiveInt(d)
	case "graph_version":
		c.GraphVersion, err = literal(d)
	case "endpoint":
		c.Endpoint, err = literal(d)
	case "app_secret":
		c.AppSecret, err = literal(d)
	case "test_event_code":
		c.TestEventCode, err = literal(d)
	case "partner_agent":
		c.PartnerAgent, err = literal(d)
	case "data_processing_options":
		c.DataProcessingOptions, err = literals(d)
	case "match_keys":
		c.MatchKeys, err = literal(d)
	case "instagram_id_field":
		c.InstagramIDField, err = literal(d)
	case "waba_id":
		c.WabaID, err = literal(d)
	case "batch":
		c.Batch, err = positiveInt(d)
	case "linger":
		c.Linger, err = optionalDuration(d)
	case "on_timeout":
		c.OnTimeout, err = literal(d)
	case "retry_for":
		c.RetryFor, err = duration(d)
	default:
		err = unknownOption(d, "capi")
	}
	return err
}
