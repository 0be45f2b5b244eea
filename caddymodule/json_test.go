package caddymodule

import (
	"strings"
	"testing"
)

// TestMistakesInJSON are those that a Caddyfile cannot make: each is an error,
// and none a panic.
func TestMistakesInJSON(t *testing.T) {
	const forward = `{"url":"http://127.0.0.1:9/","name":"crm"}`
	forwardWith := func(option string) string { return strings.Replace(forward, "}", ","+option+"}", 1) }
	direct := func(forward string) string { return `"tenant":{"name":"acme","forward":[` + forward + `]}` }
	embedded := `"queue":{"kind":"embedded","path":"` + t.TempDir() + `"}`
	const redis = `"queue":{"kind":"redis","urls":["redis://127.0.0.1:6379"]}`
	for _, c := range []struct{ app, handler, says string }{
		{embedded, direct(forward), ""},
		{redis, direct(forwardWith(`"timeout":"10s","retry_for":"1h","rate":0.5,"concurrency":1`)), ""},
		{embedded, direct("null"), "a null stands in `forward` or `capi`"},
		{embedded, `"tenant":{"capi":[null]}`, "a null stands in `forward` or `capi`"},
		{embedded, `"tenants":[null],` + direct(forward), "a null stands in `tenants`"},
		{embedded, `"tenants":[{"name":"b","match":{"page_id":["1"]},"forward":[null]}]`, "a null stands in `forward` or `capi`"},
		{embedded, `"tenants":[{"name":"b","match":{"page_id":[]},"forward":[` + forward + `]}]`, "match page_id has no value"},
		{embedded, direct(forwardWith(`"timeout":10`)), "destination crm: timeout is negative, or a time without its unit"},
		{embedded, direct(forwardWith(`"timeout":-1`)), "timeout is negative"},
		{embedded, direct(forwardWith(`"retry_for":-1`)), "retry_for is negative"},
		{embedded, direct(forwardWith(`"concurrency":-1`)), "concurrency is negative"},
		{embedded, direct(forwardWith(`"rate":-1`)), "rate -1 is no number of requests a second"},
		{embedded, `"tenant":{"capi":[{"dataset":"1","access_token":"x","linger":-1}]}`, "linger is negative"},
		{embedded + `,"dedupe":7`, direct(forward), "dedupe is negative, or a time without its unit"},
		{embedded + `,"keep_dead":-1`, direct(forward), "keep_dead is negative"},
		{embedded + `,"remember_clicks":-1`, direct(forward), "remember_clicks is negative"},
		{embedded + `,"grace":-1`, direct(forward), "grace is negative"},
		{embedded + `,"max_backlog":-1`, direct(forward), "max_backlog is negative"},
		{strings.Replace(embedded, "}", `,"max_size":-1}`, 1), direct(forward), "max_size is negative"},
		{strings.Replace(embedded, "}", `,"urls":["redis://x"]}`, 1), direct(forward), "queue embedded has settings of queue redis"},
		{`"queue":{"urls":["redis://x"]}`, direct(forward), "queue embedded has settings of queue redis"},
		{strings.Replace(redis, "}", `,"path":"/x"}`, 1), direct(forward), "queue redis has settings of queue embedded"},
		{strings.Replace(redis, "}", `,"prefix":"a:b"}`, 1), direct(forward), "prefix 'a:b' is not of letters"},
	} {
		config := `{"admin":{"disabled":true},"apps":{"leadgate":{` + c.app + `},
			"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[
			{"handler":"leadgate","provider":{"name":"meta","app_secret":["x"],"verify_token":["y"]},` + c.handler + `}]}]}}}}}`
		err := validateJSON([]byte(config))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s and %s: %v, want %q", c.app, c.handler, err, c.says)
		}
	}
}
