package media

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/media/mediatest"
)

// TestMediaExpired lets urls die.
func TestMediaExpired(t *testing.T) {
	meta := mediatest.New(t)
	s := startServer(t, meta.URL)
	now := time.Now()
	s.media.meta.now = func() time.Time { return now }
	body := mediatest.Picture(1000)
	for _, status := range []int{400, 401, 403, 404, 410} {
		id := fmt.Sprint("dies-with-", status)
		meta.Add(id, "image/jpeg", body)
		if resp, _, err := mediatest.Fetch(t, http.MethodGet, s.URL+"/"+id); err != nil || resp.StatusCode != 200 {
			t.Fatal(resp.StatusCode, err)
		}
		// The known url is dead, and Meta has another one.
		meta.Set(id, nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		fresh := meta.Object(id, "image/jpeg", mediatest.Digest(body), len(body))
		fresh["url"] = meta.URL + "/files/" + id + "-fresh"
		meta.Set(id, mediatest.GraphSays(fresh), nil)
		meta.Set(id+"-fresh", nil, mediatest.ServeFile(body))
		meta.Took()
		resp, got, err := mediatest.Fetch(t, http.MethodGet, s.URL+"/"+id)
		if err != nil || resp.StatusCode != 200 || !bytes.Equal(got, body) {
			t.Errorf("%d: %d, %d bytes, %v", status, resp.StatusCode, len(got), err)
		}
		if took := meta.Took(); !slices.Equal(took, []string{"GET /files/" + id, "GET /v27.0/" + id, "GET /files/" + id + "-fresh"}) {
			t.Errorf("%d: Meta was asked %v", status, took)
		}
	}
	// Dead for good: asked for again once.
	for status, want := range map[int]int{404: 404, 410: 404, 401: 502, 403: 502, 400: 502} {
		id := fmt.Sprint("dead-with-", status)
		meta.Set(id, mediatest.GraphSays(meta.Object(id, "image/jpeg", mediatest.Digest(body), len(body))),
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		meta.Took()
		if resp, text := mediatest.Sentence(t, s.URL+"/"+id); resp.StatusCode != want {
			t.Errorf("%d: %d %s", status, resp.StatusCode, text)
		}
		if took := meta.Took(); len(took) != 4 {
			t.Errorf("%d: Meta was asked %v", status, took)
		}
	}
	// A url is known for less than its five minutes.
	meta.Add("ages", "image/jpeg", body)
	for age, asked := range map[time.Duration]int{0: 1, urlAge - 1: 1, urlAge: 2} {
		if _, failure := s.media.meta.find(t.Context(), "ages", true); failure != nil {
			t.Fatal(failure)
		}
		meta.Took()
		now = now.Add(age)
		mediatest.Fetch(t, http.MethodGet, s.URL+"/ages")
		if took := meta.Took(); len(took) != asked {
			t.Errorf("after %s Meta was asked %v", age, took)
		}
	}
	if urlAge >= 5*time.Minute {
		t.Error("a url is known for longer than it lives")
	}
}

func TestMediaCacheForgets(t *testing.T) {
	var c cache
	now := time.Unix(1_700_000_000, 0)
	for i := range maxKnown + 10 {
		c.put(fmt.Sprint(i), new(medium), now)
	}
	if len(c.known) != maxKnown || c.get("9", now) != nil || c.get("10", now) == nil {
		t.Errorf("%d are known", len(c.known))
	}
	later := now.Add(urlAge)
	c.put("10", new(medium), later)
	if len(c.known) != 1 || len(c.order) != 1 || c.get("10", later) == nil || c.get("11", later) != nil {
		t.Errorf("%d are known, %d in order", len(c.known), len(c.order))
	}
}
