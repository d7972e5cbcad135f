package app

import (
	"bytes"
	"sync"
	"testing"

	"claviger/internal/service/iam"
	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
)

// TestRevocationUnderLoad: the trail never shows a use or a change by an access
// key, a policy or a key after the record of the change that forbids it.
func TestRevocationUnderLoad(t *testing.T) {
	t.Parallel()
	user := optional.Some("worker")
	for name, revoke := range map[string]func(w *world, id, key string){
		"access key": func(w *world, id, _ string) {
			w.must(w.caller(owner), "iam:UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: user, AccessKeyID: optional.Some(id), Status: optional.Some("Inactive")})
		},
		"user policy": func(w *world, _, _ string) {
			w.must(w.caller(owner), "iam:DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: user, PolicyName: optional.Some("own")})
		},
		"managed policy":    func(w *world, _, _ string) { w.turn("attached") },
		"policy of a group": func(w *world, _, _ string) { w.turn("grouped") },
		"boundary": func(w *world, _, _ string) {
			w.must(w.caller(owner), "iam:PutUserPermissionsBoundary", &iam.PutUserPermissionsBoundaryInput{UserName: user, PermissionsBoundary: optional.Some("arn:aws:iam::aws:policy/IAMReadOnlyAccess")})
		},
		"inline policy of a group": func(w *world, _, _ string) {
			w.must(w.caller(owner), "iam:PutGroupPolicy", &iam.PutGroupPolicyInput{GroupName: optional.Some("group"), PolicyName: optional.Some("deny"), PolicyDocument: optional.Some(denyKeys)})
		},
		"key": func(w *world, _, key string) {
			w.must(w.caller(owner), "kms:DisableKey", &kms.DisableKeyInput{KeyID: optional.Some(key)})
		},
		"key policy": func(w *world, _, key string) {
			closed := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + owner + `:root"},"Action":["kms:Put*","kms:Get*"],"Resource":"*"}]}`
			w.must(w.caller(owner), "kms:PutKeyPolicy", &kms.PutKeyPolicyInput{KeyID: optional.Some(key), Policy: optional.Some(closed)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for round := range 5 {
				w := newWorld(t)
				key := w.key()
				worker := w.newUser(owner, user.V)
				w.must(w.caller(owner), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: user, PolicyName: optional.Some("own"), PolicyDocument: optional.Some(sampleDocument)})
				w.endow(user)
				worker = w.caller(worker.AccessKeyID)

				var clients sync.WaitGroup
				begun := make(chan struct{}, 64)
				for n := range 4 {
					clients.Go(func() {
						for i := range 200 {
							credential, err := w.server.iam.Credential(t.Context(), worker.AccessKeyID, "")
							if err != nil {
								return
							}
							if (i+n)%4 == 0 && name != "key" { // tags may be set on a disabled key
								_, err = w.call(credential, "kms:TagResource", &kms.TagResourceInput{KeyID: optional.Some(key), Tags: tags()})
							} else {
								_, err = w.call(credential, "kms:Encrypt", &kms.EncryptInput{KeyID: optional.Some(key), Plaintext: canary()})
							}
							if err != nil {
								return
							}
							select {
							case begun <- struct{}{}:
							default:
							}
						}
					})
				}
				for range 5 + round*5 {
					<-begun
				}
				revoke(w, worker.AccessKeyID, key)
				clients.Wait()
				w.noneAfter(revocations[name], worker.AccessKeyID)
			}
		})
	}
}

// revocations names the operation whose record ends everything.
var revocations = map[string]string{
	"access key": "UpdateAccessKey", "user policy": "DeleteUserPolicy", "key": "DisableKey", "key policy": "PutKeyPolicy",
	"managed policy": "SetDefaultPolicyVersion", "policy of a group": "SetDefaultPolicyVersion", "boundary": "PutUserPermissionsBoundary",
	"inline policy of a group": "PutGroupPolicy",
}

const denyKeys = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:*","Resource":"*"}}`

// endow gives a user policies that say nothing of keys, until their second versions are in
// force: one is attached to it, one to a group that it is in.
func (w *world) endow(user optional.Of[string]) {
	w.t.Helper()
	root := w.caller(owner)
	const silent = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
	for _, name := range []string{"attached", "grouped"} {
		out := w.must(root, "iam:CreatePolicy", &iam.CreatePolicyInput{PolicyName: optional.Some(name), PolicyDocument: optional.Some(silent)})
		w.must(root, "iam:CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyARN: optional.Some(out.(*iam.CreatePolicyOutput).Policy.ARN), PolicyDocument: optional.Some(denyKeys)})
	}
	w.must(root, "iam:CreateGroup", &iam.CreateGroupInput{GroupName: optional.Some("group")})
	w.must(root, "iam:AddUserToGroup", &iam.AddUserToGroupInput{UserName: user, GroupName: optional.Some("group")})
	w.must(root, "iam:AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: user, PolicyARN: ownPolicy("attached")})
	w.must(root, "iam:AttachGroupPolicy", &iam.AttachGroupPolicyInput{GroupName: optional.Some("group"), PolicyARN: ownPolicy("grouped")})
}

// turn puts the second version of a policy in force.
func (w *world) turn(name string) {
	w.t.Helper()
	w.must(w.caller(owner), "iam:SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyARN: ownPolicy(name), VersionID: optional.Some("v2")})
}

func ownPolicy(name string) optional.Of[string] {
	return optional.Some("arn:aws:iam::" + owner + ":policy/" + name)
}

// noneAfter demands that no successful record of an access key follows the
// record of an operation.
func (w *world) noneAfter(operation, accessKeyID string) {
	w.t.Helper()
	records, _ := w.records(1)
	revoked, before := false, 0
	for _, e := range records {
		switch {
		case bytes.Contains(e.Record, []byte(`"eventName":"`+operation+`"`)):
			revoked = true
		case !bytes.Contains(e.Record, []byte(`"accessKeyId":"`+accessKeyID+`"`)) || bytes.Contains(e.Record, []byte(`"errorCode"`)):
		case revoked:
			w.t.Errorf("after %s the trail shows %s", operation, e.Record)
		default:
			before++
		}
	}
	if !revoked || before == 0 {
		w.t.Errorf("%s is in the trail: %v, with %d uses before it", operation, revoked, before)
	}
}
