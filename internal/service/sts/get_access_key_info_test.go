package sts_test

import (
	"testing"

	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
)

func TestGetAccessKeyInfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "GetAccessKeyInfo"
	ann := w.user(account, "ann", `"sts:GetAccessKeyInfo"`)
	of := func(id string) *sts.GetAccessKeyInfoInput { return &sts.GetAccessKeyInfoInput{AccessKeyID: some(id)} }
	if out := do[sts.GetAccessKeyInfoOutput](t, w, ann, name, of("AKIA"+other)); out.Account != other {
		t.Errorf("the key of account %s", out.Account)
	}
	// Of temporary credentials only the caller's own are known.
	worker := w.roleSession(`"sts:*"`)
	worker.Principal.AccessKeyID = "ASIAWORKERWORKERWORK"
	if out := do[sts.GetAccessKeyInfoOutput](t, w, worker, name, of("ASIAWORKERWORKERWORK")); out.Account != account {
		t.Errorf("the key of account %s", out.Account)
	}
	w.refuse(ann, name, of("ASIAWORKERWORKERWORK"), fault.Validation, "The access key ASIAWORKERWORKERWORK does not exist.")
	w.refuse(w.user(account, "ann", ""), name, of("AKIA"+other), fault.AccessDenied,
		"User: "+ann.Principal.ARN+" is not authorized to perform: sts:GetAccessKeyInfo because no identity-based policy allows the sts:GetAccessKeyInfo action")
	w.refuse(ann, name, &sts.GetAccessKeyInfoInput{}, fault.Validation, "1 validation error detected: Value null at 'accessKeyId' failed to satisfy constraint: Member must not be null")
	w.refuse(ann, name, of("AKIA12345678901"), fault.Validation, "1 validation error detected: Value 'AKIA12345678901' at 'accessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16")
	w.refuse(ann, name, of("AKIA123456789012-"), fault.Validation, `1 validation error detected: Value 'AKIA123456789012-' at 'accessKeyId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w]*`)
}
