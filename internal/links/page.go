package links

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
)

// A page with one button, for phones on which a redirect opens the browser and a
// person's own tap opens the app. It has no script, and loads nothing.

const pageStyle = `:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;` +
	`font:1.0625rem/1.5 system-ui,sans-serif;background:#f4f5f4;color:#161816}
main{box-sizing:border-box;width:100%;max-width:26rem;padding:2rem 1.5rem;text-align:center}
h1{margin:0 0 .25rem;font-size:1.375rem}
p{margin:0;color:#5b605c}
blockquote{margin:1.5rem 0 0;padding:1rem 1.125rem;border-radius:1rem;background:#fff;color:#161816;text-align:start;` +
	`white-space:pre-line;overflow-wrap:anywhere}
a{display:block;margin-top:1.5rem;padding:1rem;border-radius:.875rem;background:#0b6b3a;color:#fff;font-weight:600;text-decoration:none}
a:focus-visible{outline:3px solid #7fc79f;outline-offset:2px}
@media (prefers-color-scheme:dark){body{background:#121412;color:#eef0ee}p{color:#a3a9a4}blockquote{background:#222622;color:#eef0ee}}
`

var pageTemplate = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.App}} · {{.Name}}</title>
<style>` + pageStyle + `</style>
</head>
<body>
<main>
<h1>Chat on {{.App}}</h1>
<p>{{.Who}}</p>
{{with .Text}}<blockquote dir="auto">{{.}}</blockquote>
{{end}}<a href="{{.URL}}" rel="noreferrer">Open {{.App}}</a>
</main>
</body>
</html>
`))

// pagePolicy allows the page its style, and nothing else.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// page writes the page of a link.
func (l *Link) page(w http.ResponseWriter, code string) error {
	app, who := l.To.app()
	var text string
	if l.To.InText() {
		text = textFor(l.Text, code)
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, map[string]any{
		"Name": l.Name, "App": app, "Who": who, "Text": text, "URL": l.To.url(l.Text, code),
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b.Bytes()) // to who may have gone
	return nil
}
