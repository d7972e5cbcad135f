package e2e

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// identities is the story of an account and its organization, in chapters that
// each stand alone on a fresh server's own account.
var identities = []struct {
	name string
	tell func(*tale, actor)
}{
	{"users and groups", usersAndGroups},
	{"access keys", accessKeys},
	{"managed policies", managedPolicies},
	{"inline policies and boundaries", inlinePolicies},
	{"roles and sessions", rolesAndSessions},
	{"session tags", sessionTags},
	{"session policies", sessionPolicies},
	{"second factor", secondFactor},
	{"other sessions", otherSessions},
	{"instance profiles", instanceProfiles},
	{"passwords", passwords},
	{"providers", providers},
	{"the account", theAccount},
	{"simulations", simulations},
	{"an organization", anOrganization},
	{"root of a member", rootOfAMember},
}

// TestIdentities plays one story of IAM, STS and Organizations with each client:
// what succeeds and what is refused, as the client shows it.
func TestIdentities(t *testing.T) {
	t.Parallel()
	for name, of := range players {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			p := dev(t)
			s := &tale{T: t, p: p, player: of(t, p), lacks: make(map[string]bool)}
			installed := time.Since(begun)
			for i, chapter := range identities {
				t.Run(chapter.name, func(t *testing.T) {
					s.T = t
					chapter.tell(s, actor{id: fmt.Sprintf("%012d", 100000000001+i), secret: "test"})
				})
			}
			s.T = t
			t.Logf("%d calls in %v after %v; too old for %v", s.calls, time.Since(begun)-installed, installed, s.lacks)
			if s.calls < 200 {
				t.Errorf("the story has %d calls", s.calls)
			}
		})
	}
}

// user makes a user with an access key.
func (s *tale) user(root actor, name string) actor {
	s.Helper()
	s.do(root, "iam:CreateUser", given{"UserName": name})
	key := s.do(root, "iam:CreateAccessKey", given{"UserName": name})
	return actor{id: key.text("AccessKey.AccessKeyId"), secret: key.text("AccessKey.SecretAccessKey")}
}

// lets puts an inline policy of a user that allows actions on everything.
func (s *tale) lets(root actor, name string, actions ...string) {
	s.Helper()
	s.do(root, "iam:PutUserPolicy", given{"UserName": name, "PolicyName": "own", "PolicyDocument": allowing(actions...)})
}

func allowing(actions ...string) string { return stating("Allow", actions...) }

