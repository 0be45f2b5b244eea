package caddymodule

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/printable"
)

// dialTimeout is how long the doctor waits for a destination.
const dialTimeout = 5 * time.Second

// destinationChecks asks each forward's host for a connection, and Meta for each
// dataset. What stands in several blocks is asked once.
func (d *doctor) destinationChecks(ctx context.Context, s *sites) []func() []finding {
	var checks []func() []finding
	seen := make(map[string]bool)
	once := func(key string, check func() []finding) {
		if !seen[key] {
			seen[key] = true
			checks = append(checks, check)
		}
	}
	for _, t := range s.tenants() {
		for _, f := range t.Forward {
			once("forward "+t.Name+" "+f.URL, func() []finding { return checkForward(ctx, t, f) })
		}
		for _, c := range t.CAPI {
			once("capi "+t.Name+" "+c.Dataset+" "+c.AccessToken, func() []finding { return checkCAPI(ctx, t, c) })
		}
	}
	return checks
}

// checkForward connects to a destination's host. Nothing is posted.
func checkForward(ctx context.Context, t *Tenant, f *Forward) []finding {
	shown := printable.URL(f.URL)
	if strings.Contains(f.URL, "{") { // what it stands for may be a secret
		shown, _, _ = strings.Cut(f.URL, "?")
	}
	where := "tenant " + t.Name + ": forward " + printable.HidePhones(shown)
	target, err := replaceText(caddy.NewReplacer(), "url", f.URL)
	if err != nil {
		return oneFinding(levelWarn, where+": "+err.Error(), "")
	}
	u, err := url.Parse(target)
	if err != nil {
		return oneFinding(levelWarn, where+" is no URL", "")
	}
	var found []finding
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := dial(ctx, u); err != nil {
		found = append(found, finding{levelWarn, where + " cannot be reached: " + err.Error(),
			"start it, or correct the URL; until then its events wait in the queue, and nobody else's"})
	} else {
		found = append(found, finding{levelOK, where + " can be reached", ""})
	}
	if u.Scheme == "http" && !isLocal(u.Hostname()) {
		found = append(found, finding{levelWarn, where + ": names, phone numbers and messages go over the network in plain text", "write https://"})
	}
	if strings.Contains(u.Path, "/webhook-test/") {
		found = append(found, finding{levelWarn, where + ": n8n's test URL works only while its editor listens", "write the production URL, with /webhook/"})
	}
	if f.Sign != "" && isLiteral(f.Sign) {
		d := new(doctor)
		d.literal(where, []string{"its signing secret"})
		found = append(found, d.findings...)
	}
	return found
}

// dial connects to a URL's host, with TLS where the URL says so.
func dial(ctx context.Context, u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
		port = cmp.Or(port, "80")
	}
	address := net.JoinHostPort(u.Hostname(), port)
	var conn net.Conn
	var err error
	if u.Scheme == "https" {
		conn, err = new(tls.Dialer).DialContext(ctx, "tcp", address)
	} else {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return err
	}
	return conn.Close()
}

// checkCAPI reads a dataset with its token.
func checkCAPI(ctx context.Context, t *Tenant, c *CAPI) []finding {
	where := "tenant " + t.Name + ": capi " + c.Dataset
	repl := caddy.NewReplacer()
	settings, err := c.settings(func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err != nil {
		return oneFinding(levelWarn, where+": "+err.Error(), "")
	}
	where = "tenant " + t.Name + ": capi " + settings.Dataset
	ctx, cancel := context.WithTimeout(ctx, capi.DefaultTimeout)
	defer cancel()
	found := oneFinding(levelOK, "", "")
	switch name, err := readDataset(ctx, &settings); {
	case err == nil:
		found[0].what = fmt.Sprintf("%s: the token may read the dataset “%s”", where, name)
	default:
		found[0] = datasetFinding(where, err)
	}
	d := &doctor{findings: found}
	for _, warning := range settings.Warnings() {
		what, fix, _ := strings.Cut(warning, ": ")
		d.warn(where+": "+what, fix)
	}
	if endpoint := cmp.Or(settings.Endpoint, capi.DefaultEndpoint); endpoint != capi.DefaultEndpoint {
		d.ok(where + ": conversions go to " + printable.URL(endpoint) + ", and not to Meta")
	}
	if isLiteral(c.AccessToken) {
		d.literal(where, []string{"access_token"})
	}
	return d.findings
}

// graphAnswer is an error of the Graph API, or a status that isn't one of it.
type graphAnswer struct {
	*capi.GraphError
	status string
}

func (g *graphAnswer) Error() string { return g.status }

// readDataset asks the Graph API for a dataset's name.
func readDataset(ctx context.Context, s *capi.Settings) (string, error) {
	target := cmp.Or(strings.TrimRight(s.Endpoint, "/"), capi.DefaultEndpoint) + "/" + cmp.Or(s.GraphVersion, capi.DefaultGraphVersion) + "/" + s.Dataset + "?fields=id,name"
	if s.AppSecret != "" {
		target += "&appsecret_proof=" + capi.AppSecretProof(strings.TrimSpace(s.AppSecret), strings.TrimSpace(s.AccessToken))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return "", errors.New("the endpoint is no address")
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(s.AccessToken))
	req.Header.Set("User-Agent", s.UserAgent)
	// The transport alone: no redirects, and no *url.Error, which would show the
	// proof.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = 64 << 10
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return "", err
	}
	var answer struct {
		ID, Name string
		Error    *capi.GraphError
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error != nil || resp.StatusCode != http.StatusOK || answer.ID != s.Dataset {
		return "", &graphAnswer{answer.Error, resp.Status}
	}
	return answer.Name, nil
}

// datasetFinding says what an answer means for the events that will be sent.
func datasetFinding(where string, err error) finding {
	var answer *graphAnswer
	switch {
	case !errors.As(err, &answer):
		return finding{levelWarn, where + ": the Graph API cannot be reached: " + err.Error(), "check `endpoint`, and any proxy or firewall between here and Meta; until then events wait in the queue"}
	case answer.GraphError == nil:
		return finding{levelWarn, where + ": " + answer.status + " without the dataset: probably not Meta answered", "check `endpoint`, and any proxy between here and Meta"}
	}
	x := answer.Explain()
	text := fmt.Sprintf("%s: error %s: %s", where, x.Name(), x.Sentence)
	if !codeKnown(answer.Code, answer.Subcode) || answer.Code == 100 && answer.Subcode == 0 {
		text += ": " + answer.Message
	}
	fix := x.Fix
	if x.Class == capi.Permission {
		fix += "; a token that may only send events, and not read the dataset, gets this answer, too"
	}
	return finding{levelWarn, text, fix}
}
