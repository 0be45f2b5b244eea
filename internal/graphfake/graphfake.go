// Package graphfake is what the fakes of Meta's Graph API share: how it is to be asked, how it
// answers, and what its refusals look like. It shares no code with what asks. Begin at
// [Refusal] and [Token].
package graphfake

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Refusal is an error of the Graph API.
type Refusal struct {
	Status        int // of HTTP
	Code, Subcode int
	Message       string
	Header        map[string]string
	Body          string // instead of the Graph API's, such as a proxy's HTML
}

// Missing refuses an object that there is not, or that the token may not see.
func Missing(id string) *Refusal {
	return &Refusal{Status: 400, Code: 100, Subcode: 33, Message: "Unsupported get request. Object with ID '" + id +
		"' does not exist, cannot be loaded due to missing permissions, or does not support this operation"}
}

// NoAlias refuses an id that is none.
func NoAlias(id string) *Refusal {
	return &Refusal{Status: 404, Code: 803, Message: "(#803) Some of the aliases you requested do not exist: " + id}
}

// Parameter refuses what is asked for.
func Parameter(message string) *Refusal {
	return &Refusal{Status: 400, Code: 100, Message: "(#100) " + message}
}

// Expired refuses a token that was one.
func Expired() *Refusal {
	return &Refusal{Status: 401, Code: 190, Subcode: 463, Message: "Error validating access token: Session has expired"}
}

// Token is the token that a request is made with. Refused is who has it in the URL, where
// logs would have it, who has none, and who does not say who asks.
func Token(r *http.Request) (string, *Refusal) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case r.URL.Query().Has("access_token"):
		return "", &Refusal{Status: 400, Code: 1, Message: "The fake takes no token in a URL"}
	case !ok || token == "":
		return "", &Refusal{Status: 400, Code: 104, Message: "An access token is required to request this resource."}
	case r.UserAgent() == "":
		return "", &Refusal{Status: 400, Code: 1, Message: "The fake wants to know who asks"}
	}
	return token, nil
}

// Object is the refusal as the body of an answer.
func (no *Refusal) Object() map[string]any {
	e := map[string]any{"message": no.Message, "type": "OAuthException", "code": no.Code, "fbtrace_id": "AfakeTrace"}
	if no.Subcode != 0 {
		e["error_subcode"] = no.Subcode
	}
	return map[string]any{"error": e}
}

// Refuse answers a request with a refusal.
func Refuse(w http.ResponseWriter, no *Refusal) {
	for name, value := range no.Header {
		w.Header().Set(name, value)
	}
	if no.Body != "" {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(no.Status)
		_, _ = w.Write([]byte(no.Body))
		return
	}
	answer(w, no.Status, no.Object())
}

// Answer answers a request with 200 and a value's JSON.
func Answer(w http.ResponseWriter, v any) { answer(w, http.StatusOK, v) }

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
