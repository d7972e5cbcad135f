package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// logged matches where a message of the log stands in the source.
var logged = regexp.MustCompile(`(?:(?:\blog|logger)\.(?:Info|Warn|Error|Debug)\(|\.warn\(|newSampler\([a-z.]+, )"([^"]+)"`)

// messages are all that the server logs. Of its tasks each has two.
func messages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	pair := regexp.MustCompile(`\{task\w+, "([^"]+)", "([^"]+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range logged.FindAllStringSubmatch(string(source), -1) {
			found[m[1]] = file
		}
		for _, m := range pair.FindAllStringSubmatch(string(source), -1) {
			found[m[1]], found[m[2]] = file, file
		}
		if strings.Contains(string(source), `Message: "ready"`) {
			found["ready"] = file
		}
	}
	return found
}

// TestLogsPage: every message of the log stands on its page, and no other.
func TestLogsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operating/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (?:debug|info|warn|error) \\|").FindAllStringSubmatch(string(page), -1) {
		said[m[1]] = true
	}
	found := messages(t)
	if len(found) < 25 {
		t.Fatalf("only %d messages were found", len(found))
	}
	for message, file := range found {
		if !said[message] {
			t.Errorf("%s logs %q, of which docs/operating/logs.md does not speak", file, message)
		}
	}
	for message := range said {
		if found[message] == "" {
			t.Errorf("docs/operating/logs.md speaks of %q, which nobody logs", message)
		}
	}
}
