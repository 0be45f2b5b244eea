package links

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// BenchmarkVisit is what a visit costs beside its store: a bot, and a person with an id.
func BenchmarkVisit(b *testing.B) {
	for name, agent := range map[string]string{"bot": "Mozilla/5.0 (compatible; Googlebot/2.1)", "click": phone} {
		b.Run(name, func(b *testing.B) {
			d := newDesk(b)
			r := httptest.NewRequest(http.MethodGet, "https://bots.example.com/go/summer?utm_source=google&gclid=TeSt-Gclid-"+strconv.Itoa(1), nil)
			r.Header.Set("User-Agent", agent)
			b.ReportAllocs()
			for b.Loop() {
				d.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
