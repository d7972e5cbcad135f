package kms_test

import (
	"reflect"
	"strings"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/service/kms/kmstest"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// keyForms says which forms of KeyId an operation takes.
type keyForms uint8

const (
	noKey   keyForms = iota
	keyOnly          // key id, key ARN
	anyForm          // alias name and alias ARN too
)

// members names for each operation its member that names a key, and its forms.
var members = map[string]struct {
	member       string
	forms        keyForms
	crossAccount bool
}{
	"CancelKeyDeletion":                   {"KeyID", keyOnly, false},
	"ConnectCustomKeyStore":               {"", noKey, false},
	"CreateAlias":                         {"TargetKeyID", keyOnly, false},
	"CreateCustomKeyStore":                {"", noKey, false},
	"CreateGrant":                         {"KeyID", keyOnly, true},
	"CreateKey":                           {"", noKey, false},
	"Decapsulate":                         {"KeyID", anyForm, true},
	"Decrypt":                             {"KeyID", anyForm, true},
	"DeleteAlias":                         {"", noKey, false},
	"DeleteCustomKeyStore":                {"", noKey, false},
	"DeleteImportedKeyMaterial":           {"KeyID", keyOnly, false},
	"DeriveSharedSecret":                  {"KeyID", anyForm, true},
	"DescribeCustomKeyStores":             {"", noKey, false},
	"DescribeKey":                         {"KeyID", anyForm, true},
	"DisableKey":                          {"KeyID", keyOnly, false},
	"DisableKeyRotation":                  {"KeyID", keyOnly, false},
	"DisconnectCustomKeyStore":            {"", noKey, false},
	"EnableKey":                           {"KeyID", keyOnly, false},
	"EnableKeyRotation":                   {"KeyID", keyOnly, false},
	"Encapsulate":                         {"KeyID", anyForm, true},
	"Encrypt":                             {"KeyID", anyForm, true},
	"GenerateDataKey":                     {"KeyID", anyForm, true},
	"GenerateDataKeyPair":                 {"KeyID", anyForm, true},
	"GenerateDataKeyPairWithoutPlaintext": {"KeyID", anyForm, true},
	"GenerateDataKeyWithoutPlaintext":     {"KeyID", anyForm, true},
	"GenerateMac":                         {"KeyID", anyForm, true},
	"GenerateRandom":                      {"", noKey, false},
	"GetKeyLastUsage":                     {"KeyID", keyOnly, false},
	"GetKeyPolicy":                        {"KeyID", keyOnly, false},
	"GetKeyRotationStatus":                {"KeyID", keyOnly, true},
	"GetParametersForImport":              {"KeyID", keyOnly, false},
	"GetPublicKey":                        {"KeyID", anyForm, true},
	"ImportKeyMaterial":                   {"KeyID", keyOnly, false},
	"ListAliases":                         {"KeyID", keyOnly, false},
	"ListGrants":                          {"KeyID", keyOnly, true},
	"ListKeyPolicies":                     {"KeyID", keyOnly, false},
	"ListKeyRotations":                    {"KeyID", keyOnly, false},
	"ListKeys":                            {"", noKey, false},
	"ListResourceTags":                    {"KeyID", keyOnly, false},
	"ListRetirableGrants":                 {"", noKey, false},
	"PutKeyPolicy":                        {"KeyID", keyOnly, false},
	"ReEncrypt":                           {"DestinationKeyID", anyForm, true},
	"ReplicateKey":                        {"KeyID", keyOnly, false},
	"RetireGrant":                         {"KeyID", keyOnly, true},
	"RevokeGrant":                         {"KeyID", keyOnly, true},
	"RotateKeyOnDemand":                   {"KeyID", keyOnly, false},
	"ScheduleKeyDeletion":                 {"KeyID", keyOnly, false},
	"Sign":                                {"KeyID", anyForm, true},
	"TagResource":                         {"KeyID", keyOnly, false},
	"UntagResource":                       {"KeyID", keyOnly, false},
	"UpdateAlias":                         {"TargetKeyID", keyOnly, false},
	"UpdateCustomKeyStore":                {"", noKey, false},
	"UpdateKeyDescription":                {"KeyID", keyOnly, false},
	"UpdatePrimaryRegion":                 {"KeyID", keyOnly, false},
	"Verify":                              {"KeyID", anyForm, true},
	"VerifyMac":                           {"KeyID", anyForm, true},
}

// naming sets the member of a sample that names a key.
func naming(in any, member, key string) any {
	reflect.ValueOf(in).Elem().FieldByName(member).Set(reflect.ValueOf(optional.Some(key)))
	return in
}

// prepared makes what the samples of operations on symmetric keys need.
func prepared(w *world, owner *actor, policies ...string) (kmstest.Fixture, kms.KeyMetadata) {
	w.t.Helper()
	return preparedFor(w, owner, "Encrypt", policies...)
}

// preparedFor makes what the sample of an operation needs.
func preparedFor(w *world, owner *actor, operation string, policies ...string) (kmstest.Fixture, kms.KeyMetadata) {
	w.t.Helper()
	spec, usage := kmstest.Kind(operation)
	other, pending := owner.createKey(policies...), owner.createKey(policies...)
	var key kms.KeyMetadata
	if kmstest.Imports(operation) {
		key = owner.createExternal(spec, usage, policies...)
		owner.bring(key, material(1))
	} else {
		key = owner.createKeyOf(spec, usage, policies...)
	}
	owner.schedule(pending, 30)
	owner.createAlias("alias/sample", key.KeyID)
	grant := must[kms.CreateGrantOutput](owner, &kms.CreateGrantInput{
		KeyID:            str(key.KeyID),
		GranteePrincipal: str(arn.Root("aws", home)),
		Operations:       []string{"DescribeKey"},
	})
	primary := owner.createPrimary(policies...)
	owner.replicate(primary, otherRegion)
	f := kmstest.Fixture{
		Key: key.KeyID, Other: other.KeyID, Alias: "alias/sample", NewAlias: "alias/new",
		Grant: grant.GrantID, Principal: arn.Root("aws", home), Pending: pending.KeyID,
		Primary: primary.KeyID, Replica: otherRegion, Region: thirdRegion,
		KeyStore: owner.createKeyStore("disconnected", "/one/kms/xks/v1"), Connected: owner.connectedKeyStore("connected", "/two/kms/xks/v1"),
	}
	if kmstest.Imports(operation) {
		f.ImportToken, f.Wrapped = w.wrapped(key, material(1))
	}
	samples := kmstest.Samples()
	switch usage {
	case "SIGN_VERIFY":
		f.Signature = must[kms.SignOutput](owner, samples["Sign"](f)).Signature
	case "GENERATE_VERIFY_MAC":
		f.Signature = must[kms.GenerateMacOutput](owner, samples["GenerateMac"](f)).Mac
	case "KEY_AGREEMENT":
	case "ENCAPSULATE_DECAPSULATE":
		f.Ciphertext = must[kms.EncapsulateOutput](owner, samples["Encapsulate"](f)).SharedSecretCiphertextBlob
	default:
		f.Ciphertext = must[kms.EncryptOutput](owner, samples["Encrypt"](f)).CiphertextBlob
	}
	return f, key
}

func TestEveryOperationHasASample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	samples := kmstest.Samples()
	for name := range w.operations {
		if samples[name] == nil || members[name].member == "" && members[name].forms != noKey {
			t.Errorf("%s has no sample or no entry in members", name)
		}
	}
	for name := range samples {
		if _, known := w.operations[name]; !known {
			t.Errorf("there is a sample of %s, which is no operation", name)
		}
	}
}

