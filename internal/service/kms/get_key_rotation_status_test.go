package kms_test

import (
	"testing"

	"claviger/internal/service/kms"
)

// No key is rotated. The answer names it by its ARN, however the call did.
func TestGetKeyRotationStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, key := prepared(w, w.root(home))
	asked := 0
	for _, id := range []string{key.KeyID, key.ARN} {
		got := must[kms.GetKeyRotationStatusOutput](w.root(home), &kms.GetKeyRotationStatusInput{KeyID: str(id)})
		if want := (kms.GetKeyRotationStatusOutput{KeyID: key.ARN}); *got != want {
			t.Errorf("of %s: got %+v, want %+v", id, *got, want)
		}
		asked++
	}
	if asked != 2 {
		t.Errorf("%d forms were asked", asked)
	}
}
