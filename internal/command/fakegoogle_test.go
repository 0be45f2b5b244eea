package command

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/google/googletest"
)

// TestFakeGoogle: the command gives a key, takes an event with it, prints the event, and
// refuses a caller without a token.
func TestFakeGoogle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "google.json")
	ctx, cancel := context.WithCancel(t.Context())
	out, outWriter := io.Pipe()
	log, logWriter := io.Pipe()
	cmd := fakeGoogle()
	cmd.SetArgs([]string{"--listen", "127.0.0.1:0", "--credentials", file})
	cmd.SetOut(outWriter)
	cmd.SetErr(logWriter)
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.ExecuteContext(ctx)
		_ = outWriter.Close()
		_ = logWriter.Close()
	}()
	line, err := bufio.NewReader(log).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, endpoint, _ := strings.Cut(line, "`endpoint ")
	endpoint, _, _ = strings.Cut(endpoint, "`")

	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := google.ParseKey(content)
	if err != nil {
		t.Fatal(err)
	}
	s := &google.Settings{Account: "1234567890", Endpoint: endpoint}
	if err := s.Check(key); err != nil {
		t.Fatal(err)
	}
	client := google.NewClient(s, key)
	defer client.Close()
	unified := []byte(`{"id":"e1","kind":"conversion","receivedAt":1764152130000,"conversion":{}}`)
	sale := &google.Conversion{Touch: google.Touch{GCLID: "Gclid-1"}}
	_, event, err := google.AppendEvent(nil, unified, sale, s, time.UnixMilli(1764152130000))
	if err != nil {
		t.Fatal(err)
	}
	printed := make(chan googletest.Accepted, 1)
	go func() {
		var a googletest.Accepted
		_ = json.NewDecoder(out).Decode(&a) // what it lacks is seen below
		printed <- a
	}()
	if results, _, err := client.Ingest(ctx, "77", []google.Event{event}); err != nil || results[0].Fate != google.Taken {
		t.Fatalf("%+v, %v", results, err)
	}
	if a := <-printed; a.Action != "77" || a.Account != "1234567890" || !strings.Contains(string(a.Event), `"Gclid-1"`) {
		t.Errorf("%+v", a)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	again := fakeGoogle()
	again.SetArgs([]string{"--listen", "127.0.0.1:0", "--credentials", file})
	again.SetOut(io.Discard)
	again.SetErr(io.Discard)
	if err := again.ExecuteContext(t.Context()); err == nil {
		t.Error("another file is overwritten")
	}
}
