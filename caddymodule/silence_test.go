package caddymodule

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/metrics"
)

// lastHeard scrapes the metric: tenant → UNIX time in seconds.
func lastHeard(t *testing.T) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.LastWebhooks(intake.LastWebhooks))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.Metric {
			got[m.Label[0].GetValue()] = m.GetGauge().GetValue()
		}
	}
	return got
}

// TestSilenceOption runs the alarm as the app runs it, and ends it.
func TestSilenceOption(t *testing.T) {
	core, logs := zapobserver.New(zapcore.InfoLevel)
	told := make(chan struct{}, 1)
	logger := zap.New(core, zap.Hooks(func(zapcore.Entry) error { told <- struct{}{}; return nil }))
	began := time.UnixMilli(1_767_225_600_000)
	a := &App{Silence: caddy.Duration(time.Millisecond), logger: logger, found: found{tenants: make(map[string]*intake.Tenant)},
		now: func() time.Time { return began }, attached: new(atomic.Bool)}
	a.tenantNamed("silence-option")
	defer a.tenants["silence-option"].Forget()
	a.now = func() time.Time { return began.Add(time.Minute) }
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-told:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was logged")
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	if line := logs.All()[0]; line.ContextMap()["for"] != time.Minute {
		t.Errorf("logged %v", line.ContextMap())
	}

	a.Silence = 0
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	if a.alarm != nil {
		t.Error("without silence there is an alarm")
	}
}

// TestLastWebhook shows when each configured tenant was last heard of: all from
// the start, over a reload, and no more when a tenant has gone.
func TestLastWebhook(t *testing.T) {
	s := newSink(t)
	other := "\t\ttenant globex {\n\t\t\tmatch phone_number_id 200\n\t\t\tforward " + s.URL + "/globex\n\t\t}\n"
	block := func(rest string) string {
		return site("\t\ttenant acme {\n\t\t\tmatch phone_number_id 106540352242922\n\t\t\tforward " + s.URL + " {\n\t\t\t\tonly " +
			"statuses\n\t\t\t}\n\t\t}\n" + rest)
	}
	before := float64(time.Now().UnixMilli()) / 1000
	e := startEdge(t, block(other))
	first := lastHeard(t)
	if len(first) != 2 || first["acme"] < before || first["globex"] < before {
		t.Fatalf("at the start: %v, began at %f", first, before)
	}
	setHeard(t, "acme", 5_000)
	setHeard(t, "globex", 6_000)
	if resp, _ := e.post("/webhooks/meta", message("wamid.1", "15551234567", "x"), func(r *http.Request) {
		r.Header.Set("X-Hub-Signature-256", "sha256=00")
	}); resp.StatusCode != 401 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	if err := e.load(block(other) + "# reloaded\n"); err != nil {
		t.Fatal(err)
	}
	if got := lastHeard(t); got["acme"] != 5 || got["globex"] != 6 {
		t.Errorf("after a reload and a refused webhook: %v", got)
	}
	// A webhook that no destination wants was heard all the same.
	for body := message("wamid.2", "15551234567", "x"); !e.accepted(body); {
	}
	if got := lastHeard(t); got["acme"] < before || got["globex"] != 6 {
		t.Errorf("after a webhook for acme: %v", got)
	}
	if err := e.load(block("")); err != nil {
		t.Fatal(err)
	}
	if got := lastHeard(t); len(got) != 1 || got["acme"] < before {
		t.Errorf("without globex: %v", got)
	}
}

// setHeard sets when a tenant was last heard of, in ms.
func setHeard(t *testing.T, tenant string, ms int64) {
	t.Helper()
	had := intake.NewTenant(tenant, time.Now())
	defer had.Forget()
	had.Heard(time.UnixMilli(ms))
}

// TestLastWebhookInline hears what is handed on, too.
func TestLastWebhookInline(t *testing.T) {
	next := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer next.Close()
	e := startEdge(t, strings.Replace(site("tenant inline-bot"), `respond "next" 418`, "reverse_proxy "+next.URL, 1))
	setHeard(t, "inline-bot", 7_000)
	if resp, _ := e.post("/webhooks/meta", message("wamid.1", "15551234567", "x")); resp.StatusCode != 200 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	if got := lastHeard(t)["inline-bot"]; got <= 7 {
		t.Errorf("the tenant was last heard of at %f", got)
	}
}

// TestSilenceIsChecked refuses what is no time, in the file and in JSON.
func TestSilenceIsChecked(t *testing.T) {
	for _, value := range []string{"", "0s", "soon", "1h 2h"} {
		err := validate(t, "{\n leadgate {\n  silence "+value+"\n }\n}\n")
		if err == nil || !strings.Contains(err.Error(), "silence") {
			t.Errorf("silence %q: %v", value, err)
		}
	}
	if err := validate(t, "{\n leadgate {\n  silence 12h\n }\n}\n"); err != nil {
		t.Error(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	if err := (&App{Silence: -1}).Provision(ctx); err == nil || !strings.Contains(fmt.Sprint(err), "silence") {
		t.Errorf("negative: %v", err)
	}
}
