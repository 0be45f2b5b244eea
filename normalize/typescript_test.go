package normalize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tsc is the compiler that TestTypeScript takes from npm.
const tsc = "typescript@5.9.3"

// TestTypeScript compiles every golden file as a value of UnifiedEvent, and the
// examples of the documentation. It needs Node and npm's registry:
//
//	LEADGATE_NPM=1 go test -run TestTypeScript ./normalize
func TestTypeScript(t *testing.T) {
	if os.Getenv("LEADGATE_NPM") == "" {
		t.Skip("NOT RUN: set LEADGATE_NPM=1 where node and npm are installed; it fetches " + tsc)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("unified.d.ts", readDeclarations(t))
	write("tsconfig.json", `{"compilerOptions":{"noEmit":true,"strict":true,"noUncheckedIndexedAccess":true,"target":"es2022","types":[]}}`)
	write("golden.ts", goldenValues(t))
	write("use.ts", `import type { Kind, UnifiedEvent } from "./unified";

export function handle(event: UnifiedEvent): string | null {
  // @ts-expect-error only messages and echoes have one
  event.message.text;
  // @ts-expect-error there is no such key
  event.phone;
  // @ts-expect-error the id may be missing
  event.waId.length;
  switch (event.kind) {
    case "message":
      return event.message.text ?? event.referral.adId ?? event.utm.source;
    case "echo":
      return event.message.id;
    case "status":
      return event.status.state;
    case "automatic_event":
      return event.automaticEvent.eventName;
    case "account":
      return event.account.wabaId;
    case "conversion":
      return String(event.conversion["eventName"]);
    case "lead":
      return event.lead.answers?.[0]?.values[0] ?? event.lead.adId;
  }
}

const kinds: Record<Kind, true> = { message: true, echo: true, status: true, automatic_event: true, account: true, conversion: true };
export default kinds;
`)
	page, err := os.ReadFile("../docs/unified-json.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```ts\n(.*?)```").FindAllSubmatch(page, -1)
	if len(examples) == 0 {
		t.Error("docs/unified-json.md shows no TypeScript")
	}
	for i, m := range examples {
		write(fmt.Sprintf("page%d.ts", i), string(m[1]))
	}
	out, err := compileTypeScript(t, dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// And that compiling finds what is wrong.
	write("wrong.ts", `import type { UnifiedEvent } from "./unified";
export const wrong: UnifiedEvent[] = [{ id: "1", kind: "message" }];
`)
	if out, err = compileTypeScript(t, dir); err == nil || !bytes.Contains(out, []byte("wrong.ts")) {
		t.Fatalf("an event with two keys compiles: %v\n%s", err, out)
	}
}

func compileTypeScript(t *testing.T, dir string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "npm", "exec", "--yes", "--package="+tsc, "--", "tsc", "--project", ".")
	cmd.Dir = dir
	return cmd.CombinedOutput()
}

// goldenValues is TypeScript with the events of all golden files as literals,
// of which the compiler knows every key.
func goldenValues(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.golden.json")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	var out strings.Builder
	out.WriteString("import type { UnifiedEvent } from \"./unified\";\n")
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(text) {
			t.Fatalf("%s is not JSON", file)
		}
		fmt.Fprintf(&out, "// %s\nexport const golden%d: UnifiedEvent[] = %s;\n", file, i, bytes.TrimSpace(text))
	}
	return out.String()
}
