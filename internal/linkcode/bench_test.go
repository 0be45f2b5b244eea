package linkcode

import (
	"strings"
	"testing"
)

// usual are texts without a code.
var usual = map[string]string{
	"english":    "Hi! I saw your ad and would like to know more about the 2 bedroom flat, is it still available?",
	"portuguese": "Olá! Gostaria de saber mais informações sobre o plano de R$ 99,90. Vocês atendem em São Paulo?",
	"hindi":      "नमस्ते, मुझे इस ऑफ़र के बारे में और जानकारी चाहिए। कीमत क्या है?",
	"cyrillic":   "Здравствуйте! Подскажите, пожалуйста, сколько стоит доставка в Москву?",
	"digits":     "Order 34678-98764 of 2026-11-27, +1 555 078 3881, tracking JD014600006811",
	"long":       strings.Repeat("Hi! I saw your ad and would like to know more. ", 80),
}

func BenchmarkFind(b *testing.B) {
	for name, text := range usual {
		b.Run(name, func(b *testing.B) {
			data := []byte(text)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := Find(data); ok {
					b.Fatal("found a code")
				}
			}
		})
	}
}

func BenchmarkFound(b *testing.B) {
	data := []byte("Ref K7QW3-MPDXR. Hi! I would like to know more")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Find(data); !ok {
			b.Fatal("found no code")
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	for b.Loop() {
		Draw()
	}
}

// TestFindAllocatesNothing of texts without a code.
func TestFindAllocatesNothing(t *testing.T) {
	for name, text := range usual {
		data := []byte(text)
		if n := testing.AllocsPerRun(100, func() { Find(data) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
