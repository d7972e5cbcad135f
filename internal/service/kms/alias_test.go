package kms_test

import (
	"fmt"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func TestAliasNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	longest := "alias/" + strings.Repeat("a", 250)
	owner.createAlias(longest, key.KeyID)
	owner.createAlias("alias/A/b_c-9", key.KeyID)
	const one = "1 validation error detected: "
	const pattern = "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
	for _, c := range []struct {
		name optional.Of[string]
		code fault.Code
		want string
	}{
		{optional.Of[string]{}, fault.Validation, one + "Value null at 'aliasName' failed to satisfy constraint: Member must not be null"},
		{str(""), fault.Validation, "2 validation errors detected: Value '' at 'aliasName' failed to satisfy constraint: " +
			"Member must have length greater than or equal to 1; Value '' at 'aliasName' failed to satisfy constraint: " + pattern},
		{str(longest + "a"), fault.Validation, one + "Value '" + longest + "a' at 'aliasName' failed to satisfy constraint: " +
			"Member must have length less than or equal to 256"},
		{str("alias/a b"), fault.Validation, one + "Value 'alias/a b' at 'aliasName' failed to satisfy constraint: " + pattern},
		{str("name"), fault.Validation, `Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`},
		{str("alias/"), fault.Validation, "alias/ contains invalid characters for an alias"},
		{str("alias/a:b"), fault.Validation, "alias/a:b contains invalid characters for an alias"},
		{str("alias/aws/s3"), kms.InvalidAliasName, "Alias names that begin with alias/aws/ are reserved: alias/aws/s3"},
	} {
		owner.refused(&kms.CreateAliasInput{AliasName: c.name, TargetKeyID: str(key.KeyID)}, c.code, c.want)
		owner.refused(&kms.UpdateAliasInput{AliasName: c.name, TargetKeyID: str(key.KeyID)}, c.code, c.want)
		owner.refused(&kms.DeleteAliasInput{AliasName: c.name}, c.code, c.want)
	}
	owner.refused(&kms.CreateAliasInput{AliasName: str("alias/new")}, fault.Validation,
		one+"Value null at 'targetKeyId' failed to satisfy constraint: Member must not be null")
}

