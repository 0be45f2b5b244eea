package google

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/hosts"
)

// Scope is what a token is asked for.
const Scope = "https://www.googleapis.com/auth/datamanager"

// GoogleTokenURL is where tokens are, unless the key says otherwise.
const GoogleTokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an address

// tokenURLs are where keys of Google's send the caller.
var tokenURLs = []string{GoogleTokenURL, "https://accounts.google.com/o/oauth2/token", "https://www.googleapis.com/oauth2/v4/token",
	"https://www.googleapis.com/oauth2/v3/token"}

// Key is a credential: a service account's key, or a user's refresh token. No text that
// it gives holds a secret, and it has no JSON.
type Key struct {
	user                      bool // authorized_user; else service_account
	email, keyID, pem         string
	clientID, secret, refresh string
	tokenURL, project         string
}

// keyFile is the credential file, as Google's console and gcloud write it.
type keyFile struct {
	Type           string `json:"type"`
	ClientEmail    string `json:"client_email"`
	PrivateKeyID   string `json:"private_key_id"`
	PrivateKey     string `json:"private_key"`
	TokenURI       string `json:"token_uri"`
	ClientID       string `json:"client_id"`
	ClientSecret   string `json:"client_secret"`
	RefreshToken   string `json:"refresh_token"`
	QuotaProjectID string `json:"quota_project_id"`
}

// ParseKey reads a credential file: of a service account (type service_account), or of a
// user (authorized_user). Its error is a sentence that quotes nothing of the file.
func ParseKey(file []byte) (*Key, error) {
	var k keyFile
	if err := json.Unmarshal(file, &k); err != nil {
		return nil, errors.New("the credentials are no JSON: they are the content of the key's file, as the Google Cloud console gives it")
	}
	key := &Key{email: k.ClientEmail, keyID: k.PrivateKeyID, pem: k.PrivateKey, clientID: k.ClientID, secret: k.ClientSecret,
		refresh: k.RefreshToken, tokenURL: k.TokenURI, project: k.QuotaProjectID}
	if key.tokenURL == "" {
		key.tokenURL = GoogleTokenURL
	}
	if u, err := url.Parse(key.tokenURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil ||
		hosts.Odd(u.Hostname()) || hosts.ForbiddenHost(u.Hostname()) {
		return nil, errors.New("the credentials' token_uri is no address that a secret may be sent to: Google's is " + GoogleTokenURL)
	}
	switch k.Type {
	case "service_account":
		return key, key.checkServiceAccount()
	case "authorized_user":
		key.user = true
		if k.ClientID == "" || k.ClientSecret == "" || k.RefreshToken == "" {
			return nil, errors.New("the credentials of an authorized_user need client_id, client_secret and refresh_token")
		}
		return key, nil
	case "":
		return nil, errors.New("the credentials have no type: they are a service account's key (service_account), or authorized_user")
	}
	return nil, fmt.Errorf("the credentials are of type %.40q: use a service account's key (service_account), or authorized_user", k.Type)
}

func (k *Key) checkServiceAccount() error {
	if k.email == "" || k.pem == "" {
		return errors.New("the credentials of a service_account need client_email and private_key")
	}
	block, _ := pem.Decode([]byte(k.pem))
	if block == nil {
		return errors.New("the credentials' private_key is no PEM: the file must be as the Google Cloud console gave it, with \\n in it")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return errors.New("the credentials' private_key cannot be read: make a new key, of type JSON")
		}
	}
	if _, ok := parsed.(*rsa.PrivateKey); !ok {
		return errors.New("the credentials' private_key is no RSA key: make a new key, of type JSON")
	}
	return nil
}

// Account is whose the credential is, for logs: a service account's e-mail address, else
// "authorized_user".
func (k *Key) Account() string {
	if k.user {
		return "authorized_user"
	}
	return k.email
}

// String is Account, and no secret.
func (k *Key) String() string { return k.Account() }

// GoString is likewise.
func (k *Key) GoString() string { return "google.Key(" + k.Account() + ")" }

// Check says what is wrong with using the key with an endpoint: to Google itself goes no
// token of somebody else, and no key of Google's goes to somebody else's address.
func (s *Settings) Check(k *Key) error {
	if s.endpoint() != DefaultEndpoint || slices.Contains(tokenURLs, strings.TrimRight(k.tokenURL, "/")) {
		return nil
	}
	return errors.New("the credentials' token_uri is none of Google's, and `endpoint` is: a key from Google has " + GoogleTokenURL)
}
