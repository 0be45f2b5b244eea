package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/internal/typo"
	"github.com/leadgate/leadgate/internal/verify"
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

	known  verify.Tokens
	places []TokenPlace
}

// TokenPlaces are where the tokens stand.
func (t *Tokens) TokenPlaces() []TokenPlace { return t.places }

// Handshake has nothing to answer: these providers have none.
func (*Tokens) Handshake(http.ResponseWriter, *http.Request) bool { return false }

// Verify looks for a right token.
func (t *Tokens) Verify(r *http.Request, _ []byte) error {
	if t.InsecureSkipVerify {
		return nil
	}
	return t.known.Verify(r)
}

// SignRequest sends the token as a header and in the query.
func (*Tokens) SignRequest(r *http.Request, _ []byte, token string) { verify.SignWithToken(r, token) }

// SkipsVerification reports insecure_skip_verify.
func (t *Tokens) SkipsVerification() bool { return t.InsecureSkipVerify }

func (t *Tokens) provision(provider string) error {
	repl := caddy.NewReplacer()
	for _, token := range t.Tokens {
		where := fmt.Sprintf("provider %s: token %s %s", provider, token.In, token.Name)
		if !slices.Contains(tokenPlaces, token.In) || token.Name == "" || len(token.Values) == 0 {
			return fmt.Errorf("%s: write `token header <name> <value>` or `token query <name> <value>`", where)
		}
		if token.In == "header" && !typo.Field(token.Name) {
			return fmt.Errorf("%s: %s", where, typo.Header(token.Name, ""))
		}
		known := verify.Token{Place: verify.Place{Query: token.In == "query", Name: token.Name}}
		for _, v := range token.Values {
			v, err := replaceText(repl, where, v)
			if err != nil {
				return err
			}
			if typo.Scheme(strings.TrimSpace(v)) {
				return fmt.Errorf("%s: the value is the word %s alone, without a token after it", where, strings.TrimSpace(v))
			}
			known.Secrets.Add(v)
		}
		t.known = append(t.known, known)
		t.places = append(t.places, TokenPlace(known.Place))
	}
	return nil
}

var tokenPlaces = []string{"header", "query"}

func tokenOptions() options[Tokens] {
	return tokenRows(func(t *Tokens) *Tokens { return t })
}

func (*Tokens) optionNames() []string { return tokenOptions().names() }

// SecretOptions are the tokens.
func (*Tokens) SecretOptions() []string { return []string{"tokens"} }

// tokenRows are the options of a provider that embeds Tokens: token, and
// insecure_skip_verify.
func tokenRows[T any](of func(*T) *Tokens) options[T] {
	return options[T]{
		{name: "token", args: "header|query <name> <value>...", many: true, at: func(p *T) value { return wordsValue(of(p).add) }},
		{name: "insecure_skip_verify", many: true, at: func(p *T) value { return flagValue{&of(p).InsecureSkipVerify} }},
	}
}

func (t *Tokens) add(words []string) error {
	if len(words) < 3 || !slices.Contains(tokenPlaces, words[0]) {
		return errors.New("token needs a place, a name and a value: write `token header Authorization \"Bearer {env.TOKEN}\"` or `token " +
			"query token {env.TOKEN}`")
	}
	t.Tokens = append(t.Tokens, Token{In: words[0], Name: words[1], Values: words[2:]})
	return nil
}

// unmarshal reads the block of a provider that has no options but these.
func (t *Tokens) unmarshal(d *caddyfile.Dispenser) error {
	d.Next()
	name := d.Val()
	if err := noValue(d); err != nil {
		return err
	}
	if err := tokenOptions().parse(t, d, "provider "+name, nil); err != nil {
		return err
	}
	if err := t.validate(name); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (t *Tokens) validate(provider string) error {
	if len(t.Tokens) == 0 && !t.InsecureSkipVerify {
		return fmt.Errorf("provider %s needs a token: write `token header Authorization \"Bearer {env.TOKEN}\"` or `token query token "+
			"{env.TOKEN}`, and set the same at the provider", provider)
	}
	return nil
}

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

var (
	_ caddy.Provisioner     = (*Tokens)(nil)
	_ caddyfile.Unmarshaler = (*Tokens)(nil)
	_ RequestSigner         = (*Tokens)(nil)
	_ SecretHolder          = (*Tokens)(nil)
	_ TokenCarrier          = (*Tokens)(nil)
	_ VerificationSkipper   = (*Tokens)(nil)
)
