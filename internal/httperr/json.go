package httperr

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// JSON answers with a status and a value as JSON, on one line. Its error is one of
// a value that has no JSON, and then nothing is written.
func JSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
	return nil
}

// Refuse answers with a sentence: {"error":"…"}.
func Refuse(w http.ResponseWriter, status int, sentence string) {
	_ = JSON(w, status, map[string]string{"error": sentence}) // text always has JSON
}

// RefuseFix answers with what is wrong and what to do: {"error":"…","fix":"…"}.
func RefuseFix(w http.ResponseWriter, status int, what, fix string) {
	_ = JSON(w, status, map[string]string{"error": what, "fix": fix}) // text always has JSON
}
