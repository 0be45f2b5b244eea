package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
)

// Of tenant globex nothing may be seen by acme's token, nor of what matched nobody.
const theirs = "globex-secret"

// apiEdge is an edge with two tenants, each with a dead letter, another one that
// matched neither, and programs of acme's with each level.
func apiEdge(t *testing.T, global string) *edge {
	t.Helper()
	meta := capitest.New(t)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
	}))
	t.Cleanup(refuses.Close)
	capi := func(name string) string {
		return "capi {\n name " + name + "\n dataset 1\n access_token x\n linger 10ms\n endpoint " + meta.URL() + "\n}\n"
	}
	site := edgetest.MetaBlock("tenant acme {\n match phone_number_id 106540352242922\n forward "+refuses.URL+" {\n name n8n\n}\n"+
		capi("meta")+"}\n"+
		"tenant "+theirs+" {\n match phone_number_id 5\n forward "+refuses.URL+" {\n name "+theirs+"\n}\n"+capi(theirs+"-capi")+"}") +
		"\nleadgate_conversions /conversions {\n tenant acme\n token secret-crm\n}\n"
	for _, level := range []string{"read", "replay", "all"} {
		site += "leadgate_api /" + level + "/* {\n tenant acme\n token secret-" + level + "\n allow " + level + "\n}\n"
	}
	for path, options := range map[string]string{"board": "", "desk": "tenant acme", "window": "tenant acme\n read_only",
		"board2": "read_only"} {
		site += "leadgate_dashboard /" + path + "/* {\n insecure_skip_auth\n" + options + "\n}\n"
	}
	site += "handle /inner/* {\n leadgate_api {\n tenant acme\n token secret-inner\n}\n}\n" +
		"leadgate_api /theirs/* {\n tenant " + theirs + "\n token secret-theirs\n allow all\n}\nlog\n"
	e := &edge{edgetest.New(t)}
	e.KeepLog = true
	e.Configure(e.Caddyfile(global, "", site))
	e.Start()
	their := func(phoneNumber string) []byte {
		body := strings.Replace(string(click("wamid."+phoneNumber, "15559990000", "Aff-"+theirs)), "106540352242922", phoneNumber, 1)
		return []byte(strings.Replace(body, "Sale", theirs, 1))
	}
	for _, body := range [][]byte{click("wamid.acme", "15551234567", "Aff-1"), their("5"), their("7")} {
		if status, err := e.post(body); err != nil || status != http.StatusOK {
			t.Fatalf("posting: %d %v", status, err)
		}
	}
	edgetest.Until(t, "each has a dead letter", func() bool {
		all := e.Destinations()
		return all["n8n"].Dead == 1 && all[theirs].Dead == 1 && all["unmatched"].Dead == 1
	})
	return e
}

