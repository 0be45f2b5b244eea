package media

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/media/mediatest"
)

// TestMediaTypes looks at what a browser is told to do with a file.
func TestMediaTypes(t *testing.T) {
	meta := mediatest.New(t)
	s := startServer(t, meta.URL)
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
		meta.Add(id, c.mime, []byte("<script>"))
		resp, _, err := mediatest.Fetch(t, http.MethodGet, s.URL+"/"+id)
		h := resp.Header
		if want := fmt.Sprintf(c.disposition, id); err != nil || resp.StatusCode != 200 ||
			h.Get("Content-Type") != c.contentType || h.Get("Content-Disposition") != want || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v %v", c.mime, resp.StatusCode, h, err)
		}
		if sandboxed := h.Get("Content-Security-Policy") != ""; sandboxed != strings.HasPrefix(c.disposition, "attachment") {
			t.Errorf("%s: Content-Security-Policy %q", c.mime, h.Get("Content-Security-Policy"))
		}
	}
}

// TestMediaDigests reads both forms of the digest, and sizes as text.
func TestMediaDigests(t *testing.T) {
	meta := mediatest.New(t)
	s := startServer(t, meta.URL)
	body := mediatest.Picture(1000)
	other := mediatest.Picture(1001)[1:]
	url64 := strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(mediatest.Digest(body))
	for name, c := range map[string]struct {
		digest string
		size   any
		status int
	}{
		"base64":                  {mediatest.Digest(body), "1000", 200},
		"base64 for URLs":         {url64, 1000, 200},
		"none":                    {"", nil, 200},
		"of another file":         {mediatest.Digest(other), 1000, 502},
		"unreadable, not checked": {"x", 1000, 200},
	} {
		id := strings.NewReplacer(" ", "-", ",", "").Replace(name)
		meta.Set(id, mediatest.GraphSays(meta.Object(id, "image/png", c.digest, c.size)), mediatest.ServeFile(body))
		resp, got, err := mediatest.Fetch(t, http.MethodGet, s.URL+"/"+id)
		if err != nil || resp.StatusCode != c.status || c.status == 200 && !bytes.Equal(got, body) {
			t.Errorf("%s: %d, %d bytes, %v", name, resp.StatusCode, len(got), err)
		}
		if checked := parseSHA256(c.digest) != nil && c.status == 200; checked != (resp.Header.Get("ETag") != "") {
			t.Errorf("%s: ETag %q", name, resp.Header.Get("ETag"))
		}
	}
}