func TestSamplesSucceed(t *testing.T) {
	t.Parallel()
	for name, sample := range kmstest.Samples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			owner := w.root(home)
			fixture, _ := preparedFor(w, owner, name)
			if _, err := owner.do(sample(fixture)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	fixture, _ := prepared(w, owner)
	fixture.Signature, fixture.ImportToken, fixture.Wrapped = []byte("signature"), []byte("token"), []byte("wrapped")
	byARN := fixture
	byARN.Key, byARN.Other, byARN.Pending = keyARN(home, fixture.Key), keyARN(home, fixture.Other), keyARN(home, fixture.Pending)
	byARN.Primary = keyARN(home, fixture.Primary)
	for name, sample := range kmstest.Samples() {
		if _, err := w.user(home, "nobody").do(sample(fixture)); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s as a user without rights: %v", name, err)
		}
		if name == "CreateKey" || name == "GenerateRandom" || strings.Contains(name, "CustomKeyStore") || strings.HasPrefix(name, "List") && members[name].forms == noKey {
			continue // about the caller's own account
		}
		_, err := w.user(abroad, "foreigner", everything).do(sample(byARN))
		switch name {
		case "ListAliases":
			if err != nil {
				t.Errorf("%s in another account: %v", name, err)
			}
		case "DeleteAlias", "UpdateAlias":
			if !fault.Is(err, kms.NotFound) {
				t.Errorf("%s in another account: %v", name, err)
			}
		default:
			if !fault.Is(err, fault.AccessDenied) {
				t.Errorf("%s in another account: %v", name, err)
			}
		}
	}
}

