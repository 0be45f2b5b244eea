package normalize

import (
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

func node(t testing.TB, s string) jsondoc.Node {
	t.Helper()
	var d jsondoc.Doc
	if err := d.Parse([]byte(s)); err != nil {
		t.Fatalf("parsing %s: %v", s, err)
	}
	return d.Root()
}

func TestMillis(t *testing.T) {
	for in, want := range map[string]int64{
		`"1736535600"`: 1736535600000, `1736535600`: 1736535600000, `1736535600412`: 1736535600412, `"1736535600412"`: 1736535600412,
		`0`: 0, `""`: 0, `"TIMESTAMP"`: 0, `-1736535600`: 0, `1736`: 0, `17365356004120000`: 0, `null`: 0, `999999999`: 0,
		`1000000000`: 1000000000000,
		`4102444799`: 4102444799000, `4102444800`: 0, `1.7365356e9`: 1736535600000, `[]`: 0,
	} {
		if got := millis(node(t, in)); got != want {
			t.Errorf("%s is %d, want %d", in, got, want)
		}
	}
}

func TestAppendShifted(t *testing.T) {
	for in, want := range map[string]string{
		"25000": "25", "25990": "25.99", "1": "0.001", "0": "0", "-0": "0", "-1500": "-1.5", "12345678901234567890": "12345678901234567.89",
		"25000.0": "25", "999.5": "0.9995", "2.5e4": "25", "2.5E+4": "25", "25e-1": "0.0025", "1e6": "1000",
		"1e40":  "10000000000000000000000000000000000000",
		"0.000": "0", "100": "0.1", "-0.001": "-0.000001",
	} {
		got, ok := appendShifted([]byte("x"), Value(in), 3)
		if !ok || string(got) != "x"+want {
			t.Errorf("%s / 1000 = %s, %v, want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"1e41", "1e-41", "1e999999999999"} {
		if got, ok := appendShifted(nil, Value(in), 3); ok {
			t.Errorf("%s / 1000 = %s", in, got)
		}
	}
}

func TestNumber(t *testing.T) {
	for in, want := range map[string]string{
		`12.50`: "12.50", `"12.50"`: "12.50", `"-1e3"`: "-1e3", `"-1E+03"`: "-1E+03", `"01"`: "", `""`: "", `"-"`: "", `"1."`: "", `".5"`: "",
		`"1e"`: "", `"1 "`: "",
		`"0x1"`: "", `true`: "", `null`: "", `"0"`: "0", `"0.0"`: "0.0", `"NaN"`: "", `"00"`: "", `"-0.1"`: "-0.1", `"1,5"`: "",
	} {
		if got := number(node(t, in)); string(got) != want {
			t.Errorf("%s is %q, want %q", in, got, want)
		}
	}
}
