package command

import (
	"fmt"
	"os"
	"strings"
)

// loadEnv sets the variables of an environment file that are not set yet, as
// caddy run --envfile does: KEY=value lines, with or without export, # before a
// comment, and quotes around a value that holds line ends.
func loadEnv(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the environment file: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		line, number := strings.TrimSpace(lines[i]), i+1
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !ok || key == "" || strings.ContainsAny(key, " \t") {
			return fmt.Errorf("environment file %s: line %d is not KEY=value", file, number)
		}
		if quote := value[:min(len(value), 1)]; quote == `"` || quote == "'" {
			value = value[1:]
			for !strings.Contains(value, quote) {
				if i++; i == len(lines) {
					return fmt.Errorf("environment file %s: the quote of line %d is not closed", file, number)
				}
				value += "\n" + lines[i]
			}
			value, _, _ = strings.Cut(value, quote)
		} else {
			value, _, _ = strings.Cut(value, "#")
			value = strings.TrimRight(value, " \t")
		}
		if _, set := os.LookupEnv(key); set {
			continue
		}
		if err := os.Setenv(key, value); err != nil {
			return fmt.Errorf("environment file %s: line %d: %w", file, number, err)
		}
	}
	return nil
}
