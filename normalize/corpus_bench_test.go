package normalize

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkCorpus is what each body of LEADGATE_CORPUS costs, verified,
// normalized and encoded, in HMACs of the same body: median, greatest.
// A corpus is indented; webhooks are not, so the bodies are compacted.
func BenchmarkCorpus(b *testing.B) {
	corpus := os.Getenv("LEADGATE_CORPUS")
	if corpus == "" {
		b.Skip("LEADGATE_CORPUS is not set")
	}
	files, err := filepath.Glob(filepath.Join(corpus, "*", "*.json"))
	if err != nil || len(files) == 0 {
		b.Fatalf("no files: %v", err)
	}
	var ratios []float64
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		var body bytes.Buffer
		if err := json.Compact(&body, content); err != nil {
			b.Fatal(err)
		}
		ratios = append(ratios, inHMACs(b, body.Bytes(), filepath.Base(filepath.Dir(file))))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "HMACs/median")
	b.ReportMetric(ratios[len(ratios)-1], "HMACs/greatest")
	b.ReportMetric(0, "ns/op")
}

// inHMACs is the cost of a body in HMACs of the same: the best of several
// short runs of each, side by side.
func inHMACs(b *testing.B, body []byte, provider string) float64 {
	mac := hmac.New(sha256.New, []byte("secret"))
	var sum []byte
	var batch Batch
	var out []byte
	read := Meta
	if provider == "whapi" {
		read = Whapi
	}
	hash := func() {
		mac.Reset()
		mac.Write(body)
		sum = mac.Sum(sum[:0])
	}
	all := func() {
		hash()
		batch.Reset()
		if err := read(&batch, body, 1_736_535_600_412); err != nil {
			b.Fatal(err)
		}
		for i := range batch.Events {
			batch.Events[i].SetTenant("acme")
			out, _ = batch.Events[i].AppendJSON(out[:0])
		}
	}
	bestHash, bestAll := time.Hour, time.Hour
	for range 20 {
		bestHash = min(bestHash, timed(hash))
		bestAll = min(bestAll, timed(all))
	}
	return float64(bestAll) / float64(bestHash)
}

func timed(f func()) time.Duration {
	const times = 100
	start := time.Now()
	for range times {
		f()
	}
	return time.Since(start) / times
}
