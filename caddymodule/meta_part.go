package caddymodule

import (
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Part returns the body with the entries and changes that keep wants. What is
// kept stands as it came; the envelope's other keys stay.
func (*Meta) Part(body []byte, keep func(piece []byte) bool) ([]byte, error) {
	var doc jsondoc.Doc
	if err := doc.Parse(body); err != nil {
		return nil, err
	}
	envelope := doc.Root()
	var entries [][]byte
	for entry := envelope.Get("entry").First(); entry.Exists(); entry = entry.Next() {
		changes := entry.Get("changes")
		if changes.Kind() != '[' {
			if keep(withMember(envelope, "entry", entry.Raw())) {
				entries = append(entries, entry.Raw())
			}
			continue
		}
		var kept [][]byte
		for change := changes.First(); change.Exists(); change = change.Next() {
			one := withMember(entry, "changes", change.Raw())
			if keep(withMember(envelope, "entry", one)) {
				kept = append(kept, change.Raw())
			}
		}
		if len(kept) > 0 {
			entries = append(entries, withMember(entry, "changes", kept...))
		}
	}
	return withMember(envelope, "entry", entries...), nil
}

// withMember writes an object again with other elements in one of its arrays.
func withMember(object jsondoc.Node, name string, elements ...[]byte) []byte {
	out := []byte{'{'}
	for member := object.First(); member.Exists(); member = member.Next() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		key := string(member.Key())
		out = append(append(out, normalize.NewText(key)...), ':')
		if key != name {
			out = append(out, member.Raw()...)
			continue
		}
		out = append(out, '[')
		for i, e := range elements {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, e...)
		}
		out = append(out, ']')
	}
	return append(out, '}')
}

// Sign signs a part with the app secret that the whole was signed with.
func (m *Meta) Sign(r *http.Request, body, part []byte) []queue.HTTPHeader {
	headers := []queue.HTTPHeader{{Name: "Content-Type", Value: r.Header.Get("Content-Type")}}
	given, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Hub-Signature-256"), signaturePrefix))
	if err != nil {
		return headers
	}
	if key := m.matching(body, given); key != nil {
		sum := key.sum(part)
		headers = append(headers, queue.HTTPHeader{Name: "X-Hub-Signature-256", Value: signaturePrefix + hex.EncodeToString(sum[:])})
	}
	return headers
}

var _ signer = (*Meta)(nil)
