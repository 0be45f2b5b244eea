package faults

import (
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// edge is a Leadgate process with one block.
type edge struct {
	*edgetest.Edge
	t      *testing.T
	global string
}

// newEdge makes an edge with these global options and this leadgate block,
// without starting it. %DIR% in the options is the edge's folder.
func newEdge(t *testing.T, global, block string) *edge {
	t.Helper()
	e := &edge{Edge: edgetest.New(t), t: t, global: global}
	e.Configure(e.caddyfile(block))
	return e
}

func (e *edge) caddyfile(block string) string {
	return e.Caddyfile(e.global, "log {\n exclude admin.api\n}", edgetest.MetaBlock(block))
}

// load gives the running edge another block.
func (e *edge) load(block string) {
	e.t.Helper()
	e.Load(e.caddyfile(block))
}

// idle says that nothing waits for the scenarios' destinations.
func (e *edge) idle() bool {
	all := e.Destinations()
	for _, name := range []string{crm, meta} {
		if d, known := all[name]; !known || d.Backlog > 0 || d.InFlight > 0 {
			return false
		}
	}
	return true
}
