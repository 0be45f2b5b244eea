// Package sign makes signatures of Standard Webhooks. It is a leaf.
package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"strconv"
	"strings"
	"sync"
)

// Key makes signatures of Standard Webhooks
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
type Key struct{ macs sync.Pool }

// New takes a secret: "whsec_" and base64, or any other text as its bytes.
func New(secret string) (*Key, error) {
	key := []byte(secret)
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		key, err = base64.StdEncoding.DecodeString(text)
		if err != nil {
			// Not the decoder's error: it would show a part of the secret.
			return nil, errors.New("the secret starts with whsec_, but what follows is not base64")
		}
	}
	if len(key) == 0 {
		return nil, errors.New("the secret is empty")
	}
	return &Key{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}, nil
}

// Sign returns the value of webhook-signature; timestamp is in seconds.
func (s *Key) Sign(id string, timestamp int64, body []byte) string {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	var scratch [96]byte
	head := append(scratch[:0], id...)
	head = append(head, '.')
	head = strconv.AppendInt(head, timestamp, 10)
	head = append(head, '.')
	mac.Write(head)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(scratch[:0]))
}
