package leads

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/apicall"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/printable"
)

// access is what Meta says of a token and a Page's leads, in one call (its SDK,
// hasleadaccess.py, 24 Jun 2026).
var access = url.Values{"fields": {"id,name,has_lead_access{can_access_lead,app_has_leads_permission,user_has_leads_permission," +
	"enabled_lead_access_manager,is_page_admin,failure_reason,failure_resolution,user_id}"}}.Encode()

// Check asks whether the token may read the leads of the Pages, and says why not in Meta's own
// words. No lead is read. Without Pages it asks for the token's own. where names the
// destination.
func Check(ctx context.Context, where string, c *Config, pages []string) (found finding.List) {
	if len(pages) == 0 {
		pages = []string{"me"}
	}
	for _, page := range pages {
		whose := ": page " + page
		if page == "me" {
			whose = ": the token's own page"
		}
		for _, f := range CheckPage(ctx, c, page) {
			f.What = where + whose + ": " + f.What
			found = append(found, f)
		}
	}
	if endpoint := cmp.Or(c.Endpoint, capi.DefaultEndpoint); endpoint != capi.DefaultEndpoint {
		found.OK(where + ": leads are read from " + printable.URL(endpoint) + ", and not from Meta")
	}
	return found
}

// CheckPage is [Check] for one Page; me is the token's own. What it finds names neither the
// destination nor the Page.
func CheckPage(ctx context.Context, c *Config, page string) (found finding.List) {
	if page != "me" && !isDigits([]byte(page)) {
		found.Warn("the id of a Page is of digits alone", "correct `match page_id`")
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, capi.DefaultTimeout)
	defer cancel()
	transport := apicall.New()
	defer transport.CloseIdleConnections()
	client := graph.Client{Transport: transport, Endpoint: c.Endpoint, Version: c.GraphVersion, UserAgent: c.UserAgent}
	who := graph.Credentials{Token: strings.TrimSpace(c.Credentials.Token), AppSecret: strings.TrimSpace(c.Credentials.AppSecret)}
	a, err := client.Get(ctx, page+"?"+access, who)
	switch {
	case err != nil:
		found.Warn("the Graph API cannot be reached: "+err.Error(),
			"check `endpoint`, and any proxy or firewall between here and Meta; until then leads wait in the queue")
	case a.Error != nil:
		x := explain(a.Error)
		fix := x.Fix
		if x.Class == capi.Permission || x.Class == capi.BadEvent {
			fix = rights
		}
		sentence := x.Sentence
		if isMissing(a.Error) {
			sentence = "there is no such Page, or the token may not see it"
		}
		found.Warn("error "+code(a.Error)+": "+sentence, fix)
	case a.Code != http.StatusOK || a.Root.Get("id").String() == "":
		found.Warn(a.Status+" without the Page: probably not Meta answered", "check `endpoint`, and any proxy between here and Meta")
	default:
		leadAccess(&found, a.Root)
	}
	return found
}

// leadAccess says what the answer means.
func leadAccess(found *finding.List, page jsondoc.Node) {
	has := page.Get("has_lead_access")
	if has.Get("can_access_lead").Kind() == 't' {
		found.OK("the token may read the leads of “" + printable.Line(page.Get("name").String()) + "”")
		return
	}
	if has.Kind() != '{' {
		found.Warn("Meta does not say whether the token may read leads", rights)
		return
	}
	var why []string
	for _, w := range [...]struct{ field, says string }{
		{"app_has_leads_permission", "the app has no access to leads"},
		{"user_has_leads_permission", "the token's user has no access to leads"},
	} {
		if has.Get(w.field).Kind() == 'f' {
			why = append(why, w.says)
		}
	}
	if has.Get("enabled_lead_access_manager").Kind() == 't' {
		why = append(why, "the Page's Leads Access Manager decides who has")
	}
	text := "the token may not read the Page's leads (has_lead_access)"
	if len(why) > 0 {
		text += ": " + strings.Join(why, ", ")
	}
	says := []string{text}
	// Meta's own sentence is the one that its help pages have.
	for _, field := range [...]string{"failure_reason", "failure_resolution"} {
		if s := printable.Line(has.Get(field).String()); s != "" {
			says = append(says, "Meta says: "+s)
		}
	}
	found.Warn(strings.Join(says, "; "), rights)
}
