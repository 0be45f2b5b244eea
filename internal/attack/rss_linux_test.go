package attack

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// rssAnon is the process's memory that no file backs, in bytes.
func (e *edge) rssAnon() int64 {
	e.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.PID()))
	if err != nil {
		e.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				e.t.Fatal(err)
			}
			return kb << 10
		}
	}
	e.t.Fatal("the kernel tells no RssAnon")
	return 0
}
