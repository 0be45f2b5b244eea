package redis_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

func TestRedisBadURLs(t *testing.T) {
	for name, cfg := range map[string]redis.Config{
		"none":               {},
		"scheme":             {URLs: []string{"http://user:hunter2@127.0.0.1:6379"}},
		"not a URL":          {URLs: []string{"redis://user:hunter2@127.0.0.1:port"}},
		"database":           {URLs: []string{"redis://user:hunter2@127.0.0.1:6379/first"}},
		"option":             {URLs: []string{"redis://user:hunter2@127.0.0.1:6379?colour=red"}},
		"passwords":          {URLs: []string{"redis://user:hunter2@127.0.0.1:1", "redis://user:hunter3@127.0.0.1:2"}},
		"schemes":            {URLs: []string{"redis://127.0.0.1:1", "rediss://127.0.0.1:2"}},
		"Cluster database":   {URLs: []string{"redis://127.0.0.1:1/1", "redis://127.0.0.1:2/1"}},
		"Cluster of sockets": {URLs: []string{"unix:///a", "unix:///b"}},
		"sentinels":          {URLs: []string{"redis://127.0.0.1:1"}, SentinelMaster: "leadgate"},
		"master":             {URLs: []string{"redis://127.0.0.1:1"}, Sentinels: []string{"127.0.0.1:26379"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := redis.Open(cfg, queuetest.DefaultOptions())
			if err == nil {
				r.Close()
				t.Fatal("opened")
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Fatalf("the error shows the password: %v", err)
			}
		})
	}
}

// works appends and reads an event.
func works(t *testing.T, cfg redis.Config) {
	t.Helper()
	r := open(t, cfg)
	if err := appendOne(t, r, one(1, []byte("x"), crm)).Err; err != nil {
		t.Fatal(err)
	}
	e := drain(t, r, crm)
	e.ready()
	if n := len(e.all()); n != 1 {
		t.Fatalf("%d entries", n)
	}
}

func TestRedisSocket(t *testing.T) {
	// A socket's path must be short.
	dir, err := os.MkdirTemp("", "lg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "redis.sock")
	redistest.Start(t, "--unixsocket", path)
	works(t, redis.Config{URLs: []string{"unix://" + path + "?db=3"}})
}

func TestRedisTLS(t *testing.T) {
	cert, key := certificate(t)
	s := redistest.StartTLS(t, cert, key)
	works(t, redis.Config{URLs: []string{"rediss://" + s.Addr + "?skip_verify=true"}})

	r := open(t, redis.Config{URLs: []string{"rediss://" + s.Addr}})
	if err := appendOne(t, r, one(1, []byte("x"), crm)).Err; !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("an unknown authority's certificate was taken: %v", err)
	}
}

// certificate writes a certificate for 127.0.0.1 that signs itself, and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestRedisTooOld meets a server that says it is Redis 6.
func TestRedisTooOld(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var owner sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		owner.Wait()
	})
	owner.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			owner.Go(func() { oldRedis(c) })
		}
	})
	r := open(t, redis.Config{URLs: []string{"redis://" + l.Addr().String()}})
	eventually(t, "the version is refused in words", func() bool {
		err := appendOne(t, r, one(1, []byte("x"), crm)).Err
		return errors.Is(err, queue.ErrUnavailable) && strings.Contains(err.Error(), "redis 6.2.7 is too old")
	})
	if err := r.Close(); err != nil { // before the listener, which waits for its connections
		t.Fatal(err)
	}
}

// oldRedis answers as Redis 6 would to what matters here.
func oldRedis(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		var args int
		if _, err := fmt.Fscanf(in, "*%d\r\n", &args); err != nil {
			return
		}
		var words []string
		for range args {
			var n int
			if _, err := fmt.Fscanf(in, "$%d\r\n", &n); err != nil {
				return
			}
			word := make([]byte, n+2)
			if _, err := in.Read(word); err != nil {
				return
			}
			words = append(words, strings.ToUpper(string(word[:n])))
		}
		answer := "-ERR unknown command\r\n"
		switch words[0] {
		case "INFO":
			text := "# Server\r\nredis_version:6.2.7\r\nrun_id:0123456789abcdef\r\n"
			answer = fmt.Sprintf("$%d\r\n%s\r\n", len(text), text)
		case "EVAL":
			answer = "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'\r\n"
		}
		if _, err := c.Write([]byte(answer)); err != nil {
			return
		}
	}
}

