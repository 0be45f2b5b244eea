package media

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/internal/metrics"
)

// serve answers a request for a media id.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, id string) *failure {
	found, failure := s.meta.find(r.Context(), id, false)
	if failure != nil {
		return failure
	}
	if failure := s.tooLarge(found.size); failure != nil {
		return failure
	}
	if matches(r.Header.Get("If-None-Match"), found.etag()) {
		found.validators(w.Header())
		w.WriteHeader(http.StatusNotModified)
		metrics.Media(s.config.Tenant, "not_modified")
		return nil
	}
	byteRange := rangeOf(r, found.etag())
	f, failure := s.meta.openFile(r.Context(), r.Method, byteRange, found)
	if failure != nil {
		return failure
	}
	if dead(f.StatusCode) {
		// The url has expired, or the token changed: both are asked for again, once.
		f.end()
		if found, failure = s.meta.find(r.Context(), id, true); failure != nil {
			return failure
		}
		if failure := s.tooLarge(found.size); failure != nil {
			return failure
		}
		// The file that the client has a part of may be another one by now.
		byteRange = rangeOf(r, found.etag())
		if f, failure = s.meta.openFile(r.Context(), r.Method, byteRange, found); failure != nil {
			return failure
		}
	}
	defer f.end()
	return s.pass(w, r, id, found, f)
}

// dead reports whether a status may mean that the url's five minutes are over.
func dead(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}

// pass sends on what the file's host has answered.
func (s *Server) pass(w http.ResponseWriter, r *http.Request, id string, found *medium, f *file) *failure {
	switch status := f.StatusCode; {
	case status == http.StatusOK, status == http.StatusPartialContent && r.Method == http.MethodGet:
	case status == http.StatusRequestedRangeNotSatisfiable:
		if found.size >= 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", found.size))
		}
		w.WriteHeader(status)
		metrics.Media(s.config.Tenant, "refused")
		return nil
	case r.Method == http.MethodHead && (status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented):
		// All that HEAD answers stands in Meta's JSON, too.
		found.describe(w.Header(), id)
		if found.size >= 0 {
			w.Header().Set("Content-Length", strconv.FormatInt(found.size, 10))
		}
		w.WriteHeader(http.StatusOK)
		metrics.Media(s.config.Tenant, "ok")
		return nil
	case status == http.StatusNotFound, status == http.StatusGone:
		return &failure{status: http.StatusNotFound, outcome: "not_found", sentence: "Meta no longer has the file"}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return &failure{status: http.StatusBadGateway, outcome: "permission",
			sentence: fmt.Sprintf("the file's host refuses the token (HTTP status %d); %s", status, permissionFix)}
	default:
		return s.meta.strangeFile(f.Response)
	}
	if e := f.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return &failure{status: http.StatusBadGateway, outcome: "corrupt",
			sentence: "the file's host answered with an encoding that was not asked for"}
	}
	partial := f.StatusCode == http.StatusPartialContent
	if partial && (f.Request.Header.Get("Range") == "" || !contentRange.MatchString(f.Header.Get("Content-Range"))) {
		return &failure{status: http.StatusBadGateway, outcome: "corrupt",
			sentence: "the file's host answered with a part that was not asked for, or did not say which it is"}
	}
	length := f.ContentLength
	if length < 0 && !partial {
		length = found.size
	}
	if failure := s.tooLarge(length); failure != nil {
		return failure
	}
	c := &copier{to: w, limit: s.config.MaxSize, length: length}
	c.start = func() {
		h := w.Header()
		found.describe(h, id)
		if partial {
			h.Set("Content-Range", f.Header.Get("Content-Range"))
		}
		if partial || f.Header.Get("Accept-Ranges") == "bytes" {
			h.Set("Accept-Ranges", "bytes")
		}
		if length >= 0 {
			h.Set("Content-Length", strconv.FormatInt(length, 10))
		}
		w.WriteHeader(f.StatusCode)
	}
	if r.Method == http.MethodHead {
		c.start()
		metrics.Media(s.config.Tenant, "ok")
		return nil
	}
	if found.sha256 != nil && !partial {
		c.digest, c.want = sha256.New(), found.sha256
	}
	failure := c.run(f)
	metrics.MediaBytes(s.config.Tenant, c.sent)
	if failure == nil {
		metrics.Media(s.config.Tenant, "ok")
	}
	return failure
}

// strangeFile is the failure of an answer of the file's host that is no file.
func (c *client) strangeFile(resp *http.Response) *failure {
	f := c.strange(resp.StatusCode, resp.Header)
	if f.outcome == "unreachable" && resp.StatusCode < 500 {
		f.sentence = fmt.Sprintf("the file's host answered HTTP status %d; ask again", resp.StatusCode)
	}
	return f
}

func (s *Server) tooLarge(size int64) *failure {
	if size <= s.config.MaxSize {
		return nil
	}
	return tooLarge(s.config.MaxSize)
}
