package kms

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "print the reference page anew")

// TestKeyStatesPage prints which state of a key allows what.
func TestKeyStatesPage(t *testing.T) {
	t.Parallel()
	states := []keyState{
		stateEnabled, stateDisabled, statePendingDeletion, statePendingReplicaDeletion,
		statePendingImport, stateUnavailable, stateCreating, stateUpdating,
	}
	var b bytes.Buffer
	b.WriteString("# Key states\n\nPrinted from the code by `make golden`; a test fails when this page is stale. A refusal is `DisabledException`\n" +
		"where it says *is disabled*, else `KMSInvalidStateException`; its text is the key's ARN and what stands here.\n" +
		"What is not listed (describe, list, read and replace the policy, delete an alias, end a grant) works in every state.\n\n" +
		"| state | use the material | show the public key | make a grant | tags, description, aliases | enable, disable | schedule its deletion | cancel its deletion | get ready for an import | import material | delete imported material | replicate it |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, state := range states {
		row, known := stateFaults[state]
		if !known {
			t.Fatalf("state %s has no row", state)
		}
		fmt.Fprintf(&b, "| %s |", state)
		for _, text := range row {
			if text == "" {
				text = "works"
			}
			fmt.Fprintf(&b, " %s |", text)
		}
		b.WriteByte('\n')
	}
	for state := range stateFaults {
		if !slices.Contains(states, state) {
			t.Errorf("state %s is not on the page", state)
		}
	}
	const page = "../../../docs/reference/key-states.md"
	if *update {
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if printed, err := os.ReadFile(page); err != nil || !bytes.Equal(printed, b.Bytes()) {
		t.Errorf("%s is stale (%v): run make golden", page, err)
	}
}
