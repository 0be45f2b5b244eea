package typo

import (
	"strings"
	"testing"
)

func TestPlaceholder(t *testing.T) {
	for value, says := range map[string]string{
		"env.META_APP_SECRET": "did you mean {env.META_APP_SECRET}?",
		"Bearer ${X}":         "did you mean {env.X}?", "{{ .env.X }}": "did you mean {env.X}?",
		"/run/secrets/meta": "did you mean {file./run/secrets/meta}?",
		"'s3cret'":          "in single quotes", "<your token>": "what an example has there",
		"{env.X}": "", "s3cret": "", "environment.x": "", "a'b": "",
	} {
		if got := Placeholder(value); !strings.Contains(got, says) || (says == "") != (got == "") {
			t.Errorf("%s: %q, want %q", value, got, says)
		}
	}
}

func TestSeparator(t *testing.T) {
	for words, says := range map[string]string{
		"= x": "stands before a `=`", "a, b": "a comma between them",
		"<your app secret>": "what an example has there", "a b": "", "a,b": "", "=": "",
	} {
		if got := Separator(strings.Fields(words)); !strings.Contains(got, says) || (says == "") != (got == "") {
			t.Errorf("%s: %q, want %q", words, got, says)
		}
	}
}

func TestHeader(t *testing.T) {
	for _, c := range []struct{ field, value, says string }{
		{"Authorization", "Bearer x", ""}, {"X-Key", "a=,b'", ""},
		{"Authorization:", "x", "is no name of a header"}, {"", "x", "is no name of a header"},
		{"content-length", "3", "is not for a configuration to set"}, {"A", "Bearer", "is the word Bearer alone"}, {"A", "a\nb", "several lines"},
	} {
		if got := Header(c.field, c.value); !strings.Contains(got, c.says) || (c.says == "") != (got == "") {
			t.Errorf("%s: %s: %q, want %q", c.field, c.value, got, c.says)
		}
	}
}

func TestURL(t *testing.T) {
	for text, says := range map[string]string{
		"https://n8n.example.com/webhook/leads": "", "http://127.0.0.1:5678": "",
		"n8n.example.com": "is no URL", "ftp://x": "is no URL", "https://https://x": "its scheme twice",
		"http://x:0/": "a port that is none", "http://127.1": "odd spelling",
	} {
		if err := URL(text); says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
