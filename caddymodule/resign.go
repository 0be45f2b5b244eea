package caddymodule

import (
	"encoding/hex"
	"net/http"
	"strings"
)

// CanSign says whether there is an app secret.
func (m *Meta) CanSign() bool { return len(m.secrets) > 0 }

// SignPart signs a part with the app secret that the whole was signed with.
func (m *Meta) SignPart(r *http.Request, body, part []byte) http.Header {
	return signAgain(r, "X-Hub-Signature-256", body, part, m.matching)
}

// signAgain makes a signature header as Meta's, sha256= and the hex of an HMAC,
// for a part of a body: with the key that fits the header of the whole. It is
// empty where none fits.
func signAgain(r *http.Request, header string, body, part []byte, matching func(body, given []byte) *signingKey) http.Header {
	signed := make(http.Header, 1)
	given, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get(header), signaturePrefix))
	if err != nil {
		return signed
	}
	if key := matching(body, given); key != nil {
		sum := key.sum(part)
		signed.Set(header, signaturePrefix+hex.EncodeToString(sum[:]))
	}
	return signed
}

// SignatureHeaders are Meta's, the old one of SHA-1 included.
func (*Meta) SignatureHeaders() []string { return []string{"X-Hub-Signature", "X-Hub-Signature-256"} }

var (
	_ HeaderSigner  = (*Meta)(nil)
	_ MethodLister  = (*Meta)(nil)
	_ PartSigner    = (*Meta)(nil)
	_ RequestSigner = (*Meta)(nil)
)
