package api

import (
	_ "embed"
	"net/http"

	"github.com/leadgate/leadgate/internal/admin"
)

// Document is the description of this API and of leadgate_conversions, OpenAPI 3.1.
//
//go:embed openapi.json
var Document []byte

// describe answers with the document.
func (*Server) describe(w http.ResponseWriter, r *http.Request, _ string) error {
	if err := admin.OnlyParams(r.URL.RawQuery); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(Document)
	return nil
}
