package verify

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// What is wrong with a request that proves nothing.
var (
	ErrNoSignature = errors.New("the request carries no signature")
	errNoToken     = errors.New("the request carries no token")
)

// Place is where in a request a token stands.
type Place struct {
	Query bool   // in the query; else in a header
	Name  string // the parameter's, the header's
}

// Token is a place, and what is right there.
type Token struct {
	Place

	Secrets Secrets
}

// Tokens are the tokens of which one must be right.
type Tokens []Token

// Verify looks for a right token.
func (t Tokens) Verify(r *http.Request) error {
	var query url.Values
	found, right := false, false
	for i := range t {
		var given []string
		if t[i].Query {
			if query == nil {
				query = r.URL.Query()
			}
			given = query[t[i].Name]
		} else {
			given = r.Header.Values(t[i].Name)
		}
		for _, g := range given {
			found = true
			right = t[i].Secrets.Has(g) || right
		}
	}
	switch {
	case right:
		return nil
	case found:
		return errors.New("the token is none of those configured")
	}
	return errNoToken
}

// Strip takes what stands in the place out of a request that goes on to somebody
// who need not know it. All else stays as it came.
func (p Place) Strip(r *http.Request) {
	if !p.Query {
		r.Header.Del(p.Name)
		return
	}
	before := r.URL.RawQuery
	if r.URL.RawQuery = withoutParameter(before, p.Name); r.URL.RawQuery != before {
		r.RequestURI = r.URL.RequestURI()
	}
}

// withoutParameter is a query without the parameters of a name, however they are
// escaped; the others stay byte for byte.
func withoutParameter(query, name string) string {
	kept := make([]string, 0, 4)
	for pair := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(key); err == nil && plain == name {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}

// SignWithToken sends a token the ways that it is usually checked: as a header and
// in the query.
func SignWithToken(r *http.Request, token string) {
	r.Header.Set("Authorization", "Bearer "+token)
	query := r.URL.Query()
	query.Set("token", token)
	r.URL.RawQuery = query.Encode()
}
