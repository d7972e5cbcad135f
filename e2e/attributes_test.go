package e2e

import (
	"strings"
	"testing"
)

// byAttributes lets a role create keys that are tagged as it is itself, and with
// nothing else, change the tags of its own keys to these, and switch its own keys
// off. A key that is being made has no tags yet.
const byAttributes = `{"Version":"2012-10-17","Statement":[
	{"Sid":"CreateKey","Effect":"Allow","Action":"kms:CreateKey","Resource":"*","Condition":{
		"StringEquals":{"aws:RequestTag/owner":"${aws:PrincipalTag/owner}","aws:RequestTag/environment":"${aws:PrincipalTag/environment}"},
		"ForAllValues:StringEquals":{"aws:TagKeys":["owner","environment"]}}},
	{"Sid":"TagKey","Effect":"Allow","Action":"kms:TagResource","Resource":"*","Condition":{
		"StringEquals":{"aws:RequestTag/owner":"${aws:PrincipalTag/owner}","aws:RequestTag/environment":"${aws:PrincipalTag/environment}"},
		"StringEqualsIfExists":{"aws:ResourceTag/owner":"${aws:PrincipalTag/owner}","aws:ResourceTag/environment":"${aws:PrincipalTag/environment}"},
		"ForAllValues:StringEquals":{"aws:TagKeys":["owner","environment"]}}},
	{"Sid":"UseKey","Effect":"Allow","Action":["kms:DisableKey","kms:DescribeKey"],"Resource":"*","Condition":{
		"StringEquals":{"aws:ResourceTag/owner":"${aws:PrincipalTag/owner}","aws:ResourceTag/environment":"${aws:PrincipalTag/environment}"}}}]}`

func tagged(pairs ...string) (tags []given) {
	for i := 0; i < len(pairs); i += 2 {
		tags = append(tags, given{"TagKey": pairs[i], "TagValue": pairs[i+1]})
	}
	return tags
}

// making is the input for a key whose maker may not change its policy.
func making(tags []given) given {
	return given{"Tags": tags, "BypassPolicyLockoutSafetyCheck": true}
}

// TestAccessByAttributes: one policy lets every role do to keys what their tags
// and its own allow. The set-up as it is often printed, in which the role has the
// tag mock_owner and the calls say mock_user, allows nothing.
func TestAccessByAttributes(t *testing.T) {
	t.Parallel()
	p := dev(t)
	s := &tale{T: t, p: p, player: players["go"](t, p)}
	root := actor{id: rootAccount, secret: "test"}
	ann := s.user(root, "ann")
	s.lets(root, "ann", "sts:AssumeRole", "sts:TagSession")
	role := func(name string, tags []given) given {
		s.do(root, "iam:CreateRole", given{"RoleName": name, "AssumeRolePolicyDocument": trusting(`{"AWS":"`+root.id+`"}`, ""), "Tags": tags})
		s.do(root, "iam:PutRolePolicy", given{"RoleName": name, "PolicyName": "own", "PolicyDocument": byAttributes})
		return given{"RoleArn": "arn:aws:iam::" + root.id + ":role/" + name, "RoleSessionName": "job"}
	}
	tags := func(owner string) []given {
		return []given{{"Key": "owner", "Value": owner}, {"Key": "environment", "Value": "development"}}
	}
	asUser, asOwner := role("user", tags("mock_user")), role("owner", tags("mock_owner"))
	user, owner := s.do(ann, "sts:AssumeRole", asUser).session(), s.do(ann, "sts:AssumeRole", asOwner).session()
	right := tagged("owner", "mock_user", "environment", "development")
	makeKey := func(owner string) string {
		return s.do(root, "kms:CreateKey", given{"Tags": tagged("owner", owner, "environment", "development")}).text("KeyMetadata.Arn")
	}
	own, others := makeKey("mock_user"), makeKey("other")

	for _, test := range []struct {
		name            string
		call            string
		in              given
		user, mockOwner bool // what a role with that tag may
	}{
		{"N1 create without tags", "kms:CreateKey", nil, false, false},
		{"N2 create with the owner alone", "kms:CreateKey", given{"Tags": tagged("owner", "mock_user")}, false, false},
		{"N3 create with other values", "kms:CreateKey", given{"Tags": tagged("owner", "test_user", "environment", "production")}, false, false},
		{"P1 create with both tags", "kms:CreateKey", making(right), true, false},
		{"P2 tag what is tagged", "kms:TagResource", given{"KeyId": own, "Tags": right}, true, false},
		{"A1 create with one tag more", "kms:CreateKey", given{"Tags": append(tagged("team", "x"), right...)}, false, false},
		{"A2 create with Owner", "kms:CreateKey", given{"Tags": tagged("Owner", "mock_user", "environment", "development")}, false, false},
		{"A3 disable another's", "kms:DisableKey", given{"KeyId": others}, false, false},
		{"A4 disable its own", "kms:DisableKey", given{"KeyId": own}, true, false},
		{"A5 give its own away", "kms:TagResource", given{"KeyId": own, "Tags": tagged("owner", "other", "environment", "development")}, false, false},
		{"A5 take another's", "kms:TagResource", given{"KeyId": others, "Tags": right}, false, false},
		{"A7 list, which no tag can limit", "kms:ListKeys", nil, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.T = t
			for as, allowed := range map[actor]bool{user: test.user, owner: test.mockOwner} {
				o := s.send(as, test.call, test.in, nil)
				if allowed != (o.Code == "") || !allowed && (o.Code != "AccessDeniedException" || !strings.HasSuffix(o.Message, "because no identity-based policy allows the "+test.call+" action")) {
					t.Errorf("%+v", o)
				}
			}
		})
	}
	s.T = t

	// A6: the tag of a session stands over that of its role, and along a chain.
	through := s.do(ann, "sts:AssumeRole", with(with(asOwner, "Tags", tags("mock_user")), "TransitiveTagKeys", []string{"owner"})).session()
	s.do(through, "kms:CreateKey", making(right))
	s.do(root, "iam:PutRolePolicy", given{"RoleName": "owner", "PolicyName": "chain", "PolicyDocument": allowing("sts:AssumeRole", "sts:TagSession")})
	chained := s.do(through, "sts:AssumeRole", asOwner).session()
	s.do(chained, "kms:CreateKey", making(right))

	// What the tags of a role and of a key are counts at once.
	s.do(root, "iam:TagRole", given{"RoleName": "user", "Tags": tags("other")})
	s.do(user, "kms:DescribeKey", given{"KeyId": others})
	if o := s.send(user, "kms:DescribeKey", given{"KeyId": own}, nil); o.Code != "AccessDeniedException" {
		t.Errorf("a former tag of the role counts: %+v", o)
	}
	s.do(root, "kms:TagResource", given{"KeyId": own, "Tags": tagged("owner", "other")})
	s.do(user, "kms:DescribeKey", given{"KeyId": own})
}
