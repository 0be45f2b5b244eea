package setupfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/graphfake"
)

var (
	path = regexp.MustCompile(`^/v[1-9][0-9]?\.[0-9]/(debug_token|me/accounts|([^/]+)/` +
		`(phone_numbers|subscribed_apps|dataset|subscriptions))$`)
	digits = regexp.MustCompile(`^[0-9]{1,20}$`)
)

// ServeHTTP answers like the Graph API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := path.FindStringSubmatch(r.URL.Path)
	if parts == nil {
		if s.Next != nil {
			s.Next.ServeHTTP(w, r)
			return
		}
		graphfake.Refuse(w, &Refusal{Status: 400, Code: 2500, Message: "Unknown path components"})
		return
	}
	who, no := s.who(r)
	if s.Refuse != nil {
		if other := s.Refuse(r); other != nil {
			no = other
		}
	}
	if no != nil {
		graphfake.Refuse(w, no)
		return
	}
	var out any
	switch edge := parts[3]; {
	case parts[1] == "debug_token":
		out, no = s.debug(r, who)
	case parts[1] == "me/accounts":
		out, no = s.accounts(r, who)
	case !digits.MatchString(parts[2]):
		no = graphfake.NoAlias(parts[2])
	case edge == "subscriptions":
		out, no = s.appSubscriptions(r, who, parts[2])
	case edge == "phone_numbers":
		out, no = s.numbers(r, who, parts[2])
	case edge == "dataset":
		out, no = s.dataset(r, who, parts[2])
	default:
		out, no = s.subscribedApps(r, who, parts[2])
	}
	if no != nil {
		graphfake.Refuse(w, no)
		return
	}
	graphfake.Answer(w, out)
}

// caller is who asks.
type caller struct {
	*Token
	app bool // an app's own token, id|secret
}

// who finds out who asks, and refuses what is asked badly: a token in a URL, where logs would
// have it, a wrong proof, and the dead.
func (s *Server) who(r *http.Request) (caller, *Refusal) {
	text, no := graphfake.Token(r)
	if no != nil {
		return caller{}, no
	}
	if proof := r.URL.Query().Get("appsecret_proof"); proof != "" && s.App.Secret != "" {
		mac := hmac.New(sha256.New, []byte(s.App.Secret))
		mac.Write([]byte(text))
		if proof != hex.EncodeToString(mac.Sum(nil)) {
			return caller{}, &Refusal{Status: 400, Code: 104, Message: "Invalid appsecret_proof provided in the API argument"}
		}
	}
	if id, secret, isApp := strings.Cut(text, "|"); isApp {
		if id != s.App.ID || s.App.Secret != "" && secret != s.App.Secret {
			return caller{}, &Refusal{Status: 400, Code: 190, Message: "Invalid OAuth access token signature."}
		}
		return caller{app: true}, nil
	}
	token := s.token(text)
	if token == nil {
		return caller{}, &Refusal{Status: 401, Code: 190, Subcode: 467, Message: "Invalid OAuth access token - Cannot parse access token"}
	}
	if s.ended(token) {
		return caller{}, graphfake.Expired()
	}
	return caller{Token: token}, nil
}

// token is the one of a text; nil for none.
func (s *Server) token(text string) *Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pages {
		if text == p.Token && text != "" {
			return &Token{Type: "PAGE", Page: p.ID, Scopes: s.allScopes()}
		}
	}
	if s.Tokens == nil {
		return &Token{Type: "SYSTEM_USER", Scopes: s.allScopes()}
	}
	return s.Tokens[text]
}

// allScopes are those of any of the app's tokens: a Page's own token may what the one may that
// it was made with.
func (s *Server) allScopes() (scopes []string) {
	if s.Tokens == nil {
		return everyScope
	}
	for _, t := range s.Tokens {
		scopes = append(scopes, t.Scopes...)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

var everyScope = []string{
	"whatsapp_business_management", "whatsapp_business_messaging", "whatsapp_business_manage_events", "page_events", "instagram_manage_events",
	"instagram_manage_messages", "leads_retrieval", "pages_show_list", "pages_read_engagement", "pages_manage_ads", "pages_manage_metadata",
	"pages_messaging", "ads_management", "ads_read", "business_management",
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Server) ended(t *Token) bool { return !t.ExpiresAt.IsZero() && !s.now().Before(t.ExpiresAt) }

// may refuses what a token has no permission to, or not for an id.
func (c caller) may(id string, scopes ...string) *Refusal {
	if c.app {
		return &Refusal{Status: 400, Code: 10, Message: "(#10) An app's token may not do this"}
	}
	for _, scope := range scopes {
		if !slices.Contains(c.Scopes, scope) {
			return &Refusal{Status: 403, Code: 200, Message: "(#200) Requires " + scope + " permission to manage the object"}
		}
		if targets := c.Targets[scope]; len(targets) > 0 && id != "" && !slices.Contains(targets, id) {
			return graphfake.Missing(id)
		}
	}
	return nil
}

func (s *Server) waba(id string) *WABA {
	for _, w := range s.wabas {
		if w.ID == id {
			return w
		}
	}
	return nil
}

func (s *Server) page(id string) *Page {
	for _, p := range s.pages {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// write notes a request that may change something, and tells of it; s.mu is held.
func (s *Server) write(r *http.Request, what string) {
	_, rest, _ := strings.Cut(r.URL.Path[1:], "/")
	s.writes = append(s.writes, r.Method+" /"+rest)
	if s.Changed != nil {
		s.Changed(what)
	}
}

// only refuses parameters that there are not, of the query and of a form.
func only(r *http.Request, known ...string) (url.Values, *Refusal) {
	if err := r.ParseForm(); err != nil {
		return nil, graphfake.Parameter("the body is no form")
	}
	for name := range r.Form {
		if !slices.Contains(known, name) && name != "appsecret_proof" {
			return nil, graphfake.Parameter("Invalid parameter: " + name)
		}
	}
	return r.Form, nil
}

func method(r *http.Request) *Refusal {
	return graphfake.Parameter("Unsupported " + r.Method + " request")
}

// unix is a time as debug_token has it: seconds, 0 for never.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// number reads a limit.
func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return otherwise
}

var success = map[string]bool{"success": true}
