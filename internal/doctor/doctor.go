package caddymodule

import (
	"fmt"
	"strings"
	"sync"

	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/wording"
)

// level is how bad a finding is.
type level string

const (
	levelOK   level = "ok"
	levelWarn level = "warn" // works in part, or may not work
	levelFail level = "fail" // the edge does not work
)

// finding is one line of the doctor.
type finding struct {
	level     level
	what, fix string
}

// doctor gathers findings.
type doctor struct{ findings []finding }

func (d *doctor) ok(what string)                     { d.append([]finding{{levelOK, what, ""}}) }
func (d *doctor) warn(what, fix string)              { d.append([]finding{{levelWarn, what, fix}}) }
func (d *doctor) fail(what, fix string)              { d.append([]finding{{levelFail, what, fix}}) }
func (d *doctor) append(more []finding)              { d.findings = append(d.findings, more...) }
func oneFinding(l level, what, fix string) []finding { return []finding{{l, what, fix}} }

func (d *doctor) count(l level) int {
	n := 0
	for i := range d.findings {
		if d.findings[i].level == l {
			n++
		}
	}
	return n
}

// report is all that was found, and a last line that counts.
func (d *doctor) report() string {
	var b strings.Builder
	for _, f := range d.findings {
		b.WriteString(printable.Wrap(printable.Line(f.what), fmt.Sprintf("%-6s", f.level), "      ", printable.Width))
		if f.fix != "" {
			b.WriteString(printable.Wrap(printable.Line(f.fix), "      → ", "        ", printable.Width))
		}
	}
	fails, warnings := d.count(levelFail), d.count(levelWarn)
	b.WriteByte('\n')
	switch {
	case fails > 0:
		b.WriteString(wording.Count(fails, "failure") + ", " + wording.Count(warnings, "warning") + "\n")
	case warnings > 0:
		b.WriteString(wording.Count(warnings, "warning") + "; nothing keeps the edge from working\n")
	default:
		b.WriteString("all is well\n")
	}
	return b.String()
}

// concurrently runs checks, some at a time, and gives their findings in order.
func concurrently(checks []func() []finding) []finding {
	const atOnce = 8
	found := make([][]finding, len(checks))
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, check := range checks {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			found[i] = check()
		})
	}
	all.Wait()
	var list []finding
	for _, f := range found {
		list = append(list, f...)
	}
	return list
}
