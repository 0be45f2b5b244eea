package normalize

import _ "embed"

// Schema is the JSON Schema (2020-12) of the unified event: unified.schema.json.
//
//go:embed unified.schema.json
var Schema []byte
