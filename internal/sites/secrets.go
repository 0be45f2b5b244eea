package sites

import "strings"

// secrets are the values by which a block's provider verifies webhooks.
func (b *Block) secrets() (values []string) {
	for _, option := range b.Facts.Secrets {
		values = append(values, SecretValues(b.Provider[option])...)
	}
	return values
}

// isDemo is for the secrets of Caddyfile.example, alone or behind "Bearer ".
func isDemo(value string) bool {
	return strings.HasSuffix(value, "demo-secret") || strings.HasSuffix(value, "demo-token")
}

// SecretValues are the texts of an option: its own, or its list's; of a token those
// that are right.
func SecretValues(option any) []string {
	if text, ok := option.(string); ok {
		return []string{text}
	}
	var values []string
	list, _ := option.([]any)
	for _, v := range list {
		switch v := v.(type) {
		case string:
			values = append(values, v)
		case map[string]any:
			values = append(values, SecretValues(v["values"])...)
			if secret, ok := v["secret"].(string); ok { // of a Shared Key
				values = append(values, secret)
			}
		}
	}
	return values
}
