package caddymodule

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/sites"
	"github.com/leadgate/leadgate/normalize"
)

// Provider is who posts webhooks. It is a Caddy module in the namespace
// leadgate.providers, so that anybody can add one in a repository of their own:
// provision the secrets, refuse to be provisioned without any, and answer these
// three questions. One whose webhooks are verified by a token embeds [Tokens]
// and writes Normalize alone. docs/providers/guest.md shows a whole one.
//
// What else a provider may do, it says by also being an [Adviser], [Answerer], [ContentTyper],
// [HeaderSigner], [MethodLister], [PartSigner], [PathExtender], [RequestSigner],
// [Sealer], [SecretHolder], [SingleAccount], [TokenCarrier], [VerificationSkipper]
// or [WABAOmitter]. The built-in providers use the same ones.
type Provider interface {
	// Handshake answers a request other than a webhook, such as Meta's GET
	// with hub.challenge, and reports whether it was one.
	Handshake(w http.ResponseWriter, r *http.Request) bool

	// Verify refuses a body that does not come from the provider, by the raw
	// bytes and in constant time. Its error is logged, and must hold neither the
	// secret nor the expected value. It runs before anything is parsed.
	Verify(r *http.Request, body []byte) error

	// Normalize adds the body's events to the batch, in order and without
	// loss; none for the provider's own probes. now is in UNIX milliseconds.
	// An error means that the body is not what the provider can have sent
	// (400), so that nothing unknown may be an error.
	Normalize(r *http.Request, body []byte, now int64, into *normalize.Batch) error
}

// MethodLister is a Provider that takes other methods than POST. GET is one that
// only its handshake answers.
type MethodLister interface{ Methods() []string }

// Adviser is a Provider that knows when settings of its own, which load, are most
// likely wrong. `caddy leadgate doctor` asks one that was read from JSON and is not
// provisioned: placeholders are not replaced.
type Adviser interface{ Advise() []Advice }

// Advice is one sentence on what is wrong, and one on what to do. Neither quotes a
// secret.
type Advice struct{ Problem, Fix string }

// Answerer is a Provider that wants another answer than an empty 200 to a webhook
// that was accepted. It writes header and body.
type Answerer interface{ Answer(w http.ResponseWriter) }

// ContentTyper is a Provider whose webhooks are no JSON: their Content-Type, for
// the commands, which send what is in a file.
type ContentTyper interface{ ContentType() string }

// VerificationSkipper is a Provider that can be told to let everything pass.
// Where it was, a warning is logged at every load.
type VerificationSkipper interface{ SkipsVerification() bool }

// HeaderSigner is a Provider that signs its webhooks in headers of its own. They
// go along with raw bytes, and are taken off where the body is replaced.
type HeaderSigner interface{ SignatureHeaders() []string }

// TokenCarrier is a Provider whose webhooks carry a secret. It is taken out of a
// request that goes on to the next handler, and a warning is logged where the
// site's access log would show it.
type TokenCarrier interface{ TokenPlaces() []TokenPlace }

// TokenPlace is where in a request a token stands.
type TokenPlace struct {
	Query bool   // in the query; else in a header
	Name  string // the parameter's, the header's
}

// RequestSigner is a Provider whose webhooks `caddy leadgate send` can imitate:
// it signs a request with this body, or sends a token along.
type RequestSigner interface {
	SignRequest(r *http.Request, body []byte, secret string)
}

// PartSigner is a Provider that knows the secret which its webhooks are signed
// with, so that a part of one can be signed again for a destination that
// verifies it: where a webhook has events of several tenants, each gets its own.
type PartSigner interface {
	// CanSign reports whether a secret is configured at all.
	CanSign() bool

	// SignPart returns the signature headers of a part of a body that r's
	// headers sign, made with the same secret; none where no secret fits.
	SignPart(r *http.Request, body, part []byte) http.Header
}

// Sealer is a Provider whose proof of one event would also pass for another,
// such as a signature of parts with nothing between them. What Seal returns is
// remembered with the event, and vouches for no other id within dedupe. It is
// asked after Verify, and "" is nothing. Webhooks have one event each.
type Sealer interface{ Seal(r *http.Request) string }

// SecretHolder is a Provider with secrets among its options, here by their names in
// JSON: texts, lists of texts, or of objects with values or a secret. `caddy leadgate
// doctor` says which are set, and warns of those in plain text.
type SecretHolder interface{ SecretOptions() []string }

// PathExtender is a Provider that also posts to paths below the one that it was
// given: a block whose path ends without a star is warned of. PostsBelow is what it
// appends, for example: /messages.
type PathExtender interface{ PostsBelow() string }

// SingleAccount is a Provider whose webhooks are of one account each, so that
// they are never cut for several tenants.
type SingleAccount interface{ OneAccount() bool }

// WABAOmitter is a Provider with webhooks that carry no WhatsApp Business Account
// id, without which Meta refuses conversions: a capi block that has no waba_id is
// warned of. OmitsWABA names them as a sentence begins: "Whapi's webhooks".
type WABAOmitter interface{ OmitsWABA() string }

// builtIn are Leadgate's own providers. What there is to know of one, it says by the
// interfaces above; nothing else lists them.
var builtIn = []caddy.Module{Meta{}, Twilio{}, Dialog360{}, Gupshup{}, Whapi{}}

// signatureHeaders are the names, each once, of the headers that may sign a webhook of
// a provider: those of the built-in ones, for some pass on what Meta has signed, and
// its own.
func signatureHeaders(p Provider) (names []string) {
	add := func(of any) {
		s, ok := of.(HeaderSigner)
		if !ok {
			return
		}
		for _, name := range s.SignatureHeaders() {
			if name = http.CanonicalHeaderKey(name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, m := range builtIn {
		add(m.CaddyModule().New())
	}
	add(p)
	return names
}

// providerOptions are the names of each built-in provider's options, by its block
// in a Caddyfile: provider meta.
func providerOptions() (blocks []string, names map[string][]string) {
	names = make(map[string][]string, len(builtIn))
	for _, m := range builtIn {
		info := m.CaddyModule()
		block := "provider " + info.ID.Name()
		blocks = append(blocks, block)
		names[block] = info.New().(interface{ optionNames() []string }).optionNames()
	}
	return blocks, names
}

// providerFacts is what a provider, built in or not, says of its webhooks, and of its
// settings in JSON.
func providerFacts(name string, settings []byte) (f sites.Facts) {
	info, err := caddy.GetModule("leadgate.providers." + name)
	if err != nil {
		return f
	}
	provider := info.New()
	_, f.Chats = provider.(WABAOmitter) // it passes on what comes to WhatsApp numbers
	if p, ok := provider.(SecretHolder); ok {
		f.Secrets = p.SecretOptions()
	}
	if p, ok := provider.(PathExtender); ok {
		f.Below = p.PostsBelow()
	}
	if p, ok := provider.(Adviser); ok {
		f.Check = func() (found finding.List) {
			if json.Unmarshal(settings, p) != nil {
				return nil // loading the configuration says so
			}
			for _, a := range p.Advise() {
				found.Warn(a.Problem, a.Fix)
			}
			return found
		}
	}
	return f
}
