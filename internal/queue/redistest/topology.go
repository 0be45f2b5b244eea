package redistest

import (
	"cmp"
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
	return cluster(tb, n, 0)
}

// ReplicatedCluster is Cluster with a replica for each master. Which of the nodes are
// masters tells [Server.IsMaster].
func ReplicatedCluster(tb testing.TB, n int, args ...string) []*Server {
	tb.Helper()
	nodes := cluster(tb, 2*n, 1, args...)
	for _, node := range nodes {
		if !node.IsMaster() {
			node.await("master_link_status:up", "INFO", "replication")
		}
	}
	return nodes
}

// IsMaster reports whether the server is no replica, by its own word.
func (s *Server) IsMaster() bool {
	s.tb.Helper()
	answer, _ := s.Do("INFO", "replication").(string)
	return strings.Contains(answer, "role:master")
}

// MasterOf is the address of a Cluster's master of a key, by the word of this node; ""
// if it says that there is none, or that it has failed.
func (s *Server) MasterOf(key string) string {
	s.tb.Helper()
	slot, _ := s.Do("CLUSTER", "KEYSLOT", key).(int64)
	nodes, _ := s.Do("CLUSTER", "NODES").(string)
	for line := range strings.Lines(nodes) {
		f := strings.Fields(line)
		if len(f) < 9 || !strings.Contains(f[2], "master") || strings.Contains(f[2], "fail") {
			continue
		}
		for _, r := range f[8:] {
			from, to, _ := strings.Cut(r, "-")
			first, err := strconv.ParseInt(from, 10, 64)
			last, err2 := strconv.ParseInt(cmp.Or(to, from), 10, 64)
			if err == nil && err2 == nil && first <= slot && slot <= last {
				addr, _, _ := strings.Cut(f[1], "@")
				return addr
			}
		}
	}
	return ""
}

func cluster(tb testing.TB, n, replicas int, args ...string) []*Server {
	tb.Helper()
	if missing() == nil {
		if _, err := exec.LookPath("redis-cli"); err != nil {
			tb.Skip("redis-cli is not on the PATH")
		}
	}
	nodes := make([]*Server, n)
	create := []string{"--cluster-yes", "--cluster-replicas", strconv.Itoa(replicas), "--cluster", "create"}
	for i := range nodes {
		nodes[i] = Start(tb, append([]string{
			"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(freeport.New(tb)),
			"--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000",
		}, args...)...)
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
	s := SentinelWith(tb, master, "")
	s.await("slaves="+strconv.Itoa(replicas), "INFO", "sentinel")
	return s
}

// SentinelWith is Sentinel with more lines for its configuration, and knows nothing of
// replicas yet.
func SentinelWith(tb testing.TB, master *Server, config string) *Server {
	tb.Helper()
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	if master.password != "" {
		config += "sentinel auth-pass leadgate " + master.password + "\n"
	}
	// A sentinel wants a file in which it keeps what it has learned.
	return start(tb, "+monitor master leadgate", fmt.Sprintf(
		"sentinel monitor leadgate %s %s 1\nsentinel down-after-milliseconds leadgate 1000\nsentinel failover-timeout leadgate 5000\n",
		host, port)+config, []string{"--sentinel"})
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
