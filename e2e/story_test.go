package e2e

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// The bank owns the key. Teller and auditor are users of the bank, the partner
// is a user of another account.
const (
	bank    = "210987654321"
	partner = "123456789012"
)

// bankPolicy lets the account delegate, lets the teller use the key for one
// purpose, and lets the partner's account decrypt for its own customers while
// the key has a tag. Nobody may decrypt what is embargoed.
const bankPolicy = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "The account", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::` + bank + `:root"},
     "Action": ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:Disable*", "kms:Get*", "kms:List*", "kms:Put*", "kms:Tag*", "kms:Untag*", "kms:Update*"],
     "Resource": "*"},
    {"Sid": "Teller", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::` + bank + `:user/teller"},
     "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*",
     "Condition": {"StringEquals": {"kms:EncryptionContext:purpose": "ledger"}}},
    {"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::` + partner + `:root"},
     "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*",
     "Condition": {"StringEquals": {"aws:ResourceTag/shared": "yes"}}},
    {"Sid": "Embargo", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
     "Condition": {"StringEquals": {"kms:EncryptionContext:embargo": "true"}}}
  ]
}`

func TestStory(t *testing.T) {
	t.Parallel()
	for _, store := range []struct {
		name  string
		start func(*testing.T) (*process, *client, *client)
	}{
		{"memory", func(t *testing.T) (*process, *client, *client) {
			p := dev(t)
			return p, p.account(bank), p.account(partner)
		}},
		{"sqlite", func(t *testing.T) (*process, *client, *client) {
			dir := t.TempDir()
			p := start(t, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir, "--init", "--account", bank}, rootEnv...)
			return p, p.root(), p.newAccount(partner)
		}},
	} {
		t.Run(store.name, func(t *testing.T) {
			t.Parallel()
			p, bankRoot, partnerRoot := store.start(t)
			story(t, p, bankRoot, partnerRoot)
		})
	}
}

func story(t *testing.T, p *process, bankRoot, partnerRoot *client) {
	ctx := t.Context()
	teller := p.user(bankRoot, "teller", "")
	auditor := p.user(bankRoot, "auditor", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:DescribeKey","kms:ListKeys"],"Resource":"*"}]}`)
	clerk := p.user(partnerRoot, "clerk", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}`)

	// Who am I?
	me := must[*sts.GetCallerIdentityOutput](t)(clerk.sts.GetCallerIdentity(ctx, nil))
	if got, want := *me.Arn, "arn:aws:iam::"+partner+":user/clerk"; got != want {
		t.Errorf("GetCallerIdentity says %s, want %s", got, want)
	}

	// The key is made by the account's root user; a user without permission is refused.
	_, err := teller.kms.CreateKey(ctx, &kms.CreateKeyInput{})
	refused(t, err, "AccessDeniedException", "User: arn:aws:iam::"+bank+":user/teller is not authorized to perform: kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action")
	created := must[*kms.CreateKeyOutput](t)(bankRoot.kms.CreateKey(ctx, &kms.CreateKeyInput{
		Policy: aws.String(bankPolicy), Description: aws.String("ledger"),
		Tags: []types.Tag{{TagKey: aws.String("shared"), TagValue: aws.String("no")}},
	}))
	key := *created.KeyMetadata.Arn
	if id := *created.KeyMetadata.KeyId; key != "arn:aws:kms:us-east-1:"+bank+":key/"+id {
		t.Errorf("the key %s has the ARN %s", id, key)
	}
	must[*kms.CreateAliasOutput](t)(bankRoot.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/ledger"), TargetKeyId: &key}))
	plaintext, ledger := []byte("forty thousand"), map[string]string{"purpose": "ledger"}

	// The teller may encrypt for the ledger, and for nothing else.
	sealed := must[*kms.EncryptOutput](t)(teller.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String("alias/ledger"), Plaintext: plaintext, EncryptionContext: ledger}))
	if *sealed.KeyId != key {
		t.Errorf("Encrypt under the alias says %s, want %s", *sealed.KeyId, key)
	}
	tellerMayNot := func(action string) string {
		return fmt.Sprintf("User: arn:aws:iam::%s:user/teller is not authorized to perform: kms:%s on resource: %s because no identity-based policy allows the kms:%s action", bank, action, key, action)
	}
	_, err = teller.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: plaintext})
	refused(t, err, "AccessDeniedException", resourceRefusal("teller", "Encrypt", key))
	_, err = teller.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})
	refused(t, err, "AccessDeniedException", tellerMayNot("DescribeKey"))

	// The auditor may describe, as the account delegates, and not decrypt, as it does not.
	must[*kms.DescribeKeyOutput](t)(auditor.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/ledger")}))
	_, err = auditor.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: ledger, KeyId: &key})
	refused(t, err, "AccessDeniedException", resourceRefusal("auditor", "Decrypt", key))
	const ambiguous = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
	_, err = auditor.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: ledger})
	refused(t, err, "AccessDeniedException", ambiguous)

	// The partner may decrypt once the key is tagged as shared.
	_, err = clerk.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: ledger})
	refused(t, err, "AccessDeniedException", ambiguous)
	must[*kms.TagResourceOutput](t)(bankRoot.kms.TagResource(ctx, &kms.TagResourceInput{KeyId: &key, Tags: []types.Tag{{TagKey: aws.String("shared"), TagValue: aws.String("yes")}}}))
	opened := must[*kms.DecryptOutput](t)(clerk.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: ledger}))
	if !bytes.Equal(opened.Plaintext, plaintext) || *opened.KeyId != key {
		t.Errorf("the partner decrypts %q with %s", opened.Plaintext, *opened.KeyId)
	}
	_, err = clerk.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: plaintext})
	refused(t, err, "AccessDeniedException", "User: arn:aws:iam::"+partner+":user/clerk is not authorized to perform: kms:Encrypt on resource: "+key+" because no resource-based policy allows the kms:Encrypt action")
	_, err = clerk.kms.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &key})
	refused(t, err, "AccessDeniedException", "User: arn:aws:iam::"+partner+":user/clerk is not authorized to perform: kms:EnableKey on resource: "+key+" because no resource-based policy allows the kms:EnableKey action")

	// Without the partner's own permission the key policy is not enough.
	p.allow(partnerRoot, "clerk", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}]}`)
	_, err = clerk.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: ledger})
	refused(t, err, "AccessDeniedException", ambiguous)
	p.allow(partnerRoot, "clerk", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"`+key+`"}]}`)

	// An embargo holds for everybody.
	embargoed := map[string]string{"purpose": "ledger", "embargo": "true"}
	hidden := must[*kms.EncryptOutput](t)(teller.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: plaintext, EncryptionContext: embargoed}))
	_, err = teller.kms.Decrypt(ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: hidden.CiphertextBlob, EncryptionContext: embargoed})
	refused(t, err, "AccessDeniedException", "User: arn:aws:iam::"+bank+":user/teller is not authorized to perform: kms:Decrypt on resource: "+key+" with an explicit deny in a resource-based policy")

	// A wrong context, a flipped bit, a missing byte: one error, without a word.
	wrong := bytes.Clone(sealed.CiphertextBlob)
	wrong[len(wrong)-1] ^= 1
	for _, in := range []*kms.DecryptInput{
		{KeyId: &key, CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"purpose": "ledger", "extra": "x"}},
		{KeyId: &key, CiphertextBlob: wrong, EncryptionContext: ledger},
		{KeyId: &key, CiphertextBlob: sealed.CiphertextBlob[:len(wrong)-1], EncryptionContext: ledger},
	} {
		_, err = teller.kms.Decrypt(ctx, in)
		refused(t, err, "InvalidCiphertextException", "")
	}

	// A disabled key serves nobody; an inactive access key is nobody's.
	must[*kms.DisableKeyOutput](t)(bankRoot.kms.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &key}))
	_, err = teller.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: plaintext, EncryptionContext: ledger})
	refused(t, err, "DisabledException", key+" is disabled.")
	must[*kms.EnableKeyOutput](t)(bankRoot.kms.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &key}))
	must[*iam.UpdateAccessKeyOutput](t)(bankRoot.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("teller"), AccessKeyId: &teller.id, Status: "Inactive"}))
	_, err = teller.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: plaintext, EncryptionContext: ledger})
	refused(t, err, "UnrecognizedClientException", "The security token included in the request is invalid.")
	_, err = teller.sts.GetCallerIdentity(ctx, nil)
	refused(t, err, "InvalidClientTokenId", "The security token included in the request is invalid.")

	// The trail tells it all.
	p.trailTells(key, teller, clerk)
}

// resourceRefusal is the refusal of a user of the bank whom neither the key
// policy nor the user's own policies let in.
func resourceRefusal(user, action, key string) string {
	return "User: arn:aws:iam::" + bank + ":user/" + user + " is not authorized to perform: kms:" + action +
		" on resource: " + key + " because no resource-based policy allows the kms:" + action + " action"
}
