package caddymodule

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestMedia is a whole file behind a real Caddy: headers, ranges, conditions.
func TestMedia(t *testing.T) {
	meta := newFakeMedia(t)
	e := startEdge(t, mediaSite(meta.URL, "access_token "+metaToken))
	body := picture(200_000)
	meta.add("1013859600285441", "image/jpeg", body)
	url := e.url("/media/1013859600285441")

	resp, got, err := fetch(t, http.MethodGet, url)
	if err != nil || resp.StatusCode != 200 || !bytes.Equal(got, body) {
		t.Fatalf("%d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
	if took := meta.took(); !slices.Equal(took, []string{"GET /v27.0/1013859600285441", "GET /files/1013859600285441"}) {
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
		{"a part", "GET", []func(*http.Request){with("Range", "bytes=100-299")}, 206, body[100:300], "bytes 100-299/200000", []string{"GET /files/1013859600285441"}},
		{"the end", "GET", []func(*http.Request){with("Range", "bytes=-5")}, 206, body[199_995:], "bytes 199995-199999/200000", []string{"GET /files/1013859600285441"}},
		{"a part of the same file", "GET", []func(*http.Request){with("Range", "bytes=0-0"), with("If-Range", tag)}, 206, body[:1], "bytes 0-0/200000", []string{"GET /files/1013859600285441"}},
		{"a part of another file", "GET", []func(*http.Request){with("Range", "bytes=0-0"), with("If-Range", `"other"`)}, 200, body, "", []string{"GET /files/1013859600285441"}},
		{"two parts", "GET", []func(*http.Request){with("Range", "bytes=0-0,5-6")}, 200, body, "", []string{"GET /files/1013859600285441"}},
		{"beyond the end", "GET", []func(*http.Request){with("Range", "bytes=200000-")}, 416, nil, "bytes */200000", []string{"GET /files/1013859600285441"}},
		{"HEAD", "HEAD", nil, 200, nil, "", []string{"HEAD /files/1013859600285441"}},
		{"not modified", "GET", []func(*http.Request){with("If-None-Match", `"x", W/`+tag)}, 304, nil, "", nil},
		{"modified", "GET", []func(*http.Request){with("If-None-Match", `"x"`)}, 200, body, "", []string{"GET /files/1013859600285441"}},
	} {
		resp, got, err := fetch(t, c.method, url, c.edit...)
		if err != nil || resp.StatusCode != c.status || !bytes.Equal(got, c.body) || resp.Header.Get("Content-Range") != c.contentRange {
			t.Errorf("%s: %d, %d bytes, %s, %v", c.name, resp.StatusCode, len(got), resp.Header.Get("Content-Range"), err)
		}
		if took := meta.took(); !slices.Equal(took, c.asked) {
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
		{"Meta's token", "GET", "/media/1013859600285441", "Bearer " + metaToken, 401},
		{"token without scheme", "GET", "/media/1013859600285441", crmToken, 401},
		{"no token, no id", "GET", "/media/", "", 401},
		{"POST", "POST", "/media/1013859600285441", "Bearer " + crmToken, 405},
		{"DELETE", "DELETE", "/media/1013859600285441", "Bearer " + crmToken, 405},
		{"no id", "GET", "/media/", "Bearer " + crmToken, 400},
		{"a query in the id", "GET", "/media/1%3Ffields=x", "Bearer " + crmToken, 400},
		{"dots", "GET", "/media/1..2", "Bearer " + crmToken, 400},
		{"a long id", "GET", "/media/" + strings.Repeat("1", 129), "Bearer " + crmToken, 400},
		{"unknown id", "GET", "/media/2", "bearer " + crmToken, 404},
		{"another token", "HEAD", "/media/1013859600285441", "Bearer another_token", 200},
		{"a third token", "HEAD", "/media/1013859600285441", "Bearer  a_third_token", 200},
	} {
		resp, _, _ := fetch(t, c.method, e.url(c.path), func(r *http.Request) {
			r.Header.Set("Authorization", c.token)
		})
		if resp.StatusCode != c.status || resp.StatusCode == 405 && resp.Header.Get("Allow") != "GET, HEAD" || resp.StatusCode == 401 && resp.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %v, want %d", c.name, resp.StatusCode, resp.Header, c.status)
		}
	}
	if took := meta.took(); !slices.Equal(took, []string{"GET /v27.0/2", "HEAD /files/1013859600285441", "HEAD /files/1013859600285441"}) {
		t.Errorf("Meta was asked %v", took)
	}
}

// TestMediaTypes looks at what a browser is told to do with a file.
func TestMediaTypes(t *testing.T) {
	meta := newFakeMedia(t)
	s := newMediaServer(t, meta.URL)
	for i, c := range []struct{ mime, contentType, disposition string }{
		{"audio/ogg; codecs=opus", "audio/ogg; codecs=opus", `inline; filename="%s.ogg"`},
		{"video/mp4", "video/mp4", `inline; filename="%s.mp4"`},
		{"application/pdf", "application/pdf", `inline; filename="%s.pdf"`},
		{"application/msword", "application/msword", `attachment; filename="%s.doc"`},
		{"text/html", "text/html", `attachment; filename="%s"`},
		{"image/svg+xml", "image/svg+xml", `attachment; filename="%s"`},
		{"application/xhtml+xml", "application/xhtml+xml", `attachment; filename="%s"`},
		{"", "application/octet-stream", `attachment; filename="%s"`},
		{"text/html\r\nX-Evil: 1", "application/octet-stream", `attachment; filename="%s"`},
	} {
		id := fmt.Sprint("type-", i)
		meta.add(id, c.mime, []byte("<script>"))
		resp, _, err := fetch(t, http.MethodGet, s.URL+"/"+id)
		h := resp.Header
		if want := fmt.Sprintf(c.disposition, id); err != nil || resp.StatusCode != 200 || h.Get("Content-Type") != c.contentType || h.Get("Content-Disposition") != want || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v %v", c.mime, resp.StatusCode, h, err)
		}
		if sandboxed := h.Get("Content-Security-Policy") != ""; sandboxed != strings.HasPrefix(c.disposition, "attachment") {
			t.Errorf("%s: Content-Security-Policy %q", c.mime, h.Get("Content-Security-Policy"))
		}
	}
}

// TestMediaDigests reads both forms of the digest, and sizes as text.
func TestMediaDigests(t *testing.T) {
	meta := newFakeMedia(t)
	s := newMediaServer(t, meta.URL)
	body := picture(1000)
	other := picture(1001)[1:]
	url64 := strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(base64Digest(body))
	for name, c := range map[string]struct {
		digest string
		size   any
		status int
	}{
		"base64":                  {base64Digest(body), "1000", 200},
		"base64 for URLs":         {url64, 1000, 200},
		"none":                    {"", nil, 200},
		"of another file":         {base64Digest(other), 1000, 502},
		"unreadable, not checked": {"x", 1000, 200},
	} {
		id := strings.NewReplacer(" ", "-", ",", "").Replace(name)
		meta.set(id, graphSays(meta.object(id, "image/png", c.digest, c.size)), serveFile(body))
		resp, got, err := fetch(t, http.MethodGet, s.URL+"/"+id)
		if err != nil || resp.StatusCode != c.status || c.status == 200 && !bytes.Equal(got, body) {
			t.Errorf("%s: %d, %d bytes, %v", name, resp.StatusCode, len(got), err)
		}
		if checked := parseSHA256(c.digest) != nil && c.status == 200; checked != (resp.Header.Get("ETag") != "") {
			t.Errorf("%s: ETag %q", name, resp.Header.Get("ETag"))
		}
	}
}

// TestMediaBroken breaks files in ways that show only after a part has been
// sent: the client must see that, and never gets the end.
func TestMediaBroken(t *testing.T) {
	meta := newFakeMedia(t)
	e := startEdge(t, mediaSite(meta.URL, "access_token "+metaToken+"\n\t\tmax_size 1MiB"))
	body := picture(300_000)
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
		"changed":             serveFile(changed),
		"changed-and-chunked": chunked(changed),
		"shorter":             chunked(body[:250_000]),
		"longer":              chunked(body, body),
		"cut-off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "300000")
			_, _ = w.Write(body[:250_000])
			panic(http.ErrAbortHandler)
		},
	} {
		meta.set(name, graphSays(meta.object(name, "video/mp4", base64Digest(body), len(body))), file)
		resp, got, err := fetch(t, http.MethodGet, e.url("/media/"+name))
		if resp.StatusCode != 200 || err == nil || len(got) >= len(body) || !bytes.HasPrefix(body, got) {
			t.Errorf("%s: %d, %d bytes, %v", name, resp.StatusCode, len(got), err)
		}
	}

	// Without a size and without a length, the limit is found on the way.
	large := picture(1<<20 + 1)
	meta.set("unknown-size", graphSays(meta.object("unknown-size", "video/mp4", base64Digest(large), nil)), chunked(large))
	if resp, got, err := fetch(t, http.MethodGet, e.url("/media/unknown-size")); err == nil || len(got) > 1<<20 {
		t.Errorf("over max_size: %d, %d bytes", resp.StatusCode, len(got))
	}
	for name, size := range map[string]any{"known-size": len(large), "unknown-length": nil} {
		meta.set(name, graphSays(meta.object(name, "video/mp4", base64Digest(large), size)), serveFile(large))
		meta.took()
		resp, text := sentence(t, e.url("/media/"+name))
		if took := meta.took(); resp.StatusCode != 502 || !strings.Contains(text, "max_size") || size != nil && len(took) != 1 {
			t.Errorf("%s: %d %s, Meta was asked %v", name, resp.StatusCode, text, took)
		}
	}
	exact := large[:1<<20]
	meta.add("exact", "video/mp4", exact)
	if resp, got, err := fetch(t, http.MethodGet, e.url("/media/exact")); err != nil || !bytes.Equal(got, exact) {
		t.Errorf("of max_size: %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
	meta.add("empty", "text/plain", nil)
	if resp, got, err := fetch(t, http.MethodGet, e.url("/media/empty")); err != nil || resp.StatusCode != 200 || len(got) != 0 || resp.Header.Get("Content-Length") != "0" {
		t.Errorf("empty: %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
}

// TestMediaMetrics counts by tenant and outcome alone.
func TestMediaMetrics(t *testing.T) {
	meta := newFakeMedia(t)
	meta.add("1", "image/jpeg", picture(1234))
	caddyfile := strings.Replace(strings.ReplaceAll(mediaSite(meta.URL, "access_token "+metaToken), "tenant acme", "tenant counted"), "\trespond", "\troute /metrics {\n\t\tmetrics\n\t}\n\trespond", 1)
	e := startEdge(t, caddyfile)
	fetch(t, http.MethodGet, e.url("/media/1"))
	if err := e.load(caddyfile); err != nil {
		t.Fatal(err)
	}
	fetch(t, http.MethodGet, e.url("/media/1"), with("Range", "bytes=0-5"))
	fetch(t, http.MethodGet, e.url("/media/2"))
	fetch(t, http.MethodGet, e.url("/media/1"), with("Authorization", "x"))
	_, text, _ := fetch(t, http.MethodGet, e.url("/metrics"))
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
