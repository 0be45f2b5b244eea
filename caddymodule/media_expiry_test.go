package caddymodule

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMediaExpired lets urls die.
func TestMediaExpired(t *testing.T) {
	meta := newFakeMedia(t)
	s := newMediaServer(t, meta.URL)
	now := time.Now()
	s.media.meta.now = func() time.Time { return now }
	body := picture(1000)
	for _, status := range []int{400, 401, 403, 404, 410} {
		id := fmt.Sprint("dies-with-", status)
		meta.add(id, "image/jpeg", body)
		if resp, _, err := fetch(t, http.MethodGet, s.URL+"/"+id); err != nil || resp.StatusCode != 200 {
			t.Fatal(resp.StatusCode, err)
		}
		// The known url is dead, and Meta has another one.
		meta.set(id, nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		fresh := meta.object(id, "image/jpeg", base64Digest(body), len(body))
		fresh["url"] = meta.URL + "/files/" + id + "-fresh"
		meta.set(id, graphSays(fresh), nil)
		meta.set(id+"-fresh", nil, serveFile(body))
		meta.took()
		resp, got, err := fetch(t, http.MethodGet, s.URL+"/"+id)
		if err != nil || resp.StatusCode != 200 || !bytes.Equal(got, body) {
			t.Errorf("%d: %d, %d bytes, %v", status, resp.StatusCode, len(got), err)
		}
		if took := meta.took(); !slices.Equal(took, []string{"GET /files/" + id, "GET /v27.0/" + id, "GET /files/" + id + "-fresh"}) {
			t.Errorf("%d: Meta was asked %v", status, took)
		}
	}
	// Dead for good: asked for again once.
	for status, want := range map[int]int{404: 404, 410: 404, 401: 502, 403: 502, 400: 502} {
		id := fmt.Sprint("dead-with-", status)
		meta.set(id, graphSays(meta.object(id, "image/jpeg", base64Digest(body), len(body))), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		meta.took()
		if resp, text := sentence(t, s.URL+"/"+id); resp.StatusCode != want {
			t.Errorf("%d: %d %s", status, resp.StatusCode, text)
		}
		if took := meta.took(); len(took) != 4 {
			t.Errorf("%d: Meta was asked %v", status, took)
		}
	}
	// A url is known for less than its five minutes.
	meta.add("ages", "image/jpeg", body)
	for age, asked := range map[time.Duration]int{0: 1, mediaURLAge - 1: 1, mediaURLAge: 2} {
		if _, failure := s.media.meta.find(t.Context(), "ages", true); failure != nil {
			t.Fatal(failure)
		}
		meta.took()
		now = now.Add(age)
		fetch(t, http.MethodGet, s.URL+"/ages")
		if took := meta.took(); len(took) != asked {
			t.Errorf("after %s Meta was asked %v", age, took)
		}
	}
	if mediaURLAge >= 5*time.Minute {
		t.Error("a url is known for longer than it lives")
	}
}

func TestMediaCacheForgets(t *testing.T) {
	var c mediaCache
	now := time.Unix(1_700_000_000, 0)
	for i := range maxMediaKnown + 10 {
		c.put(fmt.Sprint(i), new(media), now)
	}
	if len(c.known) != maxMediaKnown || c.get("9", now) != nil || c.get("10", now) == nil {
		t.Errorf("%d are known", len(c.known))
	}
	later := now.Add(mediaURLAge)
	c.put("10", new(media), later)
	if len(c.known) != 1 || len(c.order) != 1 || c.get("10", later) == nil || c.get("11", later) != nil {
		t.Errorf("%d are known, %d in order", len(c.known), len(c.order))
	}
}

// TestMediaTokenRenewed reads the token's file again after a 190.
func TestMediaTokenRenewed(t *testing.T) {
	meta := newFakeMedia(t)
	meta.add("1", "image/jpeg", picture(10))
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("EAAG_old")
	e := startEdge(t, mediaSite(meta.URL, "access_token {file."+file+"}"))
	resp, text := sentence(t, e.url("/media/1"))
	if took := meta.took(); resp.StatusCode != 502 || !strings.Contains(text, "190/463") || !strings.Contains(text, "expired") || strings.Contains(text, "EAAG") || len(took) != 1 {
		t.Errorf("%d %s, Meta was asked %v", resp.StatusCode, text, took)
	}
	write(metaToken)
	for range 2 {
		if resp, _, err := fetch(t, http.MethodGet, e.url("/media/1")); err != nil || resp.StatusCode != 200 {
			t.Errorf("with the new token: %d, %v", resp.StatusCode, err)
		}
	}
	if took := meta.took(); len(took) != 4 {
		t.Errorf("Meta was asked %v", took)
	}
	// The file is gone or empty: what was read last stays.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	meta.mu.Lock()
	meta.token = "EAAG_newest"
	meta.mu.Unlock()
	if resp, text := sentence(t, e.url("/media/1")); resp.StatusCode != 502 {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}