func TestKeyForms(t *testing.T) {
	t.Parallel()
	for name, sample := range kmstest.Samples() {
		m := members[name]
		if m.forms == noKey {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			owner := w.root(home)
			fixture, key := preparedFor(w, owner, name)
			for _, form := range []string{key.KeyID, key.ARN, "alias/sample", aliasARN("alias/sample")} {
				in := naming(sample(fixture), m.member, form)
				takes := !strings.Contains(form, "alias/") || m.forms == anyForm
				switch {
				case takes && name == "CreateAlias" && form == key.ARN:
					owner.refused(in, kms.AlreadyExists, "An alias with the name "+aliasARN("alias/new")+" already exists")
				case takes && (name == "RetireGrant" || name == "RevokeGrant") && form == key.ARN:
					owner.refused(in, kms.NotFound, "Grant ID "+fixture.Grant+" not found")
				case takes && (name == "ReplicateKey" || name == "UpdatePrimaryRegion"):
					owner.refused(in, fault.UnsupportedOperation, key.ARN+" is not a multi-region primary key.")
				case takes && name == "CancelKeyDeletion":
					owner.refused(in, kms.InvalidState, key.ARN+" is not pending deletion.")
				case takes && name == "ScheduleKeyDeletion" && form == key.ARN:
					owner.refused(in, kms.InvalidState, key.ARN+" is pending deletion.")
				case takes:
					if _, err := owner.do(in); err != nil {
						t.Errorf("%s: %v", form, err)
					}
				case m.member == "TargetKeyID":
					owner.refused(in, fault.Validation, "Aliases must refer to keys. Not aliases")
				case strings.HasPrefix(form, "arn:"):
					owner.refused(in, kms.InvalidARN, "Key Aliases are not supported for this operation.")
				default:
					owner.refused(in, kms.NotFound, "Invalid keyId '"+form+"'")
				}
			}
			refusedNames(owner, func(form string) any { return naming(sample(fixture), m.member, form) }, m.forms)
			missingAbroad(owner, m.crossAccount && m.forms == anyForm, name, func(form string) any { return naming(sample(fixture), m.member, form) })
		})
	}
}

