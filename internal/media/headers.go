package media

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"net/http"
	"regexp"
	"strings"
)

// oneRange is a Range header that is passed on; several ranges at once are
// answered with the whole file, as HTTP allows.
var oneRange = regexp.MustCompile(`^bytes=(\d{1,18}-\d{0,18}|-\d{1,18})$`)

// contentRange is what a 206 must carry.
var contentRange = regexp.MustCompile(`^bytes \d{1,18}-\d{1,18}/(\d{1,18}|\*)$`)

// types are the types that WhatsApp knows, from its page on supported
// media, with the extension that a saved file gets.
var types = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif",
	"audio/aac": ".aac", "audio/amr": ".amr", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/ogg": ".ogg", "audio/opus": ".opus",
	"video/mp4": ".mp4", "video/3gpp": ".3gp",
	"application/pdf": ".pdf", "text/plain": ".txt", "text/csv": ".csv",
	"application/msword": ".doc", "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   ".docx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         ".xlsx",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
}

// harmless reports whether a browser may show a type: what can carry no script of
// its own. A customer can send any document, a page of HTML, say, and it would
// run on the edge's own domain.
func harmless(mediaType string) bool {
	kind, _, _ := strings.Cut(mediaType, "/")
	switch {
	case kind == "audio", kind == "video", mediaType == "application/pdf", mediaType == "text/plain":
		return true
	}
	return kind == "image" && types[mediaType] != ""
}

// describe sets the headers of an answer with the file in it.
func (m *medium) describe(h http.Header, id string) {
	m.validators(h)
	mediaType, params, err := mime.ParseMediaType(m.mime)
	full := mime.FormatMediaType(mediaType, params)
	if err != nil || full == "" {
		mediaType, full = "application/octet-stream", "application/octet-stream"
	}
	disposition := "attachment"
	if harmless(mediaType) {
		disposition = "inline"
	} else {
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	}
	h.Set("Content-Type", full)
	// The id has no character that would need quoting; the customer's own name
	// for the file is in the unified event.
	h.Set("Content-Disposition", disposition+`; filename="`+id+types[mediaType]+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
}

// validators sets what a client needs to ask again for less.
func (m *medium) validators(h http.Header) {
	if tag := m.etag(); tag != "" {
		h.Set("ETag", tag)
	}
	h.Set("Cache-Control", "private, no-cache")
}

// etag is the file's own digest, "" where it is not known.
func (m *medium) etag() string {
	if m.sha256 == nil {
		return ""
	}
	return `"` + hex.EncodeToString(m.sha256) + `"`
}

// parseSHA256 reads a digest as hex, which the Graph API gives, or as base64,
// which webhooks do; nil where it is neither.
func parseSHA256(s string) []byte {
	if b, err := hex.DecodeString(s); err == nil && len(b) == sha256.Size {
		return b
	}
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	if b, err := base64.RawStdEncoding.DecodeString(s); err == nil && len(b) == sha256.Size {
		return b
	}
	return nil
}

// rangeOf is the Range header to pass on, "" for the whole file. If-Range asks
// for the whole where the part that the client has is of another file.
func rangeOf(r *http.Request, etag string) string {
	byteRange := r.Header.Get("Range")
	if r.Method != http.MethodGet || !oneRange.MatchString(byteRange) {
		return ""
	}
	if own := r.Header.Get("If-Range"); own != "" && (etag == "" || own != etag) {
		return ""
	}
	return byteRange
}

// matches reports whether an If-None-Match names the file.
func matches(header, etag string) bool {
	if etag == "" {
		return false
	}
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}