// call asks the site as a program does.
func (e *edge) call(t *testing.T, method, path, token, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, e.Site+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := edgetest.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

// letterOf is the id of the only dead letter of a destination.
func (e *edge) letterOf(t *testing.T, destination string) string {
	t.Helper()
	var page struct{ Dead []struct{ ID string } }
	e.Do(http.MethodGet, "/leadgate/dead?destination="+destination, "", &page)
	if len(page.Dead) != 1 {
		t.Fatalf("%s has %d dead letters", destination, len(page.Dead))
	}
	return page.Dead[0].ID
}

// TestAPILevels: a token may what its level says, in every kind of path, and is never
// in the log.
func TestAPILevels(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			e := apiEdge(t, global)
			steps := []struct {
				method, path, body string
				level              int // read 0, replay 1, all 2
				answer             string
			}{
				{"GET", "destinations", "", 0, `"name":"n8n"`},
				{"GET", "dead", "", 0, `"eventId"`},
				{"GET", "dead?destination=n8n&limit=1", "", 0, `"next":null`},
				{"GET", "dead/" + e.letterOf(t, "n8n"), "", 0, `"code":"422"`},
				{"GET", "ads", "", 0, `"adId":"120210000000000001"`},
				{"GET", "openapi.json", "", 0, `"openapi": "3.1.1"`},
				{"POST", "dead/replay", `{"destination":"n8n","all":true,"reason":"nothing"}`, 1, `{"count":0}`},
				{"POST", "dead/drop", `{"destination":"n8n","all":true,"reason":"nothing"}`, 2, `{"count":0}`},
				{"POST", "contacts/erase", `{"contact":"+15550001111"}`, 2, `{"count":0}`},
				{"POST", "destinations/n8n/pause", "", 2, ""},
				{"POST", "destinations/n8n/resume", "{}", 2, ""},
			}
			for _, s := range steps {
				for level, word := range []string{"read", "replay", "all"} {
					want, says := http.StatusOK, s.answer
					if level < s.level {
						want, says = http.StatusForbidden, "allow "+[]string{"read", "replay", "all"}[s.level]
					}
					resp, answer := e.call(t, s.method, "/"+word+"/"+s.path, "secret-"+word, s.body)
					if resp.StatusCode != want || !strings.Contains(answer, says) || resp.Header.Get("Cache-Control") != "no-store" {
						t.Errorf("%s %s with %s: %d %s %v", s.method, s.path, word, resp.StatusCode, answer, resp.Header)
					}
					for header := range resp.Header {
						if strings.HasPrefix(header, "Access-Control") {
							t.Errorf("%s %s: %s", s.method, s.path, header)
						}
					}
					for _, token := range []string{"", "secret-theirs", "secret-crm"} {
						resp, answer = e.call(t, s.method, "/"+word+"/"+s.path, token, s.body)
						if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") != "Bearer" || !isRefusal(answer) {
							t.Errorf("%s %s with %q: %d %s", s.method, s.path, token, resp.StatusCode, answer)
						}
					}
				}
			}
			selection := `{"destination":"n8n","ids":["` + e.letterOf(t, "n8n") + `"]}`
			if resp, answer := e.call(t, "POST", "/replay/dead/replay", "secret-replay", selection); answer != `{"count":1}`+"\n" {
				t.Errorf("replaying one: %d %s", resp.StatusCode, answer)
			}
			if resp, answer := e.call(t, "GET", "/inner/destinations", "secret-inner", ""); resp.StatusCode != http.StatusOK {
				t.Errorf("below a handle: %d %s", resp.StatusCode, answer)
			}
			resp, answer := e.call(t, "GET", "/conversions", "secret-crm", "")
			if resp.StatusCode != http.StatusOK || answer != `{"tenant":"acme"}`+"\n" {
				t.Errorf("GET of conversions: %d %s", resp.StatusCode, answer)
			}
			if resp, _ := e.call(t, "PUT", "/conversions", "secret-crm", ""); resp.Header.Get("Allow") != "GET, POST" {
				t.Errorf("PUT of conversions: %d, allowed are %q", resp.StatusCode, resp.Header.Get("Allow"))
			}
			if resp, answer := e.call(t, "GET", "/conversions", "secret-all", ""); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("GET of conversions with another token: %d %s", resp.StatusCode, answer)
			}
			e.End()
			if strings.Contains(e.Said(), "secret-all") || !strings.Contains(e.Said(), `"action":"dead/replay"`) {
				t.Error("the log has the token, or nothing of what was done")
			}
		})
	}
}

// isRefusal reports whether an answer is {"error","fix"}, with both.
func isRefusal(answer string) bool {
	var got map[string]string
	err := json.Unmarshal([]byte(answer), &got)
	return err == nil && len(got) == 2 && got["error"] != "" && got["fix"] != ""
}

