package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEnvFile reads what caddy run --envfile reads.
func TestEnvFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	write := func(text string) string {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, name := range []string{"LG_A", "LG_B", "LG_C", "LG_D"} {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("LG_E", "kept")
	if err := loadEnv(write("# a comment\n\nLG_A=one # two\nexport LG_B=\"a # b\"\nLG_C='x\ny'\nLG_D=\nLG_E=other\n")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"LG_A": "one", "LG_B": "a # b", "LG_C": "x\ny", "LG_D": "", "LG_E": "kept"} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, bad := range []string{"LG_A", "=x", "LG A=x", "LG_A='x"} {
		if err := loadEnv(write(bad)); err == nil || strings.Contains(err.Error(), "x'") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := loadEnv(file + "x"); err == nil {
		t.Error("no file is no error")
	}
}
