package googletest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/fake"
)

// User is a credential of type authorized_user.
type User struct{ Secret, RefreshToken string }

// Scope is what a token needs for this API.
const Scope = "https://www.googleapis.com/auth/datamanager"

const (
	assertionGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	lifetime       = time.Hour
	leeway         = 60 * time.Second
)

// token is an access token that was given out.
type token struct {
	ends   time.Time
	scopes []string
}

// ServiceAccount is the e-mail address of the key that KeyFile makes.
const ServiceAccount = "leadgate@example-project.iam.gserviceaccount.com"

// KeyFile makes a service account whose signature the server checks, and returns its key
// file, for a server that New made. Every call gives the same key.
func (s *Server) KeyFile(t fake.TB) []byte {
	t.Helper()
	file, err := s.NewKey(s.url + "/token")
	if err != nil {
		t.Fatalf("making a key: %v", err)
	}
	return file
}

// NewKey is KeyFile for a server anywhere: tokenURL is its /token.
func (s *Server) NewKey(tokenURL string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signer == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		s.signer = key
		if s.Keys == nil {
			s.Keys = make(map[string]*rsa.PublicKey)
		}
		s.Keys[ServiceAccount] = &key.PublicKey
	}
	der, err := x509.MarshalPKCS8PrivateKey(s.signer)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": "example-project", "private_key_id": "0123456789abcdef0123456789abcdef01234567",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": ServiceAccount, "client_id": "123456789012345678901", "token_uri": tokenURL,
	}, "", "  ")
}

// ExpireTokens makes all access tokens ones that have ended.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.tokens {
		s.tokens[name] = token{}
	}
}

// oauthError is a refusal of the token endpoint.
type oauthError struct {
	http        int
	code, words string
}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	scopes, fail := s.grant(r)
	if fail != nil {
		fake.WriteJSON(w, fail.http, map[string]string{"error": fail.code, "error_description": fail.words})
		return
	}
	name := "ya29.fake-" + rand.Text()
	s.mu.Lock()
	if s.tokens == nil {
		s.tokens = make(map[string]token)
	}
	s.tokens[name] = token{ends: time.Now().Add(lifetime), scopes: scopes}
	s.minted++
	s.mu.Unlock()
	fake.WriteJSON(w, http.StatusOK, map[string]any{"access_token": name, "expires_in": int(lifetime.Seconds()) - 1, "token_type": "Bearer"})
}

// grant checks a request for a token, and returns the scopes that it gets.
func (s *Server) grant(r *http.Request) ([]string, *oauthError) {
	invalid := func(code, format string, args ...any) ([]string, *oauthError) {
		return nil, &oauthError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" {
		return invalid("invalid_request", "no POST of a form")
	}
	r.Body = http.MaxBytesReader(nil, r.Body, 1<<16)
	if err := r.ParseForm(); err != nil {
		return invalid("invalid_request", "the form cannot be read")
	}
	switch grant := r.PostForm.Get("grant_type"); grant {
	case "refresh_token":
		return s.grantUser(r.PostForm)
	case assertionGrant:
		return s.grantAccount(r, r.PostForm.Get("assertion"))
	default:
		return invalid("unsupported_grant_type", "grant_type %q", grant)
	}
}

func (s *Server) grantUser(form url.Values) ([]string, *oauthError) {
	if form.Get("client_id") == "" || form.Get("refresh_token") == "" {
		return nil, &oauthError{http.StatusBadRequest, "invalid_request", "client_id or refresh_token is missing"}
	}
	if s.Users == nil {
		return []string{Scope}, nil
	}
	u, known := s.Users[form.Get("client_id")]
	switch {
	case !known || u.Secret != form.Get("client_secret"):
		return nil, &oauthError{http.StatusUnauthorized, "invalid_client", "The OAuth client was not found."}
	case u.RefreshToken != form.Get("refresh_token"):
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", "Token has been expired or revoked."}
	}
	return []string{Scope}, nil
}

// claims are those of an assertion; others are refused.
type claims struct {
	Iss   string `json:"iss"`
	Scope string `json:"scope"`
	Aud   string `json:"aud"`
	Exp   int64  `json:"exp"`
	Iat   int64  `json:"iat"`
}

// grantAccount checks a service account's assertion, by the real clock.
func (s *Server) grantAccount(r *http.Request, assertion string) ([]string, *oauthError) {
	invalid := func(format string, args ...any) ([]string, *oauthError) {
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", fmt.Sprintf(format, args...)}
	}
	c, problem := s.readAssertion(assertion)
	if problem != "" {
		return invalid("%s", problem)
	}
	now := time.Now()
	issued, ends := time.Unix(c.Iat, 0), time.Unix(c.Exp, 0)
	switch {
	case c.Aud != "http://"+r.Host+r.URL.Path && c.Aud != "https://"+r.Host+r.URL.Path:
		return invalid("aud is %q", c.Aud)
	case ends.Sub(issued) > time.Hour || !ends.After(issued):
		return invalid("exp must be at most an hour after iat")
	case issued.After(now.Add(leeway)), ends.Before(now.Add(-leeway)):
		return invalid("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
	}
	scopes := strings.Fields(c.Scope)
	for _, scope := range scopes {
		if !strings.HasPrefix(scope, "https://www.googleapis.com/auth/") {
			return nil, &oauthError{http.StatusBadRequest, "invalid_scope", "Invalid OAuth scope or ID token audience provided."}
		}
	}
	if len(scopes) == 0 {
		return nil, &oauthError{http.StatusBadRequest, "invalid_scope", "Empty or missing scope not allowed."}
	}
	return scopes, nil
}

// readAssertion takes a JWT apart and checks its signature.
func (s *Server) readAssertion(assertion string) (c claims, problem string) {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return c, "the assertion is no JWT"
	}
	var header struct{ Alg, Typ, Kid string }
	for i, into := range []any{&header, &c} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return c, "the assertion is no base64url"
		}
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			return c, "the assertion has other members than a service account's: " + err.Error()
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || header.Alg != "RS256" || header.Typ != "JWT" || header.Kid == "" {
		return c, "the assertion is not signed by RS256 with a kid"
	}
	if s.Keys == nil {
		if c.Iss == "" {
			return c, "Invalid issuer"
		}
		return c, ""
	}
	key, known := s.Keys[c.Iss]
	if !known {
		return c, "Invalid grant: account not found"
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil {
		return c, "Invalid JWT Signature."
	}
	return c, ""
}

// checkToken refuses a request without a good access token.
func (s *Server) checkToken(r *http.Request) *Error {
	unauthenticated := func(reason, message string) *Error {
		return &Error{HTTP: 401, Status: "UNAUTHENTICATED", Message: message, Reason: reason, Domain: "googleapis.com"}
	}
	name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || name == "" {
		return unauthenticated("CREDENTIALS_MISSING", "Request is missing required authentication credential.")
	}
	s.mu.Lock()
	t, known := s.tokens[name]
	s.mu.Unlock()
	switch {
	case !known:
		return unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED", "Request had invalid authentication credentials.")
	case t.ends.Before(time.Now()):
		return unauthenticated("ACCESS_TOKEN_EXPIRED", "Request had invalid authentication credentials.")
	case !slices.Contains(t.scopes, Scope):
		return &Error{HTTP: 403, Status: "PERMISSION_DENIED", Message: "Request had insufficient authentication scopes.",
			Reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT", Domain: "googleapis.com"}
	}
	return nil
}
