package adsync

import (
	"context"
	"net/url"
	"time"
)

// A report that Meta makes is looked at soon, and then every few seconds, for some minutes.
const (
	reportFirst = 250 * time.Millisecond
	reportEvery = 2 * time.Second
	reportLooks = 150
)

// report has Meta make a report, and waits for it. It returns its id.
func (s *Syncer) report(ctx context.Context, q Store, account string, query url.Values) (string, outcome) {
	answer, o := s.post(ctx, q, &s.client, "act_"+account+"/insights", query)
	if o.verdict != fine {
		return "", o
	}
	run := answer.Root.Get("report_run_id").String()
	if !isID(run) {
		return "", outcome{verdict: later, wait: s.pause(pauseReport), problem: "Meta made no report of what ads cost"}
	}
	for i := range reportLooks {
		answer, o := s.get(ctx, q, run+"?fields=async_status,async_percent_completion")
		if o.verdict != fine {
			return "", o
		}
		status := answer.Root.Get("async_status").String()
		percent, _ := answer.Root.Get("async_percent_completion").Int()
		switch {
		case status == "Job Completed" && percent == 100:
			return run, outcome{}
		case status == "Job Failed", status == "Job Skipped":
			return "", outcome{verdict: later, wait: s.pause(pauseReport), problem: "Meta's report of what ads cost failed"}
		}
		if err := s.sleep(ctx, min(reportFirst<<min(i, 4), reportEvery)); err != nil {
			break
		}
	}
	return "", outcome{verdict: later, wait: s.pause(pauseReport), problem: "Meta's report of what ads cost takes too long"}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
