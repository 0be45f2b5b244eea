package faults

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// TestRedisKill kills Redis, which writes its log to disk before it answers.
func TestRedisKill(t *testing.T) {
	t.Parallel()
	s, server := onRedis(t, "kill -9 of Redis", options{})
	s.run()
	for range form(2, 10) {
		s.senders.more(t, 100)
		server.Kill()
		s.senders.moreRefused(t, contacts)
		server.Restart()
	}
	s.senders.more(t, 50)
	s.finish()
}

// TestRedisRestart shuts Redis down, as an update does.
func TestRedisRestart(t *testing.T) {
	t.Parallel()
	s, server := onRedis(t, "restart of Redis", options{})
	s.run()
	for range form(2, 10) {
		s.senders.more(t, 100)
		shutdown(t, server)
		server.Restart()
	}
	s.senders.more(t, 50)
	s.finish()
}

func shutdown(t *testing.T, server *redistest.Server) {
	t.Helper()
	_ = server.Client().Shutdown(context.Background()).Err() // the answer is a closed connection
	edgetest.Until(t, "Redis is gone", func() bool {
		conn, err := net.Dial("tcp", server.Addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	server.Kill() // waits for the process
}

// TestRedisPause stops Redis without ending it: once until webhooks are refused,
// once for longer than the edge's lease.
func TestRedisPause(t *testing.T) {
	t.Parallel()
	s, server := onRedis(t, "pause of Redis (SIGSTOP)", options{})
	s.run()
	for round := range form(1, 4) {
		s.senders.more(t, 100)
		server.Stop()
		s.senders.moreRefused(t, contacts)
		if round%2 == 1 {
			pass(11 * time.Second)
		}
		server.Continue()
	}
	s.senders.more(t, 50)
	s.finish()
}

// TestRedisFull fills Redis's memory while the sink is down: webhooks are
// refused, the edge is restarted, and then it drains.
func TestRedisFull(t *testing.T) {
	for _, how := range []string{"", ", SIGTERM meanwhile", ", kill -9 meanwhile"} {
		t.Run("full"+how, func(t *testing.T) {
			t.Parallel()
			s, server := onRedis(t, "memory of Redis full"+how, options{padding: 8000})
			s.run()
			s.senders.more(t, 100)
			s.sink.behave(isDown)
			used := server.Do("EVAL", "return string.match(redis.call('INFO', 'memory'), 'used_memory:(%d+)')", 0)
			server.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
			server.Do("CONFIG", "SET", "maxmemory", fmt.Sprint(number(t, used)+4<<20))
			s.senders.moreRefused(t, 2*contacts)
			switch {
			case strings.Contains(how, "SIGTERM"):
				s.edges[0].End()
				s.edges[0].Start()
			case strings.Contains(how, "kill"):
				s.edges[0].Kill()
				s.noteKilled()
				s.edges[0].Start()
			}
			s.senders.moreRefused(t, 2*contacts)
			s.sink.behave(takes)
			// No more memory than before: draining makes the room.
			s.senders.more(t, 100)
			s.finish()
		})
	}
}

func number(t *testing.T, v any) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(fmt.Sprint(v), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRedisFailover hands the role of the master over and back, as an operator
// does before an update: FAILOVER waits until the replica has everything. The
// edge finds the master by one address, as behind a load balancer.
func TestRedisFailover(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t, always...)
	replica := redistest.Replica(t, master, always...)
	way := newWay(t, master.Addr)
	s := onRedisAt(t, "planned FAILOVER", "queue redis redis://"+way.addr, way.addr, options{})
	s.run()
	for range form(2, 6) {
		s.senders.more(t, 100)
		host, port, err := net.SplitHostPort(replica.Addr)
		if err != nil {
			t.Fatal(err)
		}
		master.Do("FAILOVER", "TO", host, port)
		role(t, replica.Addr, "role:master")
		s.senders.moreRefused(t, 5)
		way.lead(replica.Addr)
		role(t, master.Addr, "master_link_status:up")
		master, replica = replica, master
	}
	s.senders.more(t, 50)
	s.finish()
}

// role waits until a server says something of its replication.
func role(t *testing.T, addr, what string) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	defer c.Close()
	edgetest.Until(t, addr+" says "+what, func() bool {
		info, err := c.Info(context.Background(), "replication").Result()
		return err == nil && strings.Contains(info, what)
	})
}

// TestRedisMasterKilled kills the master, and a sentinel makes its replica the
// master. What was not replicated is lost, which is counted here: Leadgate
// promises no more than Redis does. What is not lost is delivered.
func TestRedisMasterKilled(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t, always...)
	replica := redistest.Replica(t, master, always...)
	sentinel := redistest.Sentinel(t, master, 1)
	s := onRedisAt(t, "killed master, Sentinel", "queue redis redis://master {\n sentinel leadgate "+sentinel.Addr+"\n}",
		replica.Addr, options{mayLose: true, perSecond: 2000})
	s.run()
	s.senders.more(t, 200)
	master.Kill()
	role(t, replica.Addr, "role:master")
	s.senders.more(t, 100)
	s.finish()
	if lost := s.row.lost; lost > s.row.events/10 {
		t.Errorf("%d of %d events are lost: more than can have been on its way to the replica", lost, s.row.events)
	}
}
