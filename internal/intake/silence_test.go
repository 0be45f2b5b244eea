package intake

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	zapobserver "go.uber.org/zap/zaptest/observer"
)

// TestSilenceAlarm follows one tenant by the clock: a line for a silence, none
// for the rest of it, a line for its end, and so again.
func TestSilenceAlarm(t *testing.T) {
	start := time.UnixMilli(1_767_225_600_000)
	h := new(heard)
	h.last.Store(start.UnixMilli())
	core, logs := zapobserver.New(zapcore.InfoLevel)
	tenants := map[string]*Tenant{"acme": {Name: "acme", heard: h}}
	alarm := NewSilenceAlarm(time.Hour, tenants, nil, zap.New(core))
	// A reload with the same setting: its alarm looks at the same tenant.
	reloaded := NewSilenceAlarm(time.Hour, tenants, nil, zap.New(core))
	for i, step := range []struct {
		at    time.Duration // since the start
		heard time.Duration // a webhook came then; 0 if none did
		want  string        // the levels logged
	}{
		{at: 0},
		{at: 59 * time.Minute},
		{at: 60 * time.Minute, want: "warn"},
		{at: 61 * time.Minute},
		{at: 50 * time.Hour},
		{at: 51 * time.Hour, heard: 51*time.Hour - time.Minute, want: "info"},
		{at: 51*time.Hour + 30*time.Minute},
		// It came and fell silent between two looks.
		{at: 53 * time.Hour, want: "warn"},
		{at: 60 * time.Hour, heard: 54 * time.Hour, want: "info warn"},
		{at: 60*time.Hour + time.Minute, heard: 60*time.Hour + time.Minute, want: "info"},
	} {
		if step.heard != 0 {
			h.last.Store(start.Add(step.heard).UnixMilli())
		}
		alarm.look(start.Add(step.at))
		reloaded.look(start.Add(step.at))
		var levels []string
		for _, line := range logs.TakeAll() {
			levels = append(levels, line.Level.String())
			if line.ContextMap()["tenant"] != "acme" {
				t.Errorf("step %d: the line names no tenant: %v", i, line.ContextMap())
			}
		}
		if got := strings.Join(levels, " "); got != step.want {
			t.Errorf("step %d, at %s: logged %q, want %q", i, step.at, got, step.want)
		}
	}
}

func TestSilenceTick(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		time.Nanosecond: 10 * time.Millisecond, time.Minute: 15 * time.Second, 6 * time.Hour: time.Minute,
	} {
		if got := silenceTick(after); got != want {
			t.Errorf("silence %s: looks every %s, want %s", after, got, want)
		}
	}
}
