package kms_test

import (
	"testing"

	"claviger/internal/service/kms"
)

func TestEnableAndDisableKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	blob := owner.encrypt(key.KeyID, "hello")
	state := func() string {
		m := must[kms.DescribeKeyOutput](owner, &kms.DescribeKeyInput{KeyID: str(key.KeyID)}).KeyMetadata
		if m.Enabled != (m.KeyState == "Enabled") {
			t.Errorf("described as %+v", m)
		}
		return m.KeyState
	}
	for range 2 { // again changes nothing
		owner.done(&kms.DisableKeyInput{KeyID: str(key.KeyID)})
		w.recorded(`{"keyId":"`+key.KeyID+`"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
		if got := state(); got != "Disabled" {
			t.Errorf("the key is %s", got)
		}
	}
	owner.refused(&kms.DecryptInput{CiphertextBlob: blob}, kms.Disabled, key.ARN+" is disabled.")
	for range 2 {
		owner.done(&kms.EnableKeyInput{KeyID: str(key.ARN)})
		w.recorded(`{"keyId":"`+key.ARN+`"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key))
		if got := state(); got != "Enabled" {
			t.Errorf("the key is %s", got)
		}
	}
	if got := owner.decrypt(blob); got != "hello" {
		t.Errorf("decrypted %q", got)
	}
}

// A key is not the business of other accounts, even of those that may use it.
func TestToggleAcrossAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, guest := w.root(home), w.user(abroad, "guest", everything)
	key := owner.createKey(keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + abroad + `"},"Action":"kms:*","Resource":"*"}`))
	guest.encrypt(key.ARN, "x")
	guest.denied(&kms.DisableKeyInput{KeyID: str(key.ARN)}, "kms:DisableKey", key.ARN, noResource("kms:DisableKey"))
}