func TestCreateAlias(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	w.recorded(`{"aliasName":"alias/a","targetKeyId":"`+key.KeyID+`"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofKey(key), ofAlias("alias/a"))
	for _, k := range []kms.KeyMetadata{key, other} {
		owner.refused(&kms.CreateAliasInput{AliasName: str("alias/a"), TargetKeyID: str(k.KeyID)},
			kms.AlreadyExists, "An alias with the name "+aliasARN("alias/a")+" already exists")
	}
	owner.createAlias("alias/A", key.KeyID) // names have a case
	w.root(abroad).createAlias("alias/a", w.root(abroad).createKey().KeyID)
}

func TestAliasesPerKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	for i := range kms.AliasesPerKey {
		owner.createAlias(fmt.Sprintf("alias/%02d", i), key.KeyID)
	}
	full := "The key " + key.ARN + " already has 50 aliases."
	owner.refused(&kms.CreateAliasInput{AliasName: str("alias/more"), TargetKeyID: str(key.KeyID)}, fault.LimitExceeded, full)
	owner.createAlias("alias/more", other.KeyID)
	owner.refused(&kms.UpdateAliasInput{AliasName: str("alias/more"), TargetKeyID: str(key.KeyID)}, fault.LimitExceeded, full)
	owner.done(&kms.UpdateAliasInput{AliasName: str("alias/00"), TargetKeyID: str(key.KeyID)})
	owner.done(&kms.DeleteAliasInput{AliasName: str("alias/00")})
	owner.done(&kms.UpdateAliasInput{AliasName: str("alias/more"), TargetKeyID: str(key.KeyID)})
}

func TestUpdateAlias(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	made := w.now
	w.now = w.now.Add(90 * 1e9)
	for range 2 {
		owner.done(&kms.UpdateAliasInput{AliasName: str("alias/a"), TargetKeyID: str(other.ARN)})
	}
	w.recorded(`{"aliasName":"alias/a","targetKeyId":"`+other.ARN+`"}`, `{"keyId":"`+other.ARN+`"}`, `{}`, ofAlias("alias/a"), ofKey(other))
	got := must[kms.ListAliasesOutput](owner, &kms.ListAliasesInput{}).Aliases[0]
	if got.TargetKeyID.V != other.KeyID || got.CreationDate.V.Unix() != made.Unix() || got.LastUpdatedDate.V.Unix() != w.now.Unix() {
		t.Errorf("moved to %+v", got)
	}
	owner.done(&kms.UpdateAliasInput{AliasName: str("alias/a"), TargetKeyID: str(key.KeyID)})
	w.recorded(`{"aliasName":"alias/a","targetKeyId":"`+key.KeyID+`"}`, `{"keyId":"`+key.ARN+`"}`, `{}`,
		ofAlias("alias/a"), ofKey(other), ofKey(key))
	owner.refused(&kms.UpdateAliasInput{AliasName: str("alias/none"), TargetKeyID: str(key.KeyID)}, kms.NotFound,
		"Alias "+aliasARN("alias/none")+" is not found.")

	w.state(key.KeyID, "PendingDeletion") // the old key's state does not matter, the new one's does
	owner.done(&kms.UpdateAliasInput{AliasName: str("alias/a"), TargetKeyID: str(other.KeyID)})
	owner.refused(&kms.UpdateAliasInput{AliasName: str("alias/a"), TargetKeyID: str(key.KeyID)}, kms.InvalidState, key.ARN+" is pending deletion.")

}

// TestUpdateAliasOfKinds: an alias moves among keys of one type (symmetric,
// asymmetric, HMAC) and one usage.
func TestUpdateAliasOfKinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	kinds := map[string][]kms.KeyMetadata{
		"symmetric": {owner.createKey(), owner.createKey()},
		"encrypts":  {owner.fixedRSA("RSA_2048", "ENCRYPT_DECRYPT"), owner.fixedRSA("RSA_3072", "ENCRYPT_DECRYPT")},
		"signs":     {owner.createKeyOf("ECC_NIST_P256", "SIGN_VERIFY"), owner.createKeyOf("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")},
		"agrees":    {owner.createKeyOf("ECC_NIST_P256", "KEY_AGREEMENT"), owner.createKeyOf("ECC_NIST_P521", "KEY_AGREEMENT")},
		"mac":       {owner.createKeyOf("HMAC_256", "GENERATE_VERIFY_MAC"), owner.createKeyOf("HMAC_512", "GENERATE_VERIFY_MAC")},
	}
	moves := 0
	for from, keys := range kinds {
		alias := "alias/" + from
		owner.createAlias(alias, keys[0].KeyID)
		for to, others := range kinds {
			in := &kms.UpdateAliasInput{AliasName: str(alias), TargetKeyID: str(others[1].KeyID)}
			if from == to {
				owner.done(in)
			} else {
				owner.refused(in, fault.Validation, "Alias "+aliasARN(alias)+" can only be moved to a key of the same type and usage.")
			}
			moves++
		}
	}
	if moves != 25 {
		t.Errorf("%d moves", moves)
	}
}

func TestDeleteAlias(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	owner.done(&kms.DeleteAliasInput{AliasName: str("alias/a")})
	w.recorded(`{"aliasName":"alias/a"}`, `{"keyId":"`+key.ARN+`"}`, `{}`, ofAlias("alias/a"), ofKey(key))
	owner.refused(&kms.DeleteAliasInput{AliasName: str("alias/a")}, kms.NotFound, "Alias "+aliasARN("alias/a")+" is not found.")
	owner.createAlias("alias/a", key.KeyID)
}

// An alias operation needs its action on the alias and on each key.
func TestAliasPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	on := func(resources ...string) *actor {
		return w.user(home, "u", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*Alias","Resource":["`+
			strings.Join(resources, `","`)+`"]}]}`)
	}
	create := &kms.CreateAliasInput{AliasName: str("alias/b"), TargetKeyID: str(key.KeyID)}
	on(key.ARN).denied(create, "kms:CreateAlias", aliasARN("alias/b"), noIdentity("kms:CreateAlias"))
	on(aliasARN("alias/b")).denied(create, "kms:CreateAlias", key.ARN, noIdentity("kms:CreateAlias"))
	on(aliasARN("alias/b"), key.ARN).done(create)
	update := &kms.UpdateAliasInput{AliasName: str("alias/a"), TargetKeyID: str(other.KeyID)}
	on(key.ARN, other.ARN).denied(update, "kms:UpdateAlias", aliasARN("alias/a"), noIdentity("kms:UpdateAlias"))
	on(aliasARN("alias/a"), other.ARN).denied(update, "kms:UpdateAlias", key.ARN, noIdentity("kms:UpdateAlias"))
	on(aliasARN("alias/a"), key.ARN).denied(update, "kms:UpdateAlias", other.ARN, noIdentity("kms:UpdateAlias"))
	on(aliasARN("alias/a"), key.ARN, other.ARN).done(update)
	remove := &kms.DeleteAliasInput{AliasName: str("alias/a")}
	on(other.ARN).denied(remove, "kms:DeleteAlias", aliasARN("alias/a"), noIdentity("kms:DeleteAlias"))
	on(aliasARN("alias/a")).denied(remove, "kms:DeleteAlias", other.ARN, noIdentity("kms:DeleteAlias"))
	on(aliasARN("alias/a"), other.ARN).done(remove)
}
