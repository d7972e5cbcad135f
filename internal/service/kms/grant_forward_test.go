package kms_test

import (
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
)

// may is an identity policy that allows actions under a condition.
func mayUnder(condition string, actions string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":[` + actions + `],"Resource":"*","Condition":{` + condition + `}}}`
}

// TestNoMoreThanTheUser: what a service puts into a grant for its user, the user
// must be allowed under the grant's constraint, unless the operator trusts the
// service with more.
func TestNoMoreThanTheUser(t *testing.T) {
	t.Parallel()
	const grants = `"kms:CreateGrant","kms:DescribeKey"`
	const blue = `"StringEquals":{"kms:EncryptionContext:team":"blue"}`
	const symmetric = `"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`
	const through = `"StringEquals":{"kms:ViaService":"volumes.` + region + `.amazonaws.com"}`
	const notGranted = `"Null":{"kms:GrantOperations":"true","kms:GranteePrincipal":"true","kms:GrantIsForAWSResource":"true"}`
	make := allow("kms:CreateGrant")
	for name, test := range map[string]struct {
		policies   []string
		limits     *kms.GrantConstraints
		operations []string
		direct     bool // without the service
		forwarded  bool
	}{
		"all":                      {[]string{everything}, nil, []string{"Encrypt", "Decrypt", "CreateGrant", "RetireGrant"}, true, true},
		"only grants":              {[]string{make}, nil, []string{"Encrypt"}, true, false},
		"one is missing":           {[]string{make, allow("kms:Encrypt")}, nil, []string{"Encrypt", "Decrypt"}, true, false},
		"both halves":              {[]string{make, allow("kms:ReEncrypt*")}, nil, []string{"ReEncryptFrom", "ReEncryptTo"}, true, true},
		"one half":                 {[]string{make, allow("kms:ReEncryptFrom")}, nil, []string{"ReEncryptFrom", "ReEncryptTo"}, true, false},
		"passing on and ending":    {[]string{make, allow("kms:DescribeKey")}, nil, []string{"CreateGrant", "RetireGrant", "DescribeKey"}, true, true},
		"under a context":          {[]string{make, mayUnder(blue, `"kms:Encrypt"`)}, subset("team", "blue"), []string{"Encrypt"}, true, true},
		"under a stricter one":     {[]string{make, mayUnder(blue, `"kms:Encrypt"`)}, equals("team", "blue", "more", "1"), []string{"Encrypt"}, true, true},
		"under another context":    {[]string{make, mayUnder(blue, `"kms:Encrypt"`)}, subset("team", "red"), []string{"Encrypt"}, true, false},
		"under any context":        {[]string{make, mayUnder(blue, `"kms:Encrypt"`)}, nil, []string{"Encrypt"}, true, false},
		"describing has none":      {[]string{make, mayUnder(blue, `"kms:DescribeKey"`)}, subset("team", "blue"), []string{"DescribeKey"}, true, false},
		"by algorithm":             {[]string{make, mayUnder(symmetric, `"kms:Encrypt","kms:GenerateDataKey"`)}, nil, []string{"Encrypt", "GenerateDataKey"}, true, true},
		"describing has none yet":  {[]string{make, mayUnder(symmetric, `"kms:DescribeKey"`)}, nil, []string{"DescribeKey"}, true, false},
		"only through the service": {[]string{mayUnder(through, grants)}, nil, []string{"DescribeKey", "CreateGrant"}, false, true},
		"as in a call of its own":  {[]string{make, mayUnder(notGranted, `"kms:Encrypt"`)}, nil, []string{"Encrypt"}, true, true},
		"denied":                   {[]string{everything, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}}`}, nil, []string{"Decrypt"}, true, false},
	} {
		w := newWorld(t)
		owner := w.root(home)
		key := owner.createKey()
		user := w.user(home, "u", test.policies...)
		in := func() any { return grantOf(key, home, test.limits, test.operations...) }
		try := func(what string, a *actor, want bool) {
			if want {
				a.may(name+", "+what, in())
			} else {
				a.mayNot(name+", "+what, in())
			}
		}
		try("directly", user, test.direct)
		try("through a service", user.via(volumeService, false), test.forwarded)
		try("through a trusted service", user.via(volumeService, true), test.direct || test.forwarded)
	}
}

// What a user holds by a grant, a service gets no wider either.
func TestNoMoreThanTheUsersGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	user := w.user(home, "u", allow("kms:CreateGrant"))
	owner.grant(key, user.name(), equals("a", "1"), "Encrypt")
	through := user.via(volumeService, false)
	through.may("the same", grantOf(key, volumeService, equals("a", "1"), "Encrypt"))
	through.mayNot("more pairs than the user may have", grantOf(key, volumeService, subset("a", "1"), "Encrypt"))
	through.mayNot("any pairs", grantOf(key, volumeService, nil, "Encrypt"))
	through.mayNot("another operation", grantOf(key, volumeService, equals("a", "1"), "Encrypt", "Decrypt"))
	through.mayNot("describing, by a grant that does not", grantOf(key, volumeService, nil, "DescribeKey"))
	user.via(volumeService, true).may("beyond the user", grantOf(key, volumeService, nil, "Encrypt"))
	owner.grant(key, user.name(), equals("a", "1"), "DescribeKey")
	through.may("describing", grantOf(key, volumeService, nil, "DescribeKey"))
}

// TestServicesAsPrincipals: a service is named by its own forward access, in any
// of the four members, and by nobody else.
func TestServicesAsPrincipals(t *testing.T) {
	t.Parallel()
	const regional, elsewhere = "volumes." + region + ".amazonaws.com", "volumes.us-east-1.amazonaws.com"
	w := newWorld(t)
	owner := w.root(home)
	key := owner.createKey()
	service := w.serviceCaller(volumeService)
	must[kms.CreateGrantOutput](owner.via(volumeService, true), grantOf(key, volumeService, nil, "CreateGrant", "Encrypt"))
	members := map[string]func(in *kms.CreateGrantInput, name string){
		"grantee": func(in *kms.CreateGrantInput, name string) { in.GranteePrincipal = str(name) },
		"retirer": func(in *kms.CreateGrantInput, name string) { in.RetiringPrincipal = str(name) },
		"service grantee": func(in *kms.CreateGrantInput, name string) {
			in.GranteePrincipal, in.GranteeServicePrincipal, in.RetiringPrincipal = optional.Of[string]{}, str(name), str(home)
		},
		"service retirer": func(in *kms.CreateGrantInput, name string) { in.RetiringServicePrincipal = str(name) },
	}
	cases := 0
	for member, set := range members {
		for who, caller := range map[string]struct {
			*actor
			names []string
		}{
			"its own forward access": {owner.via(volumeService, true), []string{volumeService, regional}},
			"another's":              {owner.via("other.amazonaws.com", true), nil},
			"the user":               {owner, nil},
			"the service itself":     {service, nil},
		} {
			for _, name := range []string{volumeService, regional, elsewhere} {
				in := grantOf(key, home, from(nil, sourceX), "Encrypt")
				set(in, name)
				allowed := false
				for _, n := range caller.names {
					allowed = allowed || n == name
				}
				if allowed {
					caller.may(who+" names it as "+member, in)
				} else {
					caller.refused(in, kms.InvalidARN, "Invalid principal: "+name)
				}
				cases++
			}
		}
	}
	if cases != 4*4*3 {
		t.Errorf("%d cases", cases)
	}
	service.on(sourceX, home).may("under its regional name too", encryptUnder(key))
}