// refusedNames tries what names nothing in the caller's account.
func refusedNames(owner *actor, in func(string) any, forms keyForms) {
	owner.w.t.Helper()
	elsewhere := strings.Replace(keyARN(home, nowhere), region, "us-east-1", 1)
	type refusal struct {
		code    fault.Code
		message string
	}
	cases := map[string]refusal{
		nowhere:               {kms.NotFound, "Key '" + keyARN(home, nowhere) + "' does not exist"},
		keyARN(home, nowhere): {kms.NotFound, "Key '" + keyARN(home, nowhere) + "' does not exist"},
		"mrk-1234abcd12ab34cd56ef1234567890ab": {kms.NotFound,
			"Key '" + keyARN(home, "mrk-1234abcd12ab34cd56ef1234567890ab") + "' does not exist"},
		"no-key":                           {kms.NotFound, "Invalid keyId 'no-key'"},
		strings.ToUpper(nowhere):           {kms.NotFound, "Invalid keyId '" + strings.ToUpper(nowhere) + "'"},
		keyARN(home, "no-key"):             {kms.NotFound, "Invalid keyId 'no-key'"},
		elsewhere:                          {kms.NotFound, "Invalid arn us-east-1"},
		"arn:aws:kms:" + region:            {kms.InvalidARN, "Invalid arn: arn:aws:kms:" + region},
		"arn:aws:iam::" + home + ":user/u": {kms.InvalidARN, "Invalid arn: arn:aws:iam::" + home + ":user/u"},
		keyARN("1", nowhere):               {kms.InvalidARN, "Invalid arn: " + keyARN("1", nowhere)},
		"arn:aws-cn" + elsewhere[len("arn:aws"):]: {kms.InvalidARN,
			"Invalid arn: arn:aws-cn" + elsewhere[len("arn:aws"):]},
		"arn:aws:kms:" + region + ":" + home + ":grant/g": {kms.InvalidARN, "Invalid arn: arn:aws:kms:" + region + ":" + home + ":grant/g"},
	}
	if forms == anyForm {
		cases["alias/none"] = refusal{kms.NotFound, "Alias " + aliasARN("alias/none") + " is not found."}
		cases[aliasARN("alias/none")] = refusal{kms.NotFound, "Alias " + aliasARN("alias/none") + " is not found."}
	}
	for form, want := range cases {
		owner.refused(in(form), want.code, want.message)
	}
}

// missingAbroad tries keys and aliases of another account that don't exist: the
// answer is that of a key whose policy lets nobody in.
func missingAbroad(owner *actor, aliases bool, name string, in func(string) any) {
	owner.w.t.Helper()
	foreign := keyARN(abroad, nowhere)
	if name == "ListAliases" {
		owner.refused(in(foreign), kms.NotFound, "Key '"+foreign+"' does not exist")
		return
	}
	_, err := owner.do(in(foreign))
	if got := fault.From(err); got.Code != fault.AccessDenied || !strings.Contains(got.Message, " on resource: "+foreign+" because no ") {
		owner.w.t.Errorf("a key of another account that does not exist: %v", err)
	}
	if !aliases {
		return
	}
	alias := strings.Replace(aliasARN("alias/none"), home, abroad, 1)
	_, err = owner.do(in(alias))
	if got := fault.From(err); got.Code != fault.AccessDenied || !strings.Contains(got.Message, " on resource: "+alias+" because no resource-based policy allows the ") {
		owner.w.t.Errorf("an alias of another account that does not exist: %v", err)
	}
}

// An alias of another account is not given away by how a call is refused.
func TestForeignAliasIsNotGivenAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, foreigner := w.root(home), w.user(abroad, "foreigner", everything)
	key := owner.createKey()
	owner.createAlias("alias/there", key.KeyID)
	for _, name := range []string{"alias/there", "alias/not-there"} {
		foreigner.denied(&kms.DescribeKeyInput{KeyID: str(aliasARN(name))}, "kms:DescribeKey", aliasARN(name), noResource("kms:DescribeKey"))
		w.recorded(`{"keyId":"`+aliasARN(name)+`"}`, `null`, `{}`)
	}
}

// Nor is a key, in the answer or in the record.
func TestForeignKeyIsNotGivenAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	foreigner := w.user(abroad, "foreigner", everything)
	for _, id := range []string{w.root(home).createKey().KeyID, nowhere} {
		name := keyARN(home, id)
		foreigner.denied(&kms.DescribeKeyInput{KeyID: str(name)}, "kms:DescribeKey", name, noResource("kms:DescribeKey"))
		w.recorded(`{"keyId":"`+name+`"}`, `null`, `{}`, "AWS::KMS::Key "+name+" "+home)
		foreigner.refused(&kms.ListAliasesInput{KeyID: str(name)}, kms.NotFound, "Key '"+name+"' does not exist")
		w.recorded(`{"keyId":"`+name+`"}`, `null`, `{}`, "AWS::KMS::Key "+name+" "+home)
		foreigner.denied(&kms.EnableKeyInput{KeyID: str(name)}, "kms:EnableKey", name, noResource("kms:EnableKey"))
		w.recorded(`{"keyId":"`+name+`"}`, `null`, `{}`, "AWS::KMS::Key "+name+" "+home)
	}
}

