package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/normalize"
)

// Provider is who posts webhooks. It is a Caddy module in the namespace
// leadgate.providers, so that anybody can add one in a repository of their own:
// provision the secrets, refuse to be provisioned without any, and answer these
// three questions. One whose webhooks are verified by a token embeds [Tokens]
// and writes Normalize alone. docs/providers/guest.md shows a whole one.
//
// A Provider may also have the methods
//
//	Methods() []string                                              // of webhooks, where POST is not the only one
//	Answer(w http.ResponseWriter)                                   // instead of an empty 200
//	SignRequest(r *http.Request, body []byte, secret string)        // for `caddy leadgate send`
//	SignatureHeaders() []string                                     // that go along with raw bytes
//	CanSign() bool                                                  // whether there is a secret with which
//	SignPart(r *http.Request, body, part []byte) http.Header        // a part of a webhook is signed again
//	SkipsVerification() bool                                        // true is warned of at every load
//	ContentType() string                                            // of webhooks that are no JSON, for the commands
//	Seal(r *http.Request) string                                    // what is taken for one event only, such as a signature of loose parts
type Provider interface {
	// Handshake answers a request other than a webhook, such as Meta's GET
	// with hub.challenge, and reports whether it was one.
	Handshake(w http.ResponseWriter, r *http.Request) bool

	// Verify says whether the body comes from the provider, by the raw bytes
	// and in constant time. Its error is logged, and must hold neither the
	// secret nor the expected value. It runs before anything is parsed.
	Verify(r *http.Request, body []byte) error

	// Normalize adds the body's events to the batch, in order and without
	// loss; none for the provider's own probes. now is in UNIX milliseconds.
	// An error means that the body is not what the provider can have sent
	// (400), so that nothing unknown may be an error.
	Normalize(r *http.Request, body []byte, now int64, into *normalize.Batch) error
}

// errNoSignature is what Verify returns where there is nothing to verify.
var errNoSignature = errors.New("the request carries no signature")

// methodser is a Provider that takes other methods than POST; GET is one that
// only its handshake answers.
type methodser interface{ Methods() []string }

// answerer is a Provider that wants another answer than an empty 200.
type answerer interface {
	Answer(w http.ResponseWriter)
}

// signer is a Provider that knows the secret which its webhooks are signed with,
// so that a part of one can be signed again for a destination that verifies it.
type signer interface {
	// CanSign says whether a secret is configured at all.
	CanSign() bool
	// SignPart returns the signature headers of a part of a body that r's
	// headers sign, made with the same secret; none where no secret fits.
	SignPart(r *http.Request, body, part []byte) http.Header
}

// signatureHeaderer is a Provider that signs its webhooks in headers of its own.
// They go along with raw bytes, and are taken off where the body is replaced.
type signatureHeaderer interface{ SignatureHeaders() []string }

// contentTyper is a Provider whose webhooks are no JSON.
type contentTyper interface{ ContentType() string }

// sealer is a Provider whose proof of one event would also pass for another:
// what Seal returns is remembered with the event, and vouches for no other id
// within dedupe. It is asked after Verify, and "" is nothing. Webhooks have one
// event each.
type sealer interface {
	Seal(r *http.Request) string
}

// skipper is a Provider that can be told to let everything pass.
type skipper interface{ SkipsVerification() bool }

// signatureHeaders are what the built-in providers sign their webhooks with.
var signatureHeaders = []string{"X-Hub-Signature", "X-Hub-Signature-256", twilioHeader, twilioSettings, dialog360Signature}

// Provision reads the tokens, and refuses to load without any. It is for
// providers that embed Tokens and have no other options.
func (t *Tokens) Provision(ctx caddy.Context) error {
	name := ctx.Module().CaddyModule().ID.Name()
	if err := t.validate(name); err != nil {
		return err
	}
	return t.provision(name)
}

// UnmarshalCaddyfile sets up a provider that embeds Tokens:
//
//	<name> {
//		token header|query <name> <value>...
//		insecure_skip_verify
//	}
func (t *Tokens) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { return t.unmarshal(d) }