// TestAPIRefusals: what is wrong is said, and not done.
func TestAPIRefusals(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			e := apiEdge(t, global)
			letter := e.letterOf(t, theirs)
			for _, s := range []struct {
				method, path, body string
				status             int
				allow              string
			}{
				{"GET", "dead?limit=0", "", 422, ""}, {"GET", "dead?limi=1", "", 422, ""}, {"GET", "dead?reason=", "", 422, ""},
				{"GET", "dead?after=%00", "", 422, ""}, {"GET", "ads?from=yesterday", "", 422, ""}, {"GET", "destinations?x=1", "", 422, ""},
				{"GET", "openapi.json?x=1", "", 422, ""}, {"GET", "dead/" + e.letterOf(t, "n8n") + "?x=1", "", 422, ""},
				// Of two values the second would be passed over, and what cannot be read altogether.
				{"GET", "dead?destination=n8n&destination=" + theirs, "", 422, ""}, {"GET", "ads?from=2026-01-01&from=2026-01-02", "", 422, ""},
				{"GET", "dead?destination=%zz", "", 422, ""}, {"GET", "destinations?a;b", "", 422, ""}, {"GET", "openapi.json?%zz", "", 422, ""},
				{"POST", "dead/replay", "null", 422, ""}, {"POST", "contacts/erase", "null", 422, ""},
				{"POST", "destinations/n8n/pause", "[]", 422, ""}, {"POST", "dead/drop", `{"destination":"n8n","all":"yes"}`, 422, ""},
				{"POST", "contacts/show", `{"contact":15551234567}`, 422, ""}, {"POST", "dead/drop", `{"destination":`, 422, ""},
				{"POST", "dead/replay", "", 422, ""}, {"POST", "dead/replay", `{"destination":"n8n"}`, 422, ""},
				{"POST", "dead/drop", `{"destination":"n8n","all":true,"resaon":"x"}`, 422, ""}, {"POST", "dead/drop", `{} {}`, 422, ""},
				{"POST", "contacts/erase", `{"contact":"Maria Souza"}`, 422, ""}, {"POST", "contacts/erase", `{}`, 422, ""},
				{"POST", "dead/replay", strings.Repeat(" ", 1<<20) + "{}", 413, ""},
				{"POST", "destinations/n8n/pause", `{"for":"1h"}`, 422, ""}, {"POST", "destinations/n8n/resume", "now", 422, ""},
				{"POST", "destinations", "", 405, "GET"}, {"HEAD", "destinations", "", 405, "GET"}, {"OPTIONS", "ads", "", 405, "GET"},
				{"GET", "dead/drop", "", 405, "POST"}, {"PUT", "contacts/erase", "", 405, "POST"}, {"POST", "dead/" + letter, "", 405, "GET"},
				// Another tenant's, nobody's, or nothing at all.
				{"GET", "dead/" + letter, "", 404, ""}, {"GET", "dead/nope", "", 404, ""}, {"GET", "dead?id=" + letter, "", 404, ""},
				{"GET", "dead/" + e.letterOf(t, "unmatched"), "", 404, ""}, {"GET", "dead?destination=unmatched", "", 404, ""},
				{"GET", "dead?destination=" + theirs, "", 404, ""}, {"GET", "dead?destination=nope", "", 404, ""},
				{"GET", "ads?tenant=" + theirs, "", 404, ""}, {"GET", "ads?tenant=nope", "", 404, ""},
				{"POST", "dead/replay", `{"destination":"` + theirs + `","all":true}`, 404, ""},
				{"POST", "dead/replay", `{"destination":"unmatched","all":true}`, 404, ""},
				{"POST", "dead/drop", `{"destination":"n8n","ids":["` + letter + `"]}`, 404, ""},
				{"POST", "dead/drop", `{"destination":"` + theirs + `","ids":["` + letter + `"]}`, 404, ""},
				{"POST", "contacts/erase", `{"tenant":"` + theirs + `","contact":"15559990000"}`, 404, ""},
				{"POST", "destinations/" + theirs + "/pause", "", 404, ""}, {"POST", "destinations/unmatched/resume", "", 404, ""},
				{"POST", "destinations/n8n/drop", "", 404, ""}, {"POST", "destinations/n8n/move", `{"to":"x"}`, 404, ""},
				{"GET", "store", "", 404, ""}, {"GET", "words", "", 404, ""}, {"GET", "", "", 404, ""}, {"GET", "nope", "", 404, ""},
			} {
				resp, answer := e.call(t, s.method, "/all/"+s.path, "secret-all", s.body)
				if resp.StatusCode != s.status || resp.Header.Get("Allow") != s.allow || s.method != "HEAD" && !isRefusal(answer) {
					t.Errorf("%s %s %.60s: %d %s, want %d, allowed are %q", s.method, s.path, s.body, resp.StatusCode, answer, s.status,
						resp.Header.Get("Allow"))
				}
				for _, word := range []string{"Go value", "Go struct", "json: ", "EOF"} {
					if strings.Contains(answer, word) {
						t.Errorf("%s %s %.60s: %s is no word for those who call it", s.method, s.path, s.body, answer)
					}
				}
				named := strings.NewReplacer("there is no tenant "+theirs, "", "there is no destination "+theirs, "", letter, "").Replace(answer)
				if strings.Contains(named, "globex") {
					t.Errorf("%s %s: %s", s.method, s.path, answer)
				}
			}
			all := e.Destinations()
			if all[theirs].Dead != 1 || all["unmatched"].Dead != 1 || all["n8n"].Dead != 1 || all[theirs].State != "running" {
				t.Errorf("something was done: %+v", all)
			}
		})
	}
}

