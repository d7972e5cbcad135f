package simulate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A cast is who and what a profile needs in the account.
type cast struct {
	// keys are the statements of the keys' policies, beside the account's own.
	// ${user:NAME}, ${role:NAME}, ${account} and ${region} stand for what is made.
	keys []string

	// users and roles are made with these policies of their own, if any.
	users map[string]string
	roles map[string]castRole

	// chiefUser and chiefRole are those that an operator can replace by his own.
	// Where he brings a key and not them, they are allowed these actions on it,
	// as its policy may leave that to the account.
	chiefUser, chiefRole string
	foreign              []string
}

type castRole struct {
	trusts string // service principal
	policy string
}

// A stage is the account, set for one run.
type stage struct {
	config  *Config
	profile *Profile
	server  *server

	account   string
	partition string
	suffix    string // that makes the names of this run its own

	keys     []string // ARNs
	own      []bool   // of keys: made by this run
	alias    string   // of the first key
	users    map[string]aws.Credentials
	userARNs map[string]string
	roleARNs map[role]string
	sessions map[session]aws.Credentials

	kept   map[string]any
	grants map[string]string // ids of the grants made, and their keys
	ended  map[string]bool   // of those, by steps
	undo   []func(context.Context) error
}

// set makes the users, roles and keys of the profile.
func (s *stage) set(ctx context.Context) error {
	var me struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
		ARN     string `xml:"GetCallerIdentityResult>Arn"`
	}
	if err := s.server.query(ctx, s.config.Credentials, "sts", "GetCallerIdentity", nil, &me); err != nil {
		return fmt.Errorf("asking whose the given credentials are: %w", err)
	}
	s.account = me.Account
	if parts := strings.Split(me.ARN, ":"); len(parts) > 1 {
		s.partition = parts[1]
	}
	s.suffix = strings.ToLower(rand.Text()[:6])
	// Users may name roles in their policies, and keys name both in theirs.
	for _, name := range slices.Sorted(maps.Keys(s.profile.cast.roles)) {
		if err := s.makeRole(ctx, role(name)); err != nil {
			return fmt.Errorf("making the role %s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.profile.cast.users)) {
		if err := s.makeUser(ctx, name); err != nil {
			return fmt.Errorf("making the user %s: %w", name, err)
		}
	}
	for i := range s.profile.cast.keys {
		if err := s.makeKey(ctx, i); err != nil {
			return fmt.Errorf("making a key: %w", err)
		}
	}
	return nil
}

// iam calls IAM as the account's owner.
func (s *stage) iam(ctx context.Context, operation string, in map[string]string, out any) error {
	return s.server.query(ctx, s.config.Credentials, "iam", operation, in, out)
}

// later remembers what is to be undone at the end, last things first.
func (s *stage) later(operation string, in map[string]string) {
	s.undo = append(s.undo, func(ctx context.Context) error {
		if err := s.iam(ctx, operation, in, nil); err != nil {
			return fmt.Errorf("%s: %w", operation, err)
		}
		return nil
	})
}

// called is the name of something in the account. The run's own suffix keeps
// runs apart, and what an interrupted one has left recognisable.
func (s *stage) called(name string) string { return "simulate-" + s.suffix + "-" + name }

func (s *stage) makeUser(ctx context.Context, name string) error {
	actual := s.called(name)
	if name == s.profile.cast.chiefUser && s.config.User != "" {
		actual = s.config.User // the operator's own, with whatever he lets it do
	} else if err := s.makeNewUser(ctx, name, actual); err != nil {
		return err
	}
	s.userARNs[name] = "arn:" + s.partition + ":iam::" + s.account + ":user/" + actual
	var key struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := s.iam(ctx, "CreateAccessKey", map[string]string{"UserName": actual}, &key); err != nil {
		return err
	}
	s.later("DeleteAccessKey", map[string]string{"UserName": actual, "AccessKeyId": key.ID})
	s.users[name] = aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
	return nil
}

func (s *stage) makeNewUser(ctx context.Context, name, actual string) error {
	if err := s.iam(ctx, "CreateUser", map[string]string{"UserName": actual}, nil); err != nil {
		return err
	}
	s.later("DeleteUser", map[string]string{"UserName": actual})
	return s.putPolicies(ctx, "User", actual, s.profile.cast.users[name], name == s.profile.cast.chiefUser)
}

func (s *stage) makeRole(ctx context.Context, r role) error {
	c := s.profile.cast.roles[string(r)]
	if string(r) == s.profile.cast.chiefRole && s.config.Role != "" {
		s.roleARNs[r] = s.config.Role
		return nil
	}
	actual := s.called(string(r))
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + c.trusts + `"},"Action":"sts:AssumeRole"}]}`
	if err := s.iam(ctx, "CreateRole", map[string]string{"RoleName": actual, "AssumeRolePolicyDocument": trust}, nil); err != nil {
		return err
	}
	s.roleARNs[r] = "arn:" + s.partition + ":iam::" + s.account + ":role/" + actual
	s.later("DeleteRole", map[string]string{"RoleName": actual})
	return s.putPolicies(ctx, "Role", actual, c.policy, string(r) == s.profile.cast.chiefRole)
}

// putPolicies gives a user or role its policy, and on an operator's key the
// permissions that such a key's policy may leave to the account.
func (s *stage) putPolicies(ctx context.Context, kind, actual, own string, chief bool) error {
	policies := map[string]string{"own": own}
	if chief && s.config.Key != "" {
		policies["key"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` +
			strings.Join(s.profile.cast.foreign, `","`) + `"],"Resource":"` + s.config.Key + `"}]}`
	}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if policies[name] == "" {
			continue
		}
		in := map[string]string{kind + "Name": actual, "PolicyName": name, "PolicyDocument": s.fill(policies[name])}
		if err := s.iam(ctx, "Put"+kind+"Policy", in, nil); err != nil {
			return err
		}
		s.later("Delete"+kind+"Policy", map[string]string{kind + "Name": actual, "PolicyName": name})
	}
	return nil
}

// makeKey makes the key with that number, unless the operator brought it.
func (s *stage) makeKey(ctx context.Context, n int) error {
	if n == 0 && s.config.Key != "" {
		s.keys, s.own = append(s.keys, s.config.Key), append(s.own, false)
		s.alias = s.config.Key
		return nil
	}
	out, err := s.owner(ctx, "CreateKey", params{"Policy": s.keyPolicy(n), "Description": "made by claviger simulate " + s.profile.Name})
	if err != nil {
		return err
	}
	metadata, _ := out["KeyMetadata"].(map[string]any)
	arn, _ := metadata["Arn"].(string)
	if arn == "" {
		return errors.New("the server answered without the key's ARN")
	}
	s.keys, s.own = append(s.keys, arn), append(s.own, true)
	s.undo = append(s.undo, func(ctx context.Context) error {
		_, err := s.owner(ctx, "DisableKey", params{"KeyId": arn})
		return err
	})
	if n > 0 {
		return nil
	}
	s.alias = "alias/" + s.called("key")
	if _, err := s.owner(ctx, "CreateAlias", params{"AliasName": s.alias, "TargetKeyId": arn}); err != nil {
		return err
	}
	s.undo = append(s.undo, func(ctx context.Context) error {
		_, err := s.owner(ctx, "DeleteAlias", params{"AliasName": s.alias})
		return err
	})
	return nil
}

// keyPolicy is the policy of a key of the run's own.
func (s *stage) keyPolicy(n int) string {
	root := `{"Sid":"Account","Effect":"Allow","Principal":{"AWS":"arn:` + s.partition + `:iam::` + s.account + `:root"},"Action":"kms:*","Resource":"*"}`
	return s.fill(`{"Version":"2012-10-17","Statement":[` + root + `,` + s.profile.cast.keys[n] + `]}`)
}

// fill puts the names of what was made into a text.
func (s *stage) fill(text string) string {
	old := []string{"${account}", s.account, "${region}", s.config.Region}
	for name, arn := range s.userARNs {
		old = append(old, "${user:"+name+"}", arn)
	}
	for name, arn := range s.roleARNs {
		old = append(old, "${role:"+string(name)+"}", arn)
	}
	return strings.NewReplacer(old...).Replace(text)
}

// owner calls KMS as the account's owner.
func (s *stage) owner(ctx context.Context, operation string, in params) (map[string]any, error) {
	return s.server.kms(ctx, s.config.Credentials, "", operation, in)
}

func (s *stage) roleARN(r role) string {
	if arn, ok := s.roleARNs[r]; ok {
		return arn
	}
	return "arn:" + s.partition + ":iam::" + s.account + ":role/" + string(r) // one by convention
}

func (s *stage) sessionARN(e session) string {
	arn := s.roleARN(e.role)
	return "arn:" + s.partition + ":sts::" + s.account + ":assumed-role/" + arn[strings.LastIndexByte(arn, '/')+1:] + "/" + e.name
}

func (s *stage) signingName(p principal) string {
	for _, service := range s.profile.Services {
		if service.Name == string(p) {
			return service.SigningName
		}
	}
	return string(p)
}

// clear takes everything away that the run made: its grants, users, roles and
// aliases. Its keys are left disabled. What fails does not stop the rest.
func (s *stage) clear(ctx context.Context) error {
	var failed []error
	for _, id := range slices.Sorted(maps.Keys(s.grants)) {
		if s.ended[id] {
			continue
		}
		if _, err := s.owner(ctx, "RevokeGrant", params{"KeyId": s.grants[id], "GrantId": id}); err != nil {
			failed = append(failed, fmt.Errorf("revoking grant %s: %w", id, err))
		}
	}
	for _, undo := range slices.Backward(s.undo) {
		if err := undo(ctx); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// call makes the call of a step.
func (s *stage) call(ctx context.Context, step *Step) (map[string]any, error) {
	found, err := s.resolve(step.in)
	if err != nil {
		return nil, err
	}
	in, _ := found.(map[string]any)
	who, err := step.actor.credentials(ctx, s)
	if err != nil {
		return nil, err
	}
	source := ""
	if _, ok := step.actor.(principal); ok {
		source = s.account
	}
	out, err := s.server.kms(ctx, who, source, step.operation, in)
	for err == nil && out["Truncated"] == true { // a list: all of its pages
		var page map[string]any
		in["Marker"] = out["NextMarker"]
		if page, err = s.server.kms(ctx, who, source, step.operation, in); err == nil {
			page["Grants"] = append(listOf(out["Grants"]), listOf(page["Grants"])...)
			out = page
		}
	}
	if err != nil {
		return nil, err
	}
	s.note(step.operation, in, out)
	return out, nil
}

// note remembers which grants the run has made, and which of them are gone.
func (s *stage) note(operation string, in, out map[string]any) {
	switch operation {
	case "CreateGrant":
		id, _ := out["GrantId"].(string)
		s.grants[id], _ = in["KeyId"].(string)
	case "RetireGrant", "RevokeGrant":
		id, _ := in["GrantId"].(string)
		s.ended[id] = true
	}
}

func listOf(v any) []any {
	list, _ := v.([]any)
	return list
}

// live are the ids of the run's own grants in a list.
func (s *stage) live(answer map[string]any) []string {
	var ids []string
	for _, g := range listOf(answer["Grants"]) {
		entry, _ := g.(map[string]any)
		id, _ := entry["GrantId"].(string)
		if _, ours := s.grants[id]; ours {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
