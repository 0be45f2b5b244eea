package caddymodule

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Token is a secret that a provider without signatures sends along.
type Token struct {
	// Where it stands: header or query.
	In string `json:"in"`

	// The header's or query parameter's name.
	Name string `json:"name"`

	// The values that are right; any may match. Placeholders are replaced at load.
	Values []string `json:"values"`
}

// Tokens verifies webhooks by a token in a header or in the query.
type Tokens struct {
	// The tokens; a webhook needs one that is right.
	Tokens []Token `json:"tokens,omitempty"`

	// Take every request for the provider's. Anybody can then post events.
	InsecureSkipVerify bool `json:"insecure_skip_verify,omitempty"`

	known  []knownToken
	places []TokenPlace
}

// knownToken is a token's digests: comparing digests takes the same time
// whatever the length of what was sent.
type knownToken struct {
	header  bool
	name    string
	digests [][sha256.Size]byte
}

// TokenPlaces are where the tokens stand.
func (t *Tokens) TokenPlaces() []TokenPlace { return t.places }

// stripTokens takes the tokens out of a request that goes on to the next handler,
// which need not know them. All else stays as it came.
func stripTokens(r *http.Request, places []TokenPlace) {
	before := r.URL.RawQuery
	for _, p := range places {
		if p.Query {
			r.URL.RawQuery = withoutParameter(r.URL.RawQuery, p.Name)
		} else {
			r.Header.Del(p.Name)
		}
	}
	if r.URL.RawQuery != before {
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

// SkipsVerification reports insecure_skip_verify.
func (t *Tokens) SkipsVerification() bool { return t.InsecureSkipVerify }

func (t *Tokens) provision(provider string) error {
	repl := caddy.NewReplacer()
	for _, token := range t.Tokens {
		where := fmt.Sprintf("provider %s: token %s %s", provider, token.In, token.Name)
		if !slices.Contains(tokenPlaces, token.In) || token.Name == "" || len(token.Values) == 0 {
			return fmt.Errorf("%s: write `token header <name> <value>` or `token query <name> <value>`", where)
		}
		if token.In == "header" && strings.Trim(token.Name, fieldLetters) != "" {
			return fmt.Errorf("%s: %s", where, headerProblem(token.Name, ""))
		}
		known := knownToken{header: token.In == "header", name: token.Name}
		for _, v := range token.Values {
			v, err := replaceText(repl, where, v)
			if err != nil {
				return err
			}
			if isScheme(strings.TrimSpace(v)) {
				return fmt.Errorf("%s: the value is the word %s alone, without a token after it", where, strings.TrimSpace(v))
			}
			known.digests = append(known.digests, sha256.Sum256([]byte(v)))
		}
		t.known = append(t.known, known)
		t.places = append(t.places, TokenPlace{Query: !known.header, Name: known.name})
	}
	return nil
}

// authSchemes are words that stand before a secret and are none.
var authSchemes = []string{"Bearer", "Basic", "Token"}

var tokenPlaces = []string{"header", "query"}

// verify looks for a right token.
func (t *Tokens) verify(r *http.Request) error {
	if t.InsecureSkipVerify {
		return nil
	}
	var query url.Values
	found, right := false, false
	for i := range t.known {
		k := &t.known[i]
		var given []string
		if k.header {
			given = r.Header.Values(k.name)
		} else {
			if query == nil {
				query = r.URL.Query()
			}
			given = query[k.name]
		}
		for _, g := range given {
			found = true
			digest := sha256.Sum256([]byte(g))
			for j := range k.digests {
				if subtle.ConstantTimeCompare(digest[:], k.digests[j][:]) == 1 {
					right = true
				}
			}
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

var errNoToken = errors.New("the request carries no token")

// parseOption reads one option of a token provider; ok is false for others.
func (t *Tokens) parseOption(d *caddyfile.Dispenser) (ok bool, err error) {
	switch d.Val() {
	case "token":
		args, err := literals(d)
		if err != nil {
			return true, err
		}
		if len(args) < 3 || !slices.Contains(tokenPlaces, args[0]) {
			return true, d.Err("token needs a place, a name and a value: write `token header Authorization \"Bearer {env.TOKEN}\"` or `token query token {env.TOKEN}`")
		}
		t.Tokens = append(t.Tokens, Token{In: args[0], Name: args[1], Values: args[2:]})
		return true, nil
	case "insecure_skip_verify":
		if err := noValue(d); err != nil {
			return true, err
		}
		t.InsecureSkipVerify = true
		return true, nil
	}
	return false, nil
}

// unmarshal reads the block of a provider that has no options but these.
func (t *Tokens) unmarshal(d *caddyfile.Dispenser) error {
	d.Next()
	name := d.Val()
	if err := noValue(d); err != nil {
		return err
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		ok, err := t.parseOption(d)
		if err != nil {
			return err
		}
		if !ok {
			return unknownOption(d, "provider "+name)
		}
	}
	if err := t.validate(name); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (t *Tokens) validate(provider string) error {
	if len(t.Tokens) == 0 && !t.InsecureSkipVerify {
		return fmt.Errorf("provider %s needs a token: write `token header Authorization \"Bearer {env.TOKEN}\"` or `token query token {env.TOKEN}`, and set the same at the provider", provider)
	}
	return nil
}

// signWithToken sends a token the ways that it is usually checked.
func signWithToken(r *http.Request, token string) {
	r.Header.Set("Authorization", "Bearer "+token)
	query := r.URL.Query()
	query.Set("token", token)
	r.URL.RawQuery = query.Encode()
}
