package kms_test

import (
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// TestGrantConditions tries each condition key of the operations on grants, once
// so that it holds and once so that it does not.
func TestGrantConditions(t *testing.T) {
	t.Parallel()
	const there, not = true, false
	w := newWorld(t)
	owner := w.root(home)
	bob := w.user(home, "bob")
	create := func(change func(in *kms.CreateGrantInput)) func(kms.KeyMetadata) any {
		return func(key kms.KeyMetadata) any {
			in := grantOf(key, bob.name(), from(subset("Team", "blue", "b", "2"), sourceX), "Encrypt", "Decrypt")
			in.RetiringPrincipal = str(home)
			change(in)
			return in
		}
	}
	plain := create(func(*kms.CreateGrantInput) {})
	bare := create(func(in *kms.CreateGrantInput) {
		in.Constraints, in.RetiringPrincipal = nil, optional.Of[string]{}
	})
	exact := create(func(in *kms.CreateGrantInput) { in.Constraints = equals("a", "1") })
	services := create(func(in *kms.CreateGrantInput) {
		in.GranteePrincipal, in.RetiringPrincipal = optional.Of[string]{}, optional.Of[string]{}
		in.GranteeServicePrincipal, in.RetiringServicePrincipal = str(volumeService), str("volumes."+region+".amazonaws.com")
	})
	list := func(key kms.KeyMetadata) any { return &kms.ListGrantsInput{KeyID: str(key.ARN)} }
	ending := func(limits func() *kms.GrantConstraints, end func(kms.KeyMetadata, string) any) func(kms.KeyMetadata) any {
		return func(key kms.KeyMetadata) any { return end(key, owner.grant(key, home, limits(), "Encrypt").GrantID) }
	}
	none := func() *kms.GrantConstraints { return nil }
	blue := func() *kms.GrantConstraints { return from(subset("team", "blue"), sourceX) }
	key := owner.createKey()
	cases := []struct {
		in        func(kms.KeyMetadata) any
		condition string
		direct    bool
		via       bool
	}{
		{plain, `"ForAllValues:StringEquals":{"kms:GrantOperations":["Encrypt","Decrypt","Sign"]}`, there, there},
		{plain, `"ForAllValues:StringEquals":{"kms:GrantOperations":["Encrypt"]}`, not, not},
		{plain, `"ForAnyValue:StringEquals":{"kms:GrantOperations":"Decrypt"}`, there, there},
		{plain, `"StringEquals":{"kms:GrantConstraintType":"EncryptionContextSubset"}`, there, there},
		{exact, `"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals"}`, there, there},
		{plain, `"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals"}`, not, not},
		{bare, `"Null":{"kms:GrantConstraintType":"true","kms:GrantConstraintSourceArn":"true","kms:RetiringPrincipal":"true"}`, there, there},
		{plain, `"ArnLike":{"kms:GrantConstraintSourceArn":"arn:aws:volumes:*:` + home + `:volume/*"}`, there, there},
		{plain, `"ArnEquals":{"kms:GrantConstraintSourceArn":"` + sourceY + `"}`, not, not},
		{plain, `"StringEquals":{"kms:GranteePrincipal":"` + bob.name() + `"}`, there, there},
		{plain, `"StringEquals":{"kms:GranteePrincipal":"` + home + `"}`, not, not},
		{plain, `"StringEquals":{"kms:RetiringPrincipal":"` + home + `"}`, not, not}, // the bare id of an account stands for its ARN
		{plain, `"StringEquals":{"kms:RetiringPrincipal":"arn:aws:iam::` + home + `:root"}`, there, there},
		{plain, `"Null":{"kms:GranteeServicePrincipal":"true","kms:RetiringServicePrincipal":"true"}`, there, there},
		{services, `"StringEquals":{"kms:GranteeServicePrincipal":"` + volumeService + `","kms:RetiringServicePrincipal":"volumes.` + region + `.amazonaws.com"},"Null":{"kms:GranteePrincipal":"true"}`, there, there},
		{plain, `"StringEquals":{"kms:EncryptionContext:team":"blue"}`, there, there},
		{plain, `"StringEquals":{"kms:EncryptionContext:team":"red"}`, not, not},
		{bare, `"StringEquals":{"kms:EncryptionContext:team":"blue"}`, not, not},
		{plain, `"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["Team","b"]}`, there, there},
		{plain, `"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["Team"]}`, not, not},
		{plain, `"Bool":{"kms:GrantIsForAWSResource":"true"}`, not, there},
		{plain, `"Bool":{"kms:GrantIsForAWSResource":"false"}`, there, not},
		{list, `"Bool":{"kms:GrantIsForAWSResource":"true"}`, not, there},
		{list, `"Null":{"kms:GrantOperations":"true"}`, there, there},
		{ending(none, revoke), `"Bool":{"kms:GrantIsForAWSResource":"true"}`, not, there}, // F14
		{ending(none, revoke), `"Bool":{"kms:GrantIsForAWSResource":"false"}`, there, not},
		{ending(none, retire), `"Null":{"kms:GrantIsForAWSResource":"true","kms:GrantConstraintType":"true","kms:EncryptionContextKeys":"true"}`, there, there},
		{ending(blue, retire), `"StringEquals":{"kms:GrantConstraintType":"EncryptionContextSubset","kms:EncryptionContext:Team":"blue"}`, there, there},
		{ending(blue, retire), `"StringEquals":{"kms:EncryptionContext:Team":"red"}`, not, not},
		{plain, `"StringEquals":{"kms:ViaService":"volumes.` + region + `.amazonaws.com"}`, not, there},
		{list, `"StringEquals":{"kms:ViaService":"volumes.` + region + `.amazonaws.com","kms:CallerAccount":"` + home + `"}`, not, there},
		{list, `"StringEquals":{"kms:ViaService":"volumes.us-east-1.amazonaws.com"}`, not, not},
		{list, `"StringEquals":{"kms:ViaService":"` + volumeService + `"}`, not, not},
		{list, `"StringNotEquals":{"kms:ViaService":"other.` + region + `.amazonaws.com"}`, there, there},
		{list, `"Null":{"kms:ViaService":"true"}`, there, not},
		{list, `"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT"}`, there, there},
	}
	for _, c := range cases {
		user := w.user(home, "u", mayUnder(c.condition, `"kms:*"`))
		for _, try := range []struct {
			*actor
			want bool
		}{{user, c.direct}, {user.via(volumeService, true), c.via}} {
			_, err := try.do(c.in(key))
			held := err == nil || fault.Is(err, kms.InvalidARN) // a service, named by somebody else
			if try.want && !held || !try.want && !fault.Is(err, fault.AccessDenied) {
				t.Errorf("%T under %s, via %v: %v", c.in(key), c.condition, try.caller.Via != nil, err)
			}
		}
	}
	if len(cases) != 36 {
		t.Errorf("%d cases", len(cases))
	}
}

// A service calls for resources, and has no account.
func TestConditionsOfServices(t *testing.T) {
	t.Parallel()
	const there, not = true, false
	w := newWorld(t)
	owner := w.root(home)
	service := w.serviceCaller(volumeService).on(sourceX, home)
	cases := 0
	for condition, want := range map[string]bool{
		`"Null":{"kms:CallerAccount":"true","kms:ViaService":"true"}`:                                         there,
		`"StringEquals":{"kms:CallerAccount":"` + home + `"}`:                                                 not,
		`"Bool":{"kms:GrantIsForAWSResource":"true","aws:PrincipalIsAWSService":"true"}`:                      there,
		`"Bool":{"kms:GrantIsForAWSResource":"false"}`:                                                        not,
		`"ArnEquals":{"aws:SourceArn":"` + sourceX + `"},"StringEquals":{"aws:SourceAccount":"` + home + `"}`: there,
		`"ArnEquals":{"aws:SourceArn":"` + sourceY + `"}`:                                                     not,
	} {
		key := owner.createKey(keyPolicy(`{"Effect":"Allow","Principal":{"Service":"` + volumeService + `"},"Action":"kms:ListGrants","Resource":"*","Condition":{` + condition + `}}`))
		in := &kms.ListGrantsInput{KeyID: str(key.ARN)}
		if want {
			service.may(condition, in)
		} else {
			service.mayNot(condition, in)
		}
		cases++
	}
	if cases != 6 {
		t.Errorf("%d cases", cases)
	}
}
