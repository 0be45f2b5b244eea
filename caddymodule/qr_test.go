package caddymodule

import (
	"image"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	goqr "github.com/piglig/go-qr"
)

// drawn is an SVG of one path of corners, as pixels.
func drawn(t *testing.T, svg string) image.Image {
	t.Helper()
	box := regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"`).FindStringSubmatch(svg)
	path := regexp.MustCompile(`<path d="([^"]*)" fill="#000000" fill-rule="evenodd"`).FindStringSubmatch(svg)
	if box == nil || path == nil || box[1] != box[2] {
		t.Fatalf("no QR code: %s", svg)
	}
	size, _ := strconv.Atoi(box[1])
	img := image.NewGray(image.Rect(0, 0, size, size))
	// Every edge that goes up or down turns all that is right of it.
	turn := func(x, from, to int) {
		for y := min(from, to); y < max(from, to); y++ {
			for i := x; i < size; i++ {
				img.Pix[y*img.Stride+i] ^= 0xff
			}
		}
	}
	var x, y, startX, startY int
	move := func(toX, toY int) {
		if toX == x {
			turn(x, y, toY)
		} else if toY != y {
			t.Fatal("an edge is neither upright nor level")
		}
		x, y = toX, toY
	}
	for _, step := range regexp.MustCompile(`[A-Za-z][^A-Za-z]*`).FindAllString(path[1], -1) {
		var n []int
		for _, word := range regexp.MustCompile(`-?\d+`).FindAllString(step[1:], -1) {
			v, _ := strconv.Atoi(word)
			n = append(n, v)
		}
		switch step[0] {
		case 'M':
			x, y, startX, startY = n[0], n[1], n[0], n[1]
		case 'L':
			move(n[0], n[1])
		case 'H':
			move(n[0], y)
		case 'V':
			move(x, n[0])
		case 'h':
			move(x+n[0], y)
		case 'v':
			move(x, y+n[0])
		case 'Z', 'z':
			move(startX, startY)
		default:
			t.Fatalf("step %q", step)
		}
	}
	for i := range img.Pix {
		img.Pix[i] ^= 0xff // what the path is around is black
	}
	for i := range 40 { // the margin
		if img.At(i, size/2) != (color.Gray{Y: 0xff}) || img.At(size/2, size-1-i) != (color.Gray{Y: 0xff}) {
			t.Fatal("the margin is less than four modules")
		}
	}
	return img
}

// TestQR draws the QR codes of links, and reads what it drew.
func TestQR(t *testing.T) {
	config := func(sites string) string {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		if err := os.WriteFile(file, []byte(sites), 0o600); err != nil {
			t.Fatal(err)
		}
		return "--config=" + file
	}
	block := func(path, tenant, link string) string {
		return "leadgate_link " + path + " {\ntenant " + tenant + "\n" + strings.ReplaceAll(goodLink, "summer", link) + "}\n"
	}
	t.Setenv("LG_DOMAIN", "go.example.com")
	for _, c := range []struct {
		sites string
		args  []string
		want  string
	}{
		{"bots.example.com {\n" + block("/go/*", "acme", "summer") + "}\n", []string{"summer"}, "HTTPS://BOTS.EXAMPLE.COM/GO/SUMMER/Q"},
		{"bots.example.com {\n" + block("/Go*", "acme", "Summer-26") + "}\n", []string{"SUMMER-26"}, "HTTPS://BOTS.EXAMPLE.COM/GO/SUMMER-26/Q"},
		{"{$LG_DOMAIN} {\n" + block("", "acme", "summer") + "}\n", []string{"summer"}, "HTTPS://GO.EXAMPLE.COM/SUMMER/Q"},
		{"bots.example.com {\nhandle_path /a/* {\n" + block("/b/*", "acme", "summer") + "}\n}\n", []string{"summer"},
			"HTTPS://BOTS.EXAMPLE.COM/A/B/SUMMER/Q"},
		{"http://x.example.com:8080, https://x.example.com {\n" + block("/go/*", "acme", "summer") + "}\n", []string{"summer"},
			"HTTPS://X.EXAMPLE.COM/GO/SUMMER/Q"},
		{"http://localhost:8080 {\n" + block("/go/*", "acme", "summer") + "}\n", []string{"summer"}, "HTTP://LOCALHOST:8080/GO/SUMMER/Q"},
		{"a.example.com {\n" + block("/go/*", "acme", "summer") + "}\nb.example.com {\n" + block("/go/*", "globex", "summer") + "}\n",
			[]string{"--tenant", "globex", "summer"}, "HTTPS://B.EXAMPLE.COM/GO/SUMMER/Q"},
	} {
		out := mustCLI(t, append([]string{"qr", config(c.sites)}, c.args...)...)
		said, svg, _ := strings.Cut(out, "\n")
		read, err := goqr.DecodeDetailed(drawn(t, svg))
		if err != nil {
			t.Fatalf("%s: %v", c.want, err)
		}
		if read.Text != c.want || said != c.want {
			t.Errorf("it reads %s, and says %s, want %s", read.Text, said, c.want)
		}
		for _, s := range read.Segments {
			if s.Mode != 2 { // alphanumeric, as ISO 18004 has it
				t.Errorf("%s is written in another mode than capitals have: %d", c.want, s.Mode)
			}
		}
	}
	two := config("a.example.com {\n" + block("/go/*", "acme", "summer") + "}\nb.example.com {\n" + block("/go/*", "globex", "summer") + "}\n")
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{two, "summer"}, "link summer is one of tenants acme, globex: write --tenant"},
		{[]string{two, "sumer"}, "there is no link sumer: write summer"},
		{[]string{two, "--tenant", "initech", "summer"}, "tenant initech has no link summer: write one of acme, globex"},
		{[]string{two, "--tenant", "", "summer"}, "--tenant is empty"},
		{[]string{config("a.example.com {\nrespond 404\n}\n"), "summer"}, "the configuration has no link"},
		{[]string{config("a.example.com {\nleadgate_link {\n}\n}\n"), "summer"}, "needs a tenant"},
		{[]string{config("a.example.com {\n" + block("/go/", "acme", "summer") + "}\n"), "summer"},
			"write a star behind the path: `leadgate_link /go/*`"},
		{[]string{config("a.example.com {\n" + block("/go/*?x=y", "acme", "summer") + "}\n"), "summer"}, "write the path alone"},
		{[]string{config("a.example.com {\nhandle {\nrespond 404\n}\n" + block("/go/*", "acme", "summer") + "}\n"), "summer"},
			"nobody would get to link summer: https://a.example.com/go/: leadgate_link is never reached"},
		{[]string{config("a.example.com {\nhandle {\nrespond 404\n}\n" + block("/go/*", "acme", "summer") + "}\n"), "summer"},
			"put it into a handle of its own: `handle /go/* { leadgate_link … }`"},
		{[]string{config("*.example.com {\n" + block("/go/*", "acme", "summer") + "}\n"), "summer"}, "write the site's whole domain"},
		{[]string{"--config=/nowhere/Caddyfile", "summer"}, "/nowhere/Caddyfile"},
		{[]string{two}, "accepts 1 arg"},
	} {
		if out, err := cli(t, append([]string{"qr"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want %s\n%.100s", c.args, err, c.says, out)
		}
	}
}