// TestAPIHidesOthers asks by every path that somebody might try, and finds nothing of
// another tenant in any answer.
func TestAPIHidesOthers(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			e := apiEdge(t, global)
			letter := e.letterOf(t, theirs)
			targets := []string{
				"destinations", "dead", "ads", "dead?limit=1000", "dead/" + letter, "ads?tenant=" + theirs, "dead?destination=" + theirs,
				"destinations/" + theirs + "/resume", "openapi.json", "../theirs/dead", "../../leadgate/destinations",
			}
			ways := []func(string) string{
				func(p string) string { return p },
				func(p string) string { return "/" + p },
				func(p string) string { return "./" + p },
				func(p string) string { return "x/../" + p },
				func(p string) string { return "%2e%2e/all/" + p },
				func(p string) string { return strings.ReplaceAll(p, "/", "%2F") },
				func(p string) string { return strings.ReplaceAll(p, "/", "//") },
				func(p string) string { return strings.ReplaceAll(p, "/", "%5C") },
				func(p string) string { return strings.ToUpper(p) },
				func(p string) string { return "../theirs/" + p },
				func(p string) string { return "%2e%2e%2ftheirs/" + p },
				func(p string) string { return p + "/" },
				func(p string) string { return p + "%00" },
				func(p string) string { return p + ";x=" + theirs },
				func(p string) string { return theirs + "/" + p },
			}
			seen := make(map[int]int)
			for _, target := range targets {
				for _, way := range ways {
					for _, method := range []string{"GET", "POST"} {
						path := way(target)
						status, answer := e.rawCall(t, method, "/all/"+path)
						seen[status]++
						if shown := shownOfOthers(answer); shown != "" {
							t.Errorf("%s %s: %d shows %s: %s", method, path, status, shown, answer)
						}
					}
				}
			}
			if seen[200] == 0 || seen[404] == 0 || seen[405] == 0 {
				t.Errorf("answers by status: %v", seen)
			}
			if all := e.Destinations(); all[theirs].Dead != 1 || all["unmatched"].Dead != 1 {
				t.Errorf("something was done: %+v", all)
			}
		})
	}
}

// shownOfOthers is what an answer shows that is not acme's, "" for nothing.
func shownOfOthers(answer string) string {
	for _, hidden := range []string{
		"15559990000", "+15559", "Aff-" + theirs, theirs + "-capi", `"tenant":"` + theirs, `"headline":"` + theirs, `"name":"` + theirs,
		"wamid.5", "wamid.7", `"unmatched"`,
	} {
		if strings.Contains(answer, hidden) {
			return hidden
		}
	}
	return ""
}

// rawCall sends a path as it is written, which Go's client would tidy up.
func (e *edge) rawCall(t *testing.T, method, path string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequest(method, e.Site, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	path, req.URL.RawQuery, _ = strings.Cut(path, "?")
	req.URL.Opaque = path
	req.Header.Set("Authorization", "Bearer secret-all")
	resp, err := edgetest.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
