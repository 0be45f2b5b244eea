package redistest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/freeport"
)

// Cluster starts a Cluster of n masters, at least three, without replicas.
func Cluster(tb testing.TB, n int) []*Server {
	tb.Helper()
	if missing() == nil {
		if _, err := exec.LookPath("redis-cli"); err != nil {
			tb.Skip("redis-cli is not on the PATH")
		}
	}
	nodes := make([]*Server, n)
	create := []string{"--cluster-yes", "--cluster", "create"}
	for i := range nodes {
		nodes[i] = Start(tb, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(freeport.New(tb)),
			"--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000")
		create = append(create, nodes[i].Addr)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "redis-cli", create...).CombinedOutput(); err != nil {
		tb.Fatalf("creating Cluster: %v: %s", err, out)
	}
	for _, node := range nodes {
		node.await("cluster_state:ok", "CLUSTER", "INFO")
	}
	return nodes
}

// Replica starts a replica of master and waits until it has its data.
func Replica(tb testing.TB, master *Server, args ...string) *Server {
	tb.Helper()
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	replica := Start(tb, append([]string{"--replicaof", host + " " + port}, args...)...)
	replica.await("master_link_status:up", "INFO", "replication")
	return replica
}

// Sentinel starts a sentinel that watches master under the name "leadgate", and
// waits until it knows of its replicas.
func Sentinel(tb testing.TB, master *Server, replicas int) *Server {
	tb.Helper()
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	// A sentinel wants a file in which it keeps what it has learned.
	s := start(tb, "+monitor master leadgate", fmt.Sprintf(
		"sentinel monitor leadgate %s %s 1\nsentinel down-after-milliseconds leadgate 1000\nsentinel failover-timeout leadgate 5000\n",
		host, port), []string{"--sentinel"})
	s.await("slaves="+strconv.Itoa(replicas), "INFO", "sentinel")
	return s
}

// await asks until the answer contains a text.
func (s *Server) await(text string, command ...any) {
	s.tb.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, _ := s.Do(command...).(string)
		if strings.Contains(answer, text) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			s.tb.Fatalf("%v never said %q: %s", command, text, answer)
		}
	}
}
