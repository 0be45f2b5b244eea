package caddymodule

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

func chromiumPath() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// browser is a headless Chromium with one page, driven by the DevTools protocol
// over a pipe: JSON messages that end in NUL.
type browser struct {
	t       *testing.T
	to      io.Writer
	session string

	mu      sync.Mutex
	last    int
	waiting map[int]chan devtools
	urls    []string
	bad     []string
}

// devtools is a message of the DevTools protocol.
type devtools struct {
	ID        int                       `json:"id,omitempty"`
	SessionID string                    `json:"sessionId,omitempty"`
	Method    string                    `json:"method,omitempty"`
	Params    any                       `json:"params,omitempty"`
	Result    json.RawMessage           `json:"result,omitempty"`
	Error     *struct{ Message string } `json:"error,omitempty"`
}

func startBrowser(t *testing.T, chromium string) *browser {
	t.Helper()
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--lang=en-GB", "--remote-debugging-pipe",
		"--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	cmd.Env = append(os.Environ(), "TZ=UTC")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{t: t, to: ourOut, waiting: make(map[int]chan devtools)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.read(ourIn)
	}()
	t.Cleanup(func() {
		ourOut.Close() // it ends with the pipe; and if not:
		kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		kill.Stop()
		<-done
		ourIn.Close()
	})
	var target struct{ TargetID string }
	b.result("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.result("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", nil)
	}
	return b
}

func (b *browser) read(from io.Reader) {
	in := bufio.NewReaderSize(from, 1<<20)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			for _, ch := range b.waiting {
				close(ch)
			}
			b.waiting = nil
			b.mu.Unlock()
			return
		}
		var m devtools
		var event struct {
			Params struct {
				Request          struct{ URL string }
				Entry            struct{ Level, Text, URL string }
				ExceptionDetails struct {
					Text      string
					Exception struct{ Description string }
				}
			}
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil || json.Unmarshal(text[:len(text)-1], &event) != nil {
			continue
		}
		b.mu.Lock()
		switch p := &event.Params; {
		case m.ID != 0:
			if ch := b.waiting[m.ID]; ch != nil {
				ch <- m
				delete(b.waiting, m.ID)
			}
		case m.Method == "Network.requestWillBeSent":
			b.urls = append(b.urls, p.Request.URL)
		case m.Method == "Log.entryAdded" && p.Entry.Level == "error":
			b.bad = append(b.bad, p.Entry.Text+" "+p.Entry.URL)
		case m.Method == "Runtime.exceptionThrown":
			b.bad = append(b.bad, p.ExceptionDetails.Text+" "+p.ExceptionDetails.Exception.Description)
		}
		b.mu.Unlock()
	}
}

// call sends a command and waits for its answer. The limit only ends a test
// that has failed.
func (b *browser) call(method string, params any) json.RawMessage {
	b.t.Helper()
	ch := make(chan devtools, 1)
	b.mu.Lock()
	b.last++
	m := devtools{ID: b.last, SessionID: b.session, Method: method, Params: params}
	if b.waiting == nil {
		b.mu.Unlock()
		b.t.Fatalf("%s: the browser has ended", method)
	}
	b.waiting[m.ID] = ch
	b.mu.Unlock()
	text, err := json.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case answer, ok := <-ch:
		if !ok {
			b.t.Fatalf("%s: the browser has ended", method)
		}
		if answer.Error != nil {
			b.t.Fatalf("%s: %s", method, answer.Error.Message)
		}
		return answer.Result
	case <-time.After(60 * time.Second):
		b.t.Fatalf("%s: no answer", method)
	}
	return nil
}

func (b *browser) result(method string, params, into any) {
	b.t.Helper()
	if err := json.Unmarshal(b.call(method, params), into); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url})
	b.until(`location.href.startsWith("http") && document.readyState == "complete"`)
}

// eval evaluates JavaScript, waits for promises and returns the value as text.
func (b *browser) eval(script string) (string, bool) {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.result("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true},
		&answer)
	if answer.ExceptionDetails != nil {
		return answer.ExceptionDetails.Exception.Description, false
	}
	return fmt.Sprint(answer.Result.Value), true
}

func (b *browser) run(script string) {
	b.t.Helper()
	if out, ok := b.eval("void (() => { return " + script + " })()"); !ok {
		b.t.Fatalf("%s: %s", script, out)
	}
}

func (b *browser) is(script, want string) {
	b.t.Helper()
	if got, _ := b.eval(script); got != want {
		b.t.Errorf("%s is %s, want %s", script, got, want)
	}
}

func (b *browser) until(script string) {
	b.t.Helper()
	waitFor(b.t, script, func() bool {
		got, ok := b.eval("Boolean(" + script + ")")
		return ok && got == "true"
	})
}

func (b *browser) screenshot(full bool) []byte {
	b.t.Helper()
	var shot struct{ Data string }
	b.result("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": full}, &shot)
	if full {
		var m struct{ CSSContentSize map[string]float64 }
		b.result("Page.getLayoutMetrics", nil, &m)
		clip := map[string]any{"x": 0, "y": 0, "width": m.CSSContentSize["width"], "height": m.CSSContentSize["height"], "scale": 1}
		b.result("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true, "clip": clip}, &shot)
	}
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}

func (b *browser) requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.urls
}

// complaints are errors of the console: exceptions, refused by the policy, 4xx.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bad
}