func stating(effect string, actions ...string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}]}`
}

// session is who the credentials of an answer are.
func (a shown) session() actor {
	a.s.Helper()
	at, err := time.Parse(time.RFC3339, a.text("Credentials.Expiration"))
	if err != nil || !at.After(time.Now()) {
		a.s.Errorf("%s: the session ends at %s (%v)", a.name, at, err)
	}
	return actor{a.text("Credentials.AccessKeyId"), a.text("Credentials.SecretAccessKey"), a.text("Credentials.SessionToken")}
}

// document is a policy document at a path: clients show it parsed, or as text with
// percent signs.
func (a shown) document(path, want string) {
	a.s.Helper()
	got := a.at(path)
	if text, ok := got.(string); ok {
		plain, err := url.QueryUnescape(strings.ReplaceAll(text, "+", "%2B"))
		if err == nil {
			err = json.Unmarshal([]byte(plain), &got)
		}
		if err != nil {
			a.s.Errorf("%s: %s is %s (%v)", a.name, path, text, err)
		}
	}
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil || !reflect.DeepEqual(got, wanted) {
		a.s.Errorf("%s: %s is %v, want %s", a.name, path, got, want)
	}
}

func usersAndGroups(s *tale, root actor) {
	arn := "arn:aws:iam::" + root.id + ":"
	ann := s.do(root, "iam:CreateUser", given{"UserName": "ann", "Path": "/team/", "Tags": []given{{"Key": "team", "Value": "red"}}})
	ann.is("User.UserName", "ann", "User.Path", "/team/", "User.Arn", arn+"user/team/ann", "User.Tags.0.Key", "team", "User.Tags.0.Value", "red",
		"User.PasswordLastUsed", nil, "User.PermissionsBoundary", nil).recent("User.CreateDate")
	s.wait(root, "UserExists", "iam:GetUser", given{"UserName": "ann"})
	s.do(root, "iam:GetUser", given{"UserName": "ann"}).is("User.UserId", ann.text("User.UserId"), "User.Tags.0.Value", "red")
	s.refused(root, "iam:CreateUser", given{"UserName": "ANN"}, "EntityAlreadyExists", "User with name ANN already exists.")
	s.refused(root, "iam:GetUser", given{"UserName": "nobody"}, "NoSuchEntity", "The user with name nobody cannot be found.")
	s.refused(root, "iam:CreateUser", given{"UserName": "a b"}, "ValidationError",
		"The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	s.do(root, "iam:GetUser", nil).is("User.Arn", arn+"root", "User.UserId", root.id, "User.UserName", nil)

	for _, name := range []string{"bob", "cid"} {
		s.do(root, "iam:CreateUser", given{"UserName": name, "Path": "/team/"})
	}
	s.do(root, "iam:CreateUser", given{"UserName": "dan"}).is("User.Tags", nil, "User.Path", "/")
	if got := each(s.pages(root, "iam:ListUsers", given{"PathPrefix": "/team/"}, 2, 2, "Users"), "UserName"); got != "ann bob cid" {
		s.Errorf("listed %s", got)
	}
	if one := s.do(root, "iam:ListUsers", given{"PathPrefix": "/team/", "MaxItems": 1}); s.player.name != "cli" {
		one.is("IsTruncated", true)
		one.text("Marker")
	}

	group := s.do(root, "iam:CreateGroup", given{"GroupName": "readers"}).is("Group.Arn", arn+"group/readers", "Group.Path", "/").recent("Group.CreateDate")
	group.text("Group.GroupId")
	for _, name := range []string{"ann", "bob", "cid"} {
		s.do(root, "iam:AddUserToGroup", given{"GroupName": "readers", "UserName": name})
	}
	if got := each(s.pages(root, "iam:GetGroup", given{"GroupName": "readers"}, 2, 2, "Users"), "UserName"); got != "ann bob cid" {
		s.Errorf("members %s", got)
	}
	if got := each(s.do(root, "iam:ListGroupsForUser", given{"UserName": "ann"}).list("Groups"), "GroupName"); got != "readers" {
		s.Errorf("groups %s", got)
	}
	s.refused(root, "iam:DeleteGroup", given{"GroupName": "readers"}, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
	s.refused(root, "iam:AddUserToGroup", given{"GroupName": "nobody", "UserName": "ann"}, "NoSuchEntity", "The group with name nobody cannot be found.")
	s.do(root, "iam:UpdateGroup", given{"GroupName": "readers", "NewGroupName": "writers", "NewPath": "/w/"})
	s.do(root, "iam:GetGroup", given{"GroupName": "writers"}).is("Group.Arn", arn+"group/w/writers", "IsTruncated", notCLI(s, false))

	s.do(root, "iam:UpdateUser", given{"UserName": "dan", "NewUserName": "dora", "NewPath": "/team/"})
	s.do(root, "iam:GetUser", given{"UserName": "dora"}).is("User.Arn", arn+"user/team/dora")
	s.do(root, "iam:TagUser", given{"UserName": "dora", "Tags": []given{{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}}})
	s.do(root, "iam:UntagUser", given{"UserName": "dora", "TagKeys": []string{"a"}})
	s.do(root, "iam:ListUserTags", given{"UserName": "dora"}).is("Tags.0.Key", "b", "Tags.0.Value", "", "Tags.1", nil)
	s.do(root, "iam:DeleteUser", given{"UserName": "dora"})
	s.refused(root, "iam:DeleteUser", given{"UserName": "dora"}, "NoSuchEntity", "The user with name dora cannot be found.")
	s.refused(root, "iam:DeleteUser", given{"UserName": "ann"}, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
}

// notCLI is a value that the CLI leaves out when it has walked all pages.
func notCLI(s *tale, v any) any {
	if s.player.name == "cli" {
		return nil
	}
	return v
}

func accessKeys(s *tale, root actor) {
	ann := s.user(root, "ann")
	s.lets(root, "ann", "iam:GetUser", "kms:ListKeys", "sts:GetAccessKeyInfo")
	s.do(ann, "sts:GetCallerIdentity", nil).is("Arn", "arn:aws:iam::"+root.id+":user/ann", "Account", root.id)
	s.do(ann, "kms:ListKeys", nil)
	s.do(root, "iam:GetAccessKeyLastUsed", given{"AccessKeyId": ann.id}).is("UserName", "ann", "AccessKeyLastUsed.ServiceName", "kms",
		"AccessKeyLastUsed.Region", "us-east-1").recent("AccessKeyLastUsed.LastUsedDate")
	s.do(ann, "sts:GetAccessKeyInfo", given{"AccessKeyId": ann.id}).is("Account", root.id)
	second := s.do(root, "iam:CreateAccessKey", given{"UserName": "ann"}).is("AccessKey.UserName", "ann", "AccessKey.Status", "Active").recent("AccessKey.CreateDate")
	s.refused(root, "iam:CreateAccessKey", given{"UserName": "ann"}, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	s.do(root, "iam:GetAccessKeyLastUsed", given{"AccessKeyId": second.text("AccessKey.AccessKeyId")}).is(
		"AccessKeyLastUsed.ServiceName", "N/A", "AccessKeyLastUsed.Region", "N/A", "AccessKeyLastUsed.LastUsedDate", nil)
	s.refused(actor{id: ann.id, secret: "wrong"}, "iam:GetUser", nil, "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")

	// What is deactivated is refused at once, and what is activated again works.
	s.do(root, "iam:UpdateAccessKey", given{"UserName": "ann", "AccessKeyId": ann.id, "Status": "Inactive"})
	s.refused(ann, "iam:GetUser", nil, "InvalidClientTokenId", "The security token included in the request is invalid.")
	s.refused(ann, "kms:ListKeys", nil, "UnrecognizedClientException", "The security token included in the request is invalid.")
	if got := each(s.do(root, "iam:ListAccessKeys", given{"UserName": "ann"}).list("AccessKeyMetadata"), "Status"); !strings.Contains(got, "Inactive") || len(strings.Fields(got)) != 2 {
		s.Errorf("listed %s", got)
	}
	s.do(root, "iam:UpdateAccessKey", given{"UserName": "ann", "AccessKeyId": ann.id, "Status": "Active"})
	s.do(ann, "iam:GetUser", nil).is("User.UserName", "ann")
	s.do(root, "iam:DeleteAccessKey", given{"UserName": "ann", "AccessKeyId": ann.id})
	s.refused(ann, "iam:GetUser", nil, "InvalidClientTokenId", "The security token included in the request is invalid.")
	s.refused(root, "iam:DeleteAccessKey", given{"UserName": "ann", "AccessKeyId": ann.id}, "NoSuchEntity", "The Access Key with id "+ann.id+" cannot be found")
}

func managedPolicies(s *tale, root actor) {
	arn := "arn:aws:iam::" + root.id + ":"
	ann := s.user(root, "ann")
	unauthorized := "User: " + arn + "user/ann is not authorized to perform: kms:ListKeys on resource: * "
	listing := allowing("kms:List*")
	policy := s.do(root, "iam:CreatePolicy", given{"PolicyName": "keys", "Path": "/team/", "Description": "lists keys", "PolicyDocument": listing, "Tags": []given{{"Key": "team", "Value": "red"}}})
	policy.is("Policy.Arn", arn+"policy/team/keys", "Policy.DefaultVersionId", "v1", "Policy.AttachmentCount", 0, "Policy.PermissionsBoundaryUsageCount", 0,
		"Policy.IsAttachable", true, "Policy.Description", nil, "Policy.Tags.0.Key", "team").recent("Policy.CreateDate", "Policy.UpdateDate")
	keys := policy.text("Policy.Arn")
	s.wait(root, "PolicyExists", "iam:GetPolicy", given{"PolicyArn": keys})
	s.do(root, "iam:GetPolicy", given{"PolicyArn": keys}).is("Policy.Description", "lists keys", "Policy.Tags.0.Value", "red")
	s.refused(root, "iam:CreatePolicy", given{"PolicyName": "KEYS", "PolicyDocument": listing}, "EntityAlreadyExists",
		"A policy called KEYS already exists. Duplicate names are not allowed.")
	s.refused(root, "iam:CreatePolicy", given{"PolicyName": "bad", "PolicyDocument": `{"Version":"2012-10-17"}`}, "MalformedPolicyDocument", "Syntax errors in policy.")
	s.refused(root, "iam:CreatePolicy", given{"PolicyName": "bad", "PolicyDocument": allowing("List")}, "MalformedPolicyDocument",
		"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	s.refused(root, "iam:GetPolicy", given{"PolicyArn": arn + "policy/none"}, "NoSuchEntity", "Policy "+arn+"policy/none was not found.")

	// In force when the call is answered: attached to a group, its other versions, detached.
	s.refused(ann, "kms:ListKeys", nil, "AccessDeniedException", unauthorized+"because no identity-based policy allows the kms:ListKeys action")
	s.do(root, "iam:CreateGroup", given{"GroupName": "readers"})
	s.do(root, "iam:AddUserToGroup", given{"GroupName": "readers", "UserName": "ann"})
	s.do(root, "iam:AttachGroupPolicy", given{"GroupName": "readers", "PolicyArn": keys})
	s.do(ann, "kms:ListKeys", nil)
	second := s.do(root, "iam:CreatePolicyVersion", given{"PolicyArn": keys, "PolicyDocument": stating("Deny", "kms:ListKeys"), "SetAsDefault": true})
	second.is("PolicyVersion.VersionId", "v2", "PolicyVersion.IsDefaultVersion", true, "PolicyVersion.Document", nil).recent("PolicyVersion.CreateDate")
	s.refused(ann, "kms:ListKeys", nil, "AccessDeniedException", unauthorized+"with an explicit deny in an identity-based policy")
	s.do(root, "iam:GetPolicyVersion", given{"PolicyArn": keys, "VersionId": "v1"}).is("PolicyVersion.IsDefaultVersion", false).document("PolicyVersion.Document", listing)
	s.do(root, "iam:SetDefaultPolicyVersion", given{"PolicyArn": keys, "VersionId": "v1"})
	s.do(ann, "kms:ListKeys", nil)
	for range 3 {
		s.do(root, "iam:CreatePolicyVersion", given{"PolicyArn": keys, "PolicyDocument": listing})
	}
	s.refused(root, "iam:CreatePolicyVersion", given{"PolicyArn": keys, "PolicyDocument": listing}, "LimitExceeded",
		"A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	if got := each(s.do(root, "iam:ListPolicyVersions", given{"PolicyArn": keys}).list("Versions"), "VersionId"); got != "v5 v4 v3 v2 v1" {
		s.Errorf("versions %s", got)
	}
	s.refused(root, "iam:DeletePolicyVersion", given{"PolicyArn": keys, "VersionId": "v1"}, "DeleteConflict", "Cannot delete the default version of a policy.")
	s.do(root, "iam:DeletePolicyVersion", given{"PolicyArn": keys, "VersionId": "v2"})
	s.refused(root, "iam:GetPolicyVersion", given{"PolicyArn": keys, "VersionId": "v2"}, "NoSuchEntity", "Policy "+keys+" version v2 does not exist or is not attachable.")

	s.do(root, "iam:CreateRole", given{"RoleName": "r", "AssumeRolePolicyDocument": trusting(`{"AWS":"`+root.id+`"}`, "")})
	s.do(root, "iam:AttachRolePolicy", given{"RoleName": "r", "PolicyArn": keys})
	s.do(root, "iam:AttachUserPolicy", given{"UserName": "ann", "PolicyArn": keys})
	s.do(root, "iam:AttachUserPolicy", given{"UserName": "ann", "PolicyArn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"})
	s.do(ann, "iam:ListUsers", nil)
	s.do(root, "iam:GetPolicy", given{"PolicyArn": keys}).is("Policy.AttachmentCount", 3)
	entities := s.do(root, "iam:ListEntitiesForPolicy", given{"PolicyArn": keys})
	entities.is("PolicyGroups.0.GroupName", "readers", "PolicyUsers.0.UserName", "ann", "PolicyRoles.0.RoleName", "r")
	if got := each(s.do(root, "iam:ListAttachedUserPolicies", given{"UserName": "ann"}).list("AttachedPolicies"), "PolicyName"); got != "IAMReadOnlyAccess keys" && got != "keys IAMReadOnlyAccess" {
		s.Errorf("attached %s", got)
	}
	if got := s.pages(root, "iam:ListPolicies", given{"OnlyAttached": true}, 1, 2, "Policies"); each(got, "PolicyName") != "keys IAMReadOnlyAccess" {
		s.Errorf("attached %v", got)
	}
	s.refused(root, "iam:DeletePolicy", given{"PolicyArn": keys}, "DeleteConflict", "Cannot delete a policy attached to entities.")
	s.refused(root, "iam:DeleteUser", given{"UserName": "ann"}, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	s.do(root, "iam:DetachGroupPolicy", given{"GroupName": "readers", "PolicyArn": keys})
	s.do(root, "iam:DetachUserPolicy", given{"UserName": "ann", "PolicyArn": keys})
	s.refused(root, "iam:DetachUserPolicy", given{"UserName": "ann", "PolicyArn": keys}, "NoSuchEntity", "Policy "+keys+" was not found.")
	s.refused(ann, "kms:ListKeys", nil, "AccessDeniedException", unauthorized+"because no identity-based policy allows the kms:ListKeys action")
	s.do(root, "iam:TagPolicy", given{"PolicyArn": keys, "Tags": []given{{"Key": "more", "Value": "x"}}})
	s.do(root, "iam:ListPolicyTags", given{"PolicyArn": keys}).is("Tags.1.Key", "team", "Tags.0.Key", "more", "Tags.2", nil)
}

func inlinePolicies(s *tale, root actor) {
	ann := s.user(root, "ann")
	arn := "arn:aws:iam::" + root.id + ":user/ann"
	document := allowing("kms:ListKeys", "iam:GetUser")
	s.do(root, "iam:PutUserPolicy", given{"UserName": "ann", "PolicyName": "own", "PolicyDocument": document})
	s.do(root, "iam:GetUserPolicy", given{"UserName": "ann", "PolicyName": "own"}).is("UserName", "ann", "PolicyName", "own").document("PolicyDocument", document)
	s.do(root, "iam:ListUserPolicies", given{"UserName": "ann"}).is("PolicyNames.0", "own", "PolicyNames.1", nil)
	s.refused(root, "iam:GetUserPolicy", given{"UserName": "ann", "PolicyName": "none"}, "NoSuchEntity", "The user policy with name none cannot be found.")
	s.refused(root, "iam:PutUserPolicy", given{"UserName": "ann", "PolicyName": "own", "PolicyDocument": "{"}, "MalformedPolicyDocument", "Syntax errors in policy.")
	s.refused(root, "iam:PutUserPolicy", given{"UserName": "ann", "PolicyName": "big", "PolicyDocument": allowing(strings.Repeat("kms:ListKeys\",\"", 150) + "kms:ListKeys")}, "LimitExceeded",
		"Maximum policy size of 2048 bytes exceeded for user ann")
	s.do(ann, "kms:ListKeys", nil)

	s.do(root, "iam:PutUserPermissionsBoundary", given{"UserName": "ann", "PermissionsBoundary": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"})
	s.refused(ann, "kms:ListKeys", nil, "AccessDeniedException", "User: "+arn+" is not authorized to perform: kms:ListKeys on resource: * because no permissions boundary allows the kms:ListKeys action")
	s.refused(ann, "iam:ListUsers", nil, "AccessDenied", "User: "+arn+" is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::"+root.id+":user/ because no identity-based policy allows the iam:ListUsers action")
	s.do(ann, "iam:GetUser", nil).is("User.PermissionsBoundary.PermissionsBoundaryType", "Policy", "User.PermissionsBoundary.PermissionsBoundaryArn", "arn:aws:iam::aws:policy/IAMReadOnlyAccess")
	s.refused(root, "iam:PutUserPermissionsBoundary", given{"UserName": "ann", "PermissionsBoundary": "arn:aws:iam::" + root.id + ":policy/none"}, "NoSuchEntity", "Scope ARN: arn:aws:iam::"+root.id+":policy/none does not exist or is not attachable.")
	s.do(root, "iam:DeleteUserPermissionsBoundary", given{"UserName": "ann"})
	s.do(ann, "kms:ListKeys", nil)
	s.refused(root, "iam:DeleteUser", given{"UserName": "ann"}, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	s.do(root, "iam:DeleteUserPolicy", given{"UserName": "ann", "PolicyName": "own"})
	s.refused(root, "iam:DeleteUserPolicy", given{"UserName": "ann", "PolicyName": "own"}, "NoSuchEntity", "The user policy with name own cannot be found.")

	s.do(root, "iam:CreateGroup", given{"GroupName": "g"})
	s.do(root, "iam:PutGroupPolicy", given{"GroupName": "g", "PolicyName": "own", "PolicyDocument": document})
	s.do(root, "iam:GetGroupPolicy", given{"GroupName": "g", "PolicyName": "own"}).is("GroupName", "g").document("PolicyDocument", document)
	s.do(root, "iam:ListGroupPolicies", given{"GroupName": "g"}).is("PolicyNames.0", "own")
	s.do(root, "iam:AddUserToGroup", given{"GroupName": "g", "UserName": "ann"})
	s.do(ann, "kms:ListKeys", nil)
	s.do(root, "iam:DeleteGroupPolicy", given{"GroupName": "g", "PolicyName": "own"})
	s.refused(ann, "kms:ListKeys", nil, "AccessDeniedException", "User: "+arn+" is not authorized to perform: kms:ListKeys on resource: * because no identity-based policy allows the kms:ListKeys action")
}

// trusting is a trust policy: a principal, and a condition unless it is empty.
func trusting(principal, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]` + condition + `}]}`
}

// oneTimeCodes are the codes of an MFA device from two half minutes ago to the
// next one (RFC 6238), by the seed that its creation showed.
func (a shown) oneTimeCodes(path string) (codes [4]string) {
	a.s.Helper()
	text, err := base64.StdEncoding.DecodeString(a.text(path))
	if err != nil {
		a.s.Fatal(err)
	}
	seed, err := base32.StdEncoding.DecodeString(string(text))
	if err != nil {
		a.s.Fatal(err)
	}
	step := time.Now().Unix() / 30
	for i := range codes {
		mac := hmac.New(sha1.New, seed)
		for shift := 56; shift >= 0; shift -= 8 {
			mac.Write([]byte{byte((step - 2 + int64(i)) >> shift)})
		}
		sum := mac.Sum(nil)
		cut := 0
		for _, b := range sum[sum[19]&15:][:4] {
			cut = cut<<8 | int(b)
		}
		codes[i] = fmt.Sprintf("%06d", cut&0x7fffffff%1000000)
	}
	return codes
}