func TestRedisSaysWhatItFound(t *testing.T) {
	for name, c := range map[string]struct {
		args       []string
		durability string
		warning    string
	}{
		"always":    {[]string{"--appendonly", "yes", "--appendfsync", "always"}, "loses nothing (appendfsync always)", ""},
		"everysec":  {[]string{"--appendonly", "yes", "--appendfsync", "everysec"}, "may lose the last two seconds", ""},
		"snapshots": {[]string{"--save", "3600 1"}, "since the last snapshot", ""},
		"nothing":   {nil, "loses everything (no append-only file, no snapshots)", ""},
		"allkeys-lru": {[]string{"--maxmemory-policy", "allkeys-lru"}, "loses everything",
			"throw away queued events"},
		"volatile-ttl": {[]string{"--maxmemory-policy", "volatile-ttl"}, "loses everything",
			"throw away remembered ids"},
	} {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zap.InfoLevel)
			s := redistest.Start(t, c.args...)
			r := open(t, redis.Config{URLs: []string{s.URL()}, Logger: zap.New(core)})
			drain(t, r, crm).ready() // after the look at the server
			if got := r.Durability(); !strings.Contains(got, c.durability) {
				t.Errorf("durability %q, want %q", got, c.durability)
			}
			if logs.FilterMessage("connected to redis").Len() != 1 {
				t.Errorf("logs: %+v", logs.All())
			}
			eventually(t, "the watcher has looked", func() bool { return c.warning == "" || len(r.Alerts()) > 0 })
			problems := logs.Filter(func(e observer.LoggedEntry) bool { return e.Level >= zap.WarnLevel }).All()
			if c.warning == "" && len(problems) != 0 ||
				c.warning != "" && (len(problems) != 1 || !strings.Contains(problems[0].Message, c.warning)) {
				t.Errorf("problems %+v, want %q", problems, c.warning)
			}
		})
	}
}

// TestRedisLateGreeting has the first answers on new connections come too late: each such
// connection is given up, or its next call would be told what belongs to the one before.
// "PONG" is as long as the answer to this event.
func TestRedisLateGreeting(t *testing.T) {
	const pong = "+PONG\r\n"
	s := redistest.Start(t)
	way := redistest.NewProxy(t, s.Addr)
	r := fast(t, redis.Config{URLs: []string{"redis://" + way.Addr}})
	if err := appendOne(t, r, one(0, []byte("x"), crm, n8n)).Err; err != nil {
		t.Fatal(err)
	}
	way.Late(pong, 10)
	way.Cut()
	way.Heal()
	for n := 1; n < 100 && way.ToBeLate(pong) > 0; n++ {
		switch result := appendOne(t, r, one(n, []byte("x"), crm, n8n)); {
		case result.Err == nil && result.New[0] && result.Jobs[0] == queue.Queued && result.Jobs[1] == queue.Queued:
		case !errors.Is(result.Err, queue.ErrUnavailable) || strings.Contains(result.Err.Error(), "PONG"):
			t.Fatalf("event %d: %+v", n, result)
		}
		_, err := r.Destinations(t.Context())
		if err != nil && (!errors.Is(err, queue.ErrUnavailable) || strings.Contains(err.Error(), "PONG")) {
			t.Fatalf("listing destinations: %v", err)
		}
	}
	if n := way.ToBeLate(pong); n > 0 {
		t.Fatalf("%d answers are not late", n)
	}
}

// TestRedisClusterNode is given one node of a Cluster as if it were a server.
func TestRedisClusterNode(t *testing.T) {
	nodes := redistest.Cluster(t, 3)
	refused := 0
	for _, node := range nodes {
		r := open(t, redis.Config{URLs: []string{node.URL()}})
		if err := appendOne(t, r, one(1, []byte("x"), crm)).Err; err != nil {
			if !errors.Is(err, queue.ErrUnavailable) || !strings.Contains(err.Error(), "name the URLs of several nodes") {
				t.Fatal(err)
			}
			refused++
		}
	}
	if refused != 2 {
		t.Fatalf("%d of 3 nodes refused", refused)
	}
}
