// Package built makes the Caddy of this repository for tests of real processes.
package built

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
)

// Caddy builds ../.., the repository as a test two folders below it sees it, into
// a folder.
//
// It reads the repository's folders first: `go test` keeps a pass until a file or
// folder changes that the test has opened, and would not know of those that
// another process compiles.
func Caddy(dir string) (path string, err error) {
	const root = "../.."
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		hidden := path != root && strings.HasPrefix(d.Name(), ".")
		if err == nil && d.IsDir() && (hidden || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reading the repository: %w", err)
	}
	path = filepath.Join(dir, "caddy")
	if out, err := exec.Command("go", "build", "-o", path, root).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w: %s", err, out)
	}
	return path, nil
}
