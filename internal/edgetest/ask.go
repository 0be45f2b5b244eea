package edgetest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Client is for requests that a living edge answers.
var Client = &http.Client{Timeout: GiveUp, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// Load gives the running edge another Caddyfile.
func (e *Edge) Load(caddyfile string) {
	e.t.Helper()
	if status, body := e.Ask(http.MethodPost, "/load", "text/caddyfile", caddyfile); status != http.StatusOK {
		e.t.Fatalf("loading config: %d %s", status, body)
	}
}

// Ask asks the admin endpoint, which must answer.
func (e *Edge) Ask(method, path, contentType, body string) (status int, answer []byte) {
	e.t.Helper()
	req, err := http.NewRequest(method, e.Admin+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := Client.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		e.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// Do asks the admin endpoint for JSON, which must be answered 200; into may be nil.
func (e *Edge) Do(method, path, body string, into any) {
	e.t.Helper()
	status, answer := e.Ask(method, path, "application/json", body)
	if status != http.StatusOK {
		e.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			e.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

// Destination is a row of the admin API.
type Destination struct {
	Name, State, Reason     string
	Backlog, InFlight, Dead int
	Delivered               int64
}

// Destinations asks for all, by their names; nil if the edge does not answer.
func (e *Edge) Destinations() map[string]Destination {
	resp, err := quick.Get(e.Admin + "/leadgate/destinations")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var list []Destination
	if json.NewDecoder(resp.Body).Decode(&list) != nil {
		return nil
	}
	all := make(map[string]Destination, len(list))
	for _, d := range list {
		all[d.Name] = d
	}
	return all
}
