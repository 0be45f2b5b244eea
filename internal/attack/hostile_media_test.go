package attack

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// mediaAnswers are what a Graph API says of a file, beside the answers to all.
var mediaAnswers = map[string]string{
	"cloud":   `{"url":"http://169.254.169.254/latest/meta-data","mime_type":"image/jpeg","file_size":5,"id":"1"}`,
	"mapped":  `{"url":"http://[::ffff:169.254.169.254]/latest","mime_type":"image/jpeg","file_size":5,"id":"1"}`,
	"decimal": `{"url":"http://2852039166/latest","mime_type":"image/jpeg","file_size":5,"id":"1"}`,
	"passwd":  `{"url":"file:///etc/passwd","mime_type":"image/jpeg","file_size":5,"id":"1"}`,
	"user":    `{"url":"http://a:b@169.254.169.254/","mime_type":"image/jpeg","file_size":5,"id":"1"}`,
	"odd":     `{"url":7,"mime_type":[],"file_size":"-1"}`,
	"none":    `{"id":"1"}`,
	"lines":   `{"url":"http://127.0.0.1:1/\r\nX: y","mime_type":"text/html\r\nX-Injected: 1","file_size":5}`,
}

// TestHostileMedia: whatever a Graph API says of a file, who asks for it gets an
// error that holds no token, memory is bounded, and nobody is sent anywhere.
func TestHostileMedia(t *testing.T) {
	h := newHostile(t, newTrap(t))
	words := slices.Concat(slices.Collect(maps.Keys(answers)), slices.Collect(maps.Keys(mediaAnswers)))
	if !long() {
		// It ends with the time that Meta has to answer.
		words = slices.DeleteFunc(words, func(word string) bool { return word == "slow" })
	}
	site := edgetest.MetaBlock("\t\ttenant acme\n\t\tforward http://127.0.0.1:9/ {\n\t\t\tname crm\n\t\t}")
	for _, word := range words {
		site += fmt.Sprintf(`
	leadgate_media /media-%[1]s/* {
		tenant acme
		token %[2]s
		access_token %[3]s
		endpoint %[4]s/%[1]s
	}`, word, tokenSecret, capiToken, h.url)
	}
	e := startEdge(t, "queue embedded %DIR%/queue", site)
	most := e.peak(func() {
		var wg sync.WaitGroup
		for _, word := range words {
			wg.Go(func() {
				r, err := http.NewRequest(http.MethodGet, "http://"+e.site+"/media-"+word+"/1013859600285441", nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+tokenSecret)
				resp, err := edgetest.Client.Do(r)
				if err != nil {
					t.Errorf("%s: %v", word, err)
					return
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
				if err != nil || len(body) > 4<<10 || resp.StatusCode < 400 || resp.StatusCode == http.StatusInternalServerError {
					t.Errorf("%s: %s, %d bytes, %v", word, resp.Status, len(body), err)
				}
				if text := fmt.Sprint(resp.Header) + string(body); strings.Contains(text, capiToken) || strings.Contains(text, "X-Injected") ||
					controls.Match(body) {
					t.Errorf("%s: answered %q", word, text)
				}
			})
		}
		wg.Wait()
	})
	e.Alive()
	if most > hostileMemory {
		t.Errorf("RssAnon was %d MB", most>>20)
	}
	e.tame(t)
	e.discreet(t)
}
