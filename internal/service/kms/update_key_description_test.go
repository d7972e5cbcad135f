package kms_test

import (
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
)

func TestUpdateKeyDescription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	for _, text := range []string{"short", "short", strings.Repeat("é", 8191), strings.Repeat("é", 8192), ""} {
		owner.done(&kms.UpdateKeyDescriptionInput{KeyID: str(key.KeyID), Description: str(text)})
		if got := must[kms.DescribeKeyOutput](owner, &kms.DescribeKeyInput{KeyID: str(key.KeyID)}).KeyMetadata.Description; got != text {
			t.Errorf("described as %q", got)
		}
	}
	owner.done(&kms.UpdateKeyDescriptionInput{KeyID: str(key.KeyID), Description: str("last")})
	w.recorded(`{"keyId":"`+key.KeyID+`","description":"last"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
	owner.refused(&kms.UpdateKeyDescriptionInput{KeyID: str(key.KeyID)}, fault.Validation,
		"1 validation error detected: Value null at 'description' failed to satisfy constraint: Member must not be null")
	_, err := owner.do(&kms.UpdateKeyDescriptionInput{KeyID: str(key.KeyID), Description: str(strings.Repeat("x", 8193))})
	if got := fault.From(err); !strings.HasSuffix(got.Message, "at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192") {
		t.Errorf("a description that is too long: %v", err)
	}
}
