package caddymodule

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/media/mediatest"
)

// mediaSite is a Caddyfile with leadgate_media of tenant acme.
func mediaSite(endpoint, options string) string {
	return strings.Replace(site("\t\ttenant acme\n\t\tforward http://127.0.0.1:9/"), `	respond "next"`, `	leadgate_media /media/* {
		tenant acme
		token `+mediatest.CRMToken+` another_token
		token a_third_token
		endpoint `+endpoint+`
		`+options+`
	}
	respond "next"`, 1)
}

// TestMedia is a whole file behind a real Caddy: headers, ranges, conditions.
func TestMedia(t *testing.T) {
	meta := mediatest.New(t)
	e := startEdge(t, mediaSite(meta.URL, "access_token "+mediatest.MetaToken))
	body := mediatest.Picture(200_000)
	meta.Add("1013859600285441", "image/jpeg", body)
	url := e.url("/media/1013859600285441")

	resp, got, err := mediatest.Fetch(t, http.MethodGet, url)
	if err != nil || resp.StatusCode != 200 || !bytes.Equal(got, body) {
		t.Fatalf("%d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
	if took := meta.Took(); !slices.Equal(took, []string{"GET /v27.0/1013859600285441", "GET /files/1013859600285441"}) {
		t.Errorf("Meta was asked %v", took)
	}
	tag := resp.Header.Get("ETag")
	for field, want := range map[string]string{
		"Content-Type": "image/jpeg", "Content-Length": "200000", "X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes",
		"Content-Disposition": `inline; filename="1013859600285441.jpg"`, "Set-Cookie": "", "Cache-Control": "private, no-cache",
	} {
		if got := resp.Header.Get(field); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	if len(tag) != 66 {
		t.Errorf("ETag: %s", tag)
	}

	// The url is still alive, so that only the file is asked for.
	for _, c := range []struct {
		name, method string
		edit         []func(*http.Request)
		status       int
		body         []byte
		contentRange string
		asked        []string
	}{
		{"a part", "GET", []func(*http.Request){mediatest.With("Range", "bytes=100-299")}, 206, body[100:300], "bytes 100-299/200000",
			[]string{"GET /files/1013859600285441"}},
		{"the end", "GET", []func(*http.Request){mediatest.With("Range", "bytes=-5")}, 206, body[199_995:], "bytes 199995-199999/200000",
			[]string{"GET /files/1013859600285441"}},
		{"a part of the same file", "GET", []func(*http.Request){mediatest.With("Range", "bytes=0-0"), mediatest.With("If-Range", tag)}, 206,
			body[:1], "bytes 0-0/200000", []string{"GET /files/1013859600285441"}},
		{"a part of another file", "GET", []func(*http.Request){mediatest.With("Range", "bytes=0-0"), mediatest.With("If-Range", `"other"`)},
			200, body, "", []string{"GET /files/1013859600285441"}},
		{"two parts", "GET", []func(*http.Request){mediatest.With("Range", "bytes=0-0,5-6")}, 200, body, "",
			[]string{"GET /files/1013859600285441"}},
		{"beyond the end", "GET", []func(*http.Request){mediatest.With("Range", "bytes=200000-")}, 416, nil, "bytes */200000",
			[]string{"GET /files/1013859600285441"}},
		{"HEAD", "HEAD", nil, 200, nil, "", []string{"HEAD /files/1013859600285441"}},
		{"not modified", "GET", []func(*http.Request){mediatest.With("If-None-Match", `"x", W/`+tag)}, 304, nil, "", nil},
		{"modified", "GET", []func(*http.Request){mediatest.With("If-None-Match", `"x"`)}, 200, body, "",
			[]string{"GET /files/1013859600285441"}},
	} {
		resp, got, err := mediatest.Fetch(t, c.method, url, c.edit...)
		if err != nil || resp.StatusCode != c.status || !bytes.Equal(got, c.body) || resp.Header.Get("Content-Range") != c.contentRange {
			t.Errorf("%s: %d, %d bytes, %s, %v", c.name, resp.StatusCode, len(got), resp.Header.Get("Content-Range"), err)
		}
		if took := meta.Took(); !slices.Equal(took, c.asked) {
			t.Errorf("%s: Meta was asked %v", c.name, took)
		}
		if c.method == "HEAD" && resp.Header.Get("Content-Length") != "200000" || c.status != 416 && resp.Header.Get("ETag") != tag {
			t.Errorf("%s: %v", c.name, resp.Header)
		}
	}

	for _, c := range []struct {
		name, method, path, token string
		status                    int
	}{
		{"no token", "GET", "/media/1013859600285441", "", 401},
		{"wrong token", "GET", "/media/1013859600285441", "Bearer x", 401},
		{"Meta's token", "GET", "/media/1013859600285441", "Bearer " + mediatest.MetaToken, 401},
		{"token without scheme", "GET", "/media/1013859600285441", mediatest.CRMToken, 401},
		{"no token, no id", "GET", "/media/", "", 401},
		{"POST", "POST", "/media/1013859600285441", "Bearer " + mediatest.CRMToken, 405},
		{"DELETE", "DELETE", "/media/1013859600285441", "Bearer " + mediatest.CRMToken, 405},
		{"no id", "GET", "/media/", "Bearer " + mediatest.CRMToken, 400},
		{"a query in the id", "GET", "/media/1%3Ffields=x", "Bearer " + mediatest.CRMToken, 400},
		{"dots", "GET", "/media/1..2", "Bearer " + mediatest.CRMToken, 400},
		{"a long id", "GET", "/media/" + strings.Repeat("1", 129), "Bearer " + mediatest.CRMToken, 400},
		{"unknown id", "GET", "/media/2", "bearer " + mediatest.CRMToken, 404},
		{"another token", "HEAD", "/media/1013859600285441", "Bearer another_token", 200},
		{"a third token", "HEAD", "/media/1013859600285441", "Bearer  a_third_token", 200},
	} {
		resp, _, _ := mediatest.Fetch(t, c.method, e.url(c.path), func(r *http.Request) {
			r.Header.Set("Authorization", c.token)
		})
		if resp.StatusCode != c.status || resp.StatusCode == 405 && resp.Header.Get("Allow") != "GET, HEAD" || resp.StatusCode == 401 &&
			resp.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %v, want %d", c.name, resp.StatusCode, resp.Header, c.status)
		}
	}
	if took := meta.Took(); !slices.Equal(took, []string{"GET /v27.0/2", "HEAD /files/1013859600285441", "HEAD /files/1013859600285441"}) {
		t.Errorf("Meta was asked %v", took)
	}
}

// TestMediaBroken breaks files in ways that show only after a part has been
// sent: the client must see that, and never gets the end.
func TestMediaBroken(t *testing.T) {
	meta := mediatest.New(t)
	e := startEdge(t, mediaSite(meta.URL, "access_token "+mediatest.MetaToken+"\n\t\tmax_size 1MiB"))
	body := mediatest.Picture(300_000)
	changed := bytes.Clone(body)
	changed[len(changed)-1]++
	chunked := func(parts ...[]byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, p := range parts {
				_, _ = w.Write(p)
				w.(http.Flusher).Flush()
			}
		}
	}
	for name, file := range map[string]http.HandlerFunc{
		"changed":             mediatest.ServeFile(changed),
		"changed-and-chunked": chunked(changed),
		"shorter":             chunked(body[:250_000]),
		"longer":              chunked(body, body),
		"cut-off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "300000")
			_, _ = w.Write(body[:250_000])
			panic(http.ErrAbortHandler)
		},
	} {
		meta.Set(name, mediatest.GraphSays(meta.Object(name, "video/mp4", mediatest.Digest(body), len(body))), file)
		resp, got, err := mediatest.Fetch(t, http.MethodGet, e.url("/media/"+name))
		if resp.StatusCode != 200 || err == nil || len(got) >= len(body) || !bytes.HasPrefix(body, got) {
			t.Errorf("%s: %d, %d bytes, %v", name, resp.StatusCode, len(got), err)
		}
	}

	// Without a size and without a length, the limit is found on the way.
	large := mediatest.Picture(1<<20 + 1)
	meta.Set("unknown-size", mediatest.GraphSays(meta.Object("unknown-size", "video/mp4", mediatest.Digest(large), nil)), chunked(large))
	if resp, got, err := mediatest.Fetch(t, http.MethodGet, e.url("/media/unknown-size")); err == nil || len(got) > 1<<20 {
		t.Errorf("over max_size: %d, %d bytes", resp.StatusCode, len(got))
	}
	for name, size := range map[string]any{"known-size": len(large), "unknown-length": nil} {
		meta.Set(name, mediatest.GraphSays(meta.Object(name, "video/mp4", mediatest.Digest(large), size)), mediatest.ServeFile(large))
		meta.Took()
		resp, text := mediatest.Sentence(t, e.url("/media/"+name))
		if took := meta.Took(); resp.StatusCode != 502 || !strings.Contains(text, "max_size") || size != nil && len(took) != 1 {
			t.Errorf("%s: %d %s, Meta was asked %v", name, resp.StatusCode, text, took)
		}
	}
	exact := large[:1<<20]
	meta.Add("exact", "video/mp4", exact)
	if resp, got, err := mediatest.Fetch(t, http.MethodGet, e.url("/media/exact")); err != nil || !bytes.Equal(got, exact) {
		t.Errorf("of max_size: %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
	meta.Add("empty", "text/plain", nil)
	if resp, got, err := mediatest.Fetch(t, http.MethodGet, e.url("/media/empty")); err != nil || resp.StatusCode != 200 || len(got) != 0 ||
		resp.Header.Get("Content-Length") != "0" {
		t.Errorf("empty: %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
}

// TestMediaMetrics counts by tenant and outcome alone.
func TestMediaMetrics(t *testing.T) {
	meta := mediatest.New(t)
	meta.Add("1", "image/jpeg", mediatest.Picture(1234))
	caddyfile := strings.Replace(strings.ReplaceAll(mediaSite(meta.URL, "access_token "+mediatest.MetaToken), "tenant acme",
		"tenant counted"), "\trespond", "\troute /metrics {\n\t\tmetrics\n\t}\n\trespond", 1)
	e := startEdge(t, caddyfile)
	mediatest.Fetch(t, http.MethodGet, e.url("/media/1"))
	if err := e.load(caddyfile); err != nil {
		t.Fatal(err)
	}
	mediatest.Fetch(t, http.MethodGet, e.url("/media/1"), mediatest.With("Range", "bytes=0-5"))
	mediatest.Fetch(t, http.MethodGet, e.url("/media/2"))
	mediatest.Fetch(t, http.MethodGet, e.url("/media/1"), mediatest.With("Authorization", "x"))
	_, text, _ := mediatest.Fetch(t, http.MethodGet, e.url("/metrics"))
	for _, line := range []string{
		`leadgate_media_requests_total{outcome="ok",tenant="counted"} 2`,
		`leadgate_media_requests_total{outcome="not_found",tenant="counted"} 1`,
		`leadgate_media_requests_total{outcome="unauthorized",tenant="counted"} 1`,
		`leadgate_media_bytes_total{tenant="counted"} 1240`,
	} {
		if !bytes.Contains(text, []byte(line+"\n")) {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

// TestMediaTokenRenewed reads the token's file again after a 190.
func TestMediaTokenRenewed(t *testing.T) {
	meta := mediatest.New(t)
	meta.Add("1", "image/jpeg", mediatest.Picture(10))
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("EAAG_old")
	e := startEdge(t, mediaSite(meta.URL, "access_token {file."+file+"}"))
	resp, text := mediatest.Sentence(t, e.url("/media/1"))
	if took := meta.Took(); resp.StatusCode != 502 || !strings.Contains(text, "190/463") || !strings.Contains(text, "expired") ||
		strings.Contains(text, "EAAG") || len(took) != 1 {
		t.Errorf("%d %s, Meta was asked %v", resp.StatusCode, text, took)
	}
	write(mediatest.MetaToken)
	for range 2 {
		if resp, _, err := mediatest.Fetch(t, http.MethodGet, e.url("/media/1")); err != nil || resp.StatusCode != 200 {
			t.Errorf("with the new token: %d, %v", resp.StatusCode, err)
		}
	}
	if took := meta.Took(); len(took) != 4 {
		t.Errorf("Meta was asked %v", took)
	}
	// The file is gone or empty: what was read last stays.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	meta.SetToken("EAAG_newest")
	if resp, text := mediatest.Sentence(t, e.url("/media/1")); resp.StatusCode != 502 {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}
