package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/wording"
)

// Level is how much a token may do. Each may what those before it may.
type Level int

// The levels.
const (
	Read   Level = iota // ask
	Replay              // replay dead letters, too
	All                 // drop, erase, pause and resume, too
)

// Levels are the words for them, in order.
var Levels = []string{"read", "replay", "all"}

func (l Level) String() string { return Levels[l] }

// Route is what is answered on a path; a segment {…} of it stands for any name.
type Route struct {
	Path   string
	Method string
	Level  Level
	answer func(s *Server, w http.ResponseWriter, r *http.Request, name string) error
}

// Routes lists all that there is.
func Routes() []Route { return slices.Clone(routes) }

var routes = []Route{
	{"destinations", http.MethodGet, Read, asAdmin("destinations")},
	{"destinations/{name}/pause", http.MethodPost, All, orderDestination("pause")},
	{"destinations/{name}/resume", http.MethodPost, All, orderDestination("resume")},
	{"dead", http.MethodGet, Read, asAdmin("dead")},
	{"dead/replay", http.MethodPost, Replay, doAsAdmin("dead/replay")},
	{"dead/drop", http.MethodPost, All, doAsAdmin("dead/drop")},
	{"dead/{id}", http.MethodGet, Read, (*Server).letter},
	{"ads", http.MethodGet, Read, asAdmin("ads")},
	{"contacts/show", http.MethodPost, Read, asAdmin("contacts/show")},
	{"contacts/erase", http.MethodPost, All, doAsAdmin("contacts/erase")},
	{"openapi.json", http.MethodGet, Read, (*Server).describe},
}

// asAdmin answers as the admin API does on this path, of the tenant alone.
func asAdmin(path string) func(*Server, http.ResponseWriter, *http.Request, string) error {
	return func(s *Server, w http.ResponseWriter, r *http.Request, _ string) error {
		return s.Edge.Serve(w, withPath(r, "/leadgate/"+path))
	}
}

// doAsAdmin is asAdmin for what changes something, and writes down that it was asked for.
func doAsAdmin(path string) func(*Server, http.ResponseWriter, *http.Request, string) error {
	answer := asAdmin(path)
	return func(s *Server, w http.ResponseWriter, r *http.Request, name string) error {
		s.Logger.Info("leadgate_api action", zap.String("tenant", s.Tenant), zap.String("action", path))
		return answer(s, w, r, name)
	}
}

// orderDestination pauses or resumes the destination of the path.
func orderDestination(action string) func(*Server, http.ResponseWriter, *http.Request, string) error {
	return func(s *Server, w http.ResponseWriter, r *http.Request, name string) error {
		return doAsAdmin("destinations/"+name+"/"+action)(s, w, r, name)
	}
}

// letter answers with one dead letter, whole.
func (s *Server) letter(w http.ResponseWriter, r *http.Request, id string) error {
	if err := admin.OnlyParams(r.URL.RawQuery); err != nil {
		return err
	}
	letter, err := s.Edge.Letter(r.Context(), id)
	if err != nil {
		return err
	}
	return httperr.JSON(w, http.StatusOK, letter)
}

// withPath is the request, for a handler that expects another path.
func withPath(r *http.Request, path string) *http.Request {
	other := new(http.Request)
	*other = *r
	other.URL = new(url.URL)
	*other.URL = *r.URL
	other.URL.Path, other.URL.RawPath = path, ""
	return other
}

// found is a route, and the name that the path has in its place.
type found struct {
	route *Route
	name  string
}

// find finds the route of a request. A path is taken as it was written: what is escaped
// is a part of a name, and there are no empty segments and no dots to climb by.
func (s *Server) find(r *http.Request) (found, error) {
	segments := segmentsOf(r.URL.EscapedPath())
	for _, below := range s.Below {
		if rest, ok := under(segments, segmentsOf(below)); ok {
			if f, ok := match(rest); ok {
				return f, nil
			}
		}
	}
	if len(s.Below) == 0 {
		for i := range segments {
			if f, ok := match(segments[i:]); ok {
				return f, nil
			}
		}
	}
	var paths []string
	for i := range routes {
		paths = append(paths, routes[i].Path)
	}
	return found{}, httperr.WithFix(http.StatusNotFound, "use one of "+strings.Join(paths, ", "), "there is no such route")
}

// segmentsOf are the parts of a path between its slashes, each without escapes.
func segmentsOf(escaped string) []string {
	segments := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, segment := range segments {
		if plain, err := url.PathUnescape(segment); err == nil {
			segments[i] = plain
		}
	}
	if len(segments) == 1 && segments[0] == "" {
		return nil
	}
	return segments
}

// under is what follows a beginning, which Caddy matches in any case.
func under(segments, beginning []string) ([]string, bool) {
	if len(segments) < len(beginning) || !slices.EqualFunc(segments[:len(beginning)], beginning, strings.EqualFold) {
		return nil, false
	}
	return segments[len(beginning):], true
}

// match finds the route that these segments are, of several the one with the fewest names.
func match(segments []string) (found, bool) {
	for i := range routes {
		parts := strings.Split(routes[i].Path, "/")
		if len(parts) != len(segments) {
			continue
		}
		f, ok := found{route: &routes[i]}, true
		for j, part := range parts {
			if part == "{name}" && wording.ValidName(segments[j]) || part == "{id}" && segments[j] != "" {
				f.name = segments[j]
			} else if part != segments[j] {
				ok = false
			}
		}
		if ok {
			return f, true
		}
	}
	return found{}, false
}
