package capitest

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/leadgate/leadgate/internal/fake"
)

var datasetPath = regexp.MustCompile(`^/v([0-9]{1,3})\.([0-9]{1,2})/([^/]+)/?$`)

// serveDataset answers a GET of a dataset with the fields that are asked for,
// its id and its name. Scripts are for events, and don't concern it.
func (s *Server) serveDataset(w http.ResponseWriter, r *http.Request, m []string) {
	s.mu.Lock()
	number := s.requests
	s.mu.Unlock()
	if fail := s.checkCaller(r, m, "get"); fail != nil {
		fail.write(w, number)
		return
	}
	fields := r.URL.Query().Get("fields")
	if fields == "" {
		fields = "name"
	}
	node := map[string]string{"id": m[3]} // always there, whatever is asked for
	for field := range strings.SplitSeq(fields, ",") {
		switch strings.TrimSpace(field) {
		case "id":
		case "name":
			node["name"] = "Dataset " + m[3]
		default:
			(&Error{Code: 100, Message: "(#100) Tried accessing nonexisting field (" + field + ")"}).write(w, number)
			return
		}
	}
	fake.WriteJSON(w, http.StatusOK, node)
}