// What was read of a key is used only as long as nobody changes the key.
func TestSnapshotsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key, other := owner.createKey(), owner.createKey()
	owner.createAlias("alias/a", key.KeyID)
	describe := func() kms.KeyMetadata {
		return must[kms.DescribeKeyOutput](owner, &kms.DescribeKeyInput{KeyID: str("alias/a")}).KeyMetadata
	}
	describe()
	owner.done(&kms.UpdateKeyDescriptionInput{KeyID: str(key.KeyID), Description: str("new")})
	if got := describe(); got.Description != "new" {
		t.Errorf("description %q after it was changed", got.Description)
	}
	owner.done(&kms.DisableKeyInput{KeyID: str(key.KeyID)})
	owner.refused(&kms.EncryptInput{KeyID: str("alias/a"), Plaintext: secret("x")}, kms.Disabled, key.ARN+" is disabled.")
	owner.done(&kms.UpdateAliasInput{AliasName: str("alias/a"), TargetKeyID: str(other.KeyID)})
	if got := describe(); got.KeyID != other.KeyID {
		t.Errorf("the alias still names %s", got.KeyID)
	}
	owner.done(&kms.DeleteAliasInput{AliasName: str("alias/a")})
	owner.refused(&kms.DescribeKeyInput{KeyID: str("alias/a")}, kms.NotFound, "Alias "+aliasARN("alias/a")+" is not found.")
	reader := w.user(home, "reader", allow("kms:DescribeKey"))
	must[kms.DescribeKeyOutput](reader, &kms.DescribeKeyInput{KeyID: str(key.KeyID)})
	owner.done(&kms.PutKeyPolicyInput{KeyID: str(key.KeyID), Policy: str(keyPolicy(
		`{"Sid":"Shut","Effect":"Deny","Principal":"*","Action":"kms:DescribeKey","Resource":"*"}`))})
	reader.denied(&kms.DescribeKeyInput{KeyID: str(key.KeyID)}, "kms:DescribeKey", key.ARN, "with an explicit deny in a resource-based policy")
}

// A cryptographic call reads no store when its key is at hand.
func TestWarmCallsReadNoStore(t *testing.T) {
	t.Parallel()
	samples := kmstest.Samples()
	calls := 0
	for _, name := range []string{
		"Decapsulate", "Decrypt", "DeriveSharedSecret", "DescribeKey", "Encapsulate", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GenerateRandom", "GetPublicKey",
		"ReEncrypt", "Sign", "Verify", "VerifyMac",
	} {
		w := newWorld(t)
		owner := w.root(home)
		fixture, key := preparedFor(w, owner, name)
		for _, form := range []string{key.KeyID, key.ARN, "alias/sample", aliasARN("alias/sample")} {
			in := samples[name](fixture)
			if m := members[name]; m.forms != noKey {
				naming(in, m.member, form)
			}
			if _, err := owner.do(in); err != nil {
				t.Fatal(err)
			}
			before := w.reads
			if _, err := owner.do(in); err != nil {
				t.Fatal(err)
			}
			if w.reads != before {
				t.Errorf("%s of %s read the store", name, form)
			}
			calls++
		}
	}
	if calls != 68 {
		t.Errorf("%d calls", calls)
	}
}

// Whatever can deny must be there: a key that has lost its policy or material
// answers nobody, and nobody is told why.
func TestLostRowsFailClosed(t *testing.T) {
	t.Parallel()
	for _, material := range []bool{false, true} {
		w := newWorld(t)
		owner := w.root(home)
		key := owner.createKey()
		ok(t, kms.Lose(t.Context(), w.store, region, key.KeyID, material))
		for _, in := range []any{
			&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")},
			&kms.DescribeKeyInput{KeyID: str(key.KeyID)},
		} {
			owner.failed(in, errDamaged)
		}
	}
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	w.state(key.KeyID, "Strange")
	owner.failed(&kms.EncryptInput{KeyID: str(key.KeyID), Plaintext: secret("x")}, errDamaged)
	owner.failed(&kms.EnableKeyInput{KeyID: str(key.KeyID)}, errDamaged)
}
