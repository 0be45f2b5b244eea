package attack

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// exchange writes bytes to the edge and returns the answers that come before it
// closes the connection, or before it has nothing more to say to what is complete.
func (e *edge) exchange(t *testing.T, raw string, want int) (out []*http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", e.site)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(edgetest.GiveUp))
	// What the edge does not read it may reset.
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Logf("the edge reads no more: %v", err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	r := bufio.NewReader(conn)
	for range want + 1 {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			break
		}
		out = append(out, resp)
	}
	return out
}

// statuses are those of answers.
func statuses(list []*http.Response) (out []int) {
	for _, resp := range list {
		out = append(out, resp.StatusCode)
	}
	return out
}

// oddRequest is a request as no usual client writes it.
type oddRequest struct {
	name string
	raw  string
	want []int // in order; nil: a refusal, or a webhook that is taken as any other
}

const ok, malformed, unauthorized = http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized

func oddRequests(site string) []oddRequest {
	n := 0
	body := func() []byte {
		n++
		return message(fmt.Sprintf("wamid.odd.%d", n), "hello")
	}
	post := func(head string, body []byte) string {
		return "POST /webhooks/meta HTTP/1.1\r\nHost: " + site + "\r\n" + head + "\r\n\r\n" + string(body)
	}
	sign := func(b []byte) string { return "X-Hub-Signature-256: " + edgetest.Sign(b) }
	length := func(b []byte) string { return fmt.Sprintf("Content-Length: %d", len(b)) }
	chunked := func(b []byte, trailer string) []byte {
		return fmt.Appendf(nil, "%x;ext=1\r\n%s\r\n0\r\n%s\r\n", len(b), b, trailer)
	}
	good := func(head string) string { b := body(); return post(head+sign(b)+"\r\n"+length(b), b) }
	var b []byte
	next := func() []byte { b = body(); return b }
	pack := func(b []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, _ = w.Write(b)
		_ = w.Close()
		return out.Bytes()
	}
	list := []oddRequest{
		{"chunked, with trailers", post(sign(next())+"\r\nTransfer-Encoding: chunked\r\nTrailer: X-More", chunked(b, "X-More: 1\r\n")),
			[]int{ok}},
		{"the signature in a trailer", post("Transfer-Encoding: chunked\r\nTrailer: X-Hub-Signature-256", chunked(next(), sign(b)+"\r\n")),
			[]int{unauthorized}},
		{"a body shorter than said", post(sign(next())+fmt.Sprintf("\r\nContent-Length: %d", len(b)+5), b), []int{malformed}},
		{"a signed beginning of a longer body", post(sign(next()[:20])+fmt.Sprintf("\r\nContent-Length: %d", len(b)), b), []int{unauthorized}},
		{"a body longer than said", post(sign(next()[:20])+"\r\nContent-Length: 20", b), []int{malformed, malformed}},
		{"two lengths", post(sign(next())+"\r\n"+length(b)+"\r\nContent-Length: 3", b), []int{malformed}},
		{"a negative length", post(sign(next())+"\r\nContent-Length: -1", b), []int{malformed}},
		{"a length of a plus", post(sign(next())+"\r\nContent-Length: +5", b), []int{malformed}},
		{"an endless length", post(sign(next())+"\r\nContent-Length: 9223372036854775807", b), []int{http.StatusRequestEntityTooLarge}},
		{"an unknown transfer encoding", post(sign(next())+"\r\nTransfer-Encoding: gzip, chunked", chunked(b, "")),
			[]int{http.StatusNotImplemented}},
		{"an endless chunk", post(sign(next())+"\r\nTransfer-Encoding: chunked", append([]byte("fffffffffffffffff\r\n"), b...)),
			[]int{malformed}},
		{"chunks that never end", post(sign(next())+"\r\nTransfer-Encoding: chunked", []byte("1\r\n{\r\n")), []int{malformed}},
		{"pipelined", good("") + good("") + good("Connection: close\r\n"), []int{ok, ok, ok}},
		{"gzip, signed as sent", post("Content-Encoding: gzip\r\n"+sign(pack(next()))+"\r\n"+length(pack(b)), pack(b)), []int{malformed}},
		{"gzip, signed as read", post("Content-Encoding: gzip\r\n"+sign(next())+"\r\n"+length(pack(b)), pack(b)), []int{unauthorized}},
		{"an encoding that is none", good("Content-Encoding: gzip\r\n"), []int{ok}},
		{"a wish for 100 Continue", good("Expect: 100-continue\r\n"), []int{http.StatusContinue, ok}},
		{"an unknown wish", good("Expect: the-best\r\n"), []int{http.StatusExpectationFailed}},
		{"an absolute address", strings.Replace(good(""), "POST /", "POST http://"+site+"/", 1), []int{ok}},
		{"HTTP/1.0", strings.Replace(good(""), "HTTP/1.1", "HTTP/1.0", 1), []int{ok}},
		{"HTTP/0.9", "GET /webhooks/meta\r\n\r\n", []int{malformed}},
		{"HTTP/2 in the open", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", nil},
		{"a wrong signature before the right one", good("X-Hub-Signature-256: sha256=00\r\n"), []int{unauthorized}},
		{"a signature on two lines", strings.Replace(good(""), "sha256=", "sha256=\r\n ", 1), []int{unauthorized}},
		{"a space before the colon", strings.Replace(good(""), "256: ", "256 : ", 1), []int{malformed}},
		{"a zero byte in a header", good("X-A: \x00\r\n"), []int{malformed}},
		{"two hosts", good("Host: other\r\n"), []int{malformed}},
		{"no host", strings.Replace(good(""), "Host: "+site+"\r\n", "", 1), []int{malformed}},
		{"a long header", good("X-A: " + strings.Repeat("a", 2<<20) + "\r\n"), []int{http.StatusRequestHeaderFieldsTooLarge}},
		{"a method by override", post("X-HTTP-Method-Override: GET\r\n"+length(next()), b), []int{unauthorized}},
		{"a path by override", "POST /nowhere HTTP/1.1\r\nHost: " + site +
			"\r\nX-Original-URL: /webhooks/meta\r\nX-Rewrite-URL: /webhooks/meta\r\n" + sign(next()) + "\r\n" + length(b) + "\r\n\r\n" +
			string(b), []int{http.StatusNotFound}},
		{"a signature in the query", strings.Replace(post(length(next()), b), "/meta ", "/meta?X-Hub-Signature-256="+edgetest.Sign(b)+" ", 1),
			[]int{unauthorized}},
		{"the handshake with the token in the body", post("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 51",
			[]byte("hub.mode=subscribe&hub.verify_token=word&hub.challe")), []int{unauthorized}},
		{"the handshake twice over",
			"GET /webhooks/meta?hub.mode=subscribe&hub.verify_token=wrong&hub.verify_token=word&hub.challenge=1 HTTP/1.1\r\nHost: " + site +
				"\r\n\r\n", []int{http.StatusForbidden}},
	}
	// Behind other spellings of the path stands the same check, or nothing.
	for _, path := range []string{"//webhooks/meta", "/webhooks//meta", "/webhooks/%6deta", "/WEBHOOKS/Meta", "/webhooks/meta/",
		"/webhooks%2fmeta", "/x/../webhooks/meta",
		"/webhooks/meta/..", "/webhooks/./meta", "/webhooks/meta;a=b", "/webhooks/meta%00", "/webhooks/meta%20", "/webhooks\\meta",
		"/webhooks/meta?x=/../..", "/webhooks/meta#x"} {
		b := body()
		unsigned := strings.Replace(post(length(b), b), "/webhooks/meta", path, 1)
		list = append(list, oddRequest{"unsigned to " + path, unsigned, nil},
			oddRequest{"signed to " + path, strings.Replace(good(""), "/webhooks/meta", path, 1), nil})
	}
	return list
}

// TestOddRequests: a webhook that is written as no usual client writes it is
// verified as any other, or refused, and never half of it is taken.
func TestOddRequests(t *testing.T) {
	onBothQueues(t, func(t *testing.T, st store) {
		s := newSink(t)
		e := startEdge(t, st.option, edgetest.MetaBlock("\t\tforward "+s.URL+"/events {\n\t\t\tname crm\n\t\t}"))
		accepted := 0
		for _, odd := range oddRequests(e.site) {
			answers := e.exchange(t, odd.raw, max(1, len(odd.want)))
			got := statuses(answers)
			if odd.want == nil {
				switch {
				case len(got) == 0, slices.Contains([]int{unauthorized, http.StatusNotFound, malformed}, got[0]):
				case strings.HasPrefix(odd.name, "signed") && got[0] == ok && answers[0].Header.Get("Leadgate-Outcome") == "queued":
					accepted++
				default:
					t.Errorf("%s: answered %v", odd.name, got)
				}
				continue
			}
			if !slices.Equal(got, odd.want) {
				t.Errorf("%s: answered %v, not %v", odd.name, got, odd.want)
			}
			for _, status := range odd.want {
				if status == ok {
					accepted++
				}
			}
			e.Alive()
		}
		e.drained()
		if n := s.take("/events").posts; n != accepted {
			t.Errorf("%d events came of %d webhooks that were taken", n, accepted)
		}
		e.mustPost(message("wamid.after", "hello"))
		e.discreet(t)
	})
}

// TestForwardedHeaders: what a client says of itself moves no signature to
// another address.
func TestForwardedHeaders(t *testing.T) {
	s := newSink(t)
	twilio := providers[slices.IndexFunc(providers, func(p provider) bool { return p.name == "twilio" })]
	e := startEdge(t, "queue embedded %DIR%/queue", twilio.block("\t\tforward "+s.URL+"/events {\n\t\t\tname crm\n\t\t}"))
	body := []byte("MessageSid=SM00112233445566778899aabbccddeeff" +
		"&AccountSid=AC00112233445566778899aabbccddeeff&From=%2B15551234567&To=%2B15550783881&Body=hi")
	elsewhere := *e
	elsewhere.site = "evil.example.com"
	header := signTwilio(&elsewhere, body)
	for _, name := range []string{"X-Forwarded-Host", "X-Original-Host", "X-Host", "Forwarded"} {
		header.Set(name, map[bool]string{true: "host=evil.example.com;proto=http", false: "evil.example.com"}[name == "Forwarded"])
	}
	header.Set("X-Forwarded-Proto", "http")
	if resp, err := e.posts("/webhooks/twilio", header, body); err != nil || resp.StatusCode != unauthorized {
		t.Errorf("signed for another host: %v %v", resp, err)
	}
	if resp, err := e.posts("/webhooks/twilio", signTwilio(e, body), body); err != nil || resp.StatusCode != ok {
		t.Errorf("signed for this host: %v %v", resp, err)
	}
}
