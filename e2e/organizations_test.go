package e2e

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// treeModel is AWS's model of Organizations with its limits, as the SDK before the
// newest one shipped it.
type treeModel struct {
	Operations map[string]struct {
		Input  struct{ Shape string }
		Errors []struct{ Shape string }
	}
	Shapes map[string]*struct {
		Type     string
		Members  map[string]struct{ Shape string }
		Required []string
		Min, Max *int
		Pattern  string
		Enum     []string
	}
}

func readTreeModel(t *testing.T) *treeModel {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", withLimits)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	var module struct{ Dir, Error string }
	if json.Unmarshal(out, &module) != nil || module.Dir == "" {
		t.Skipf("the published model can't be had, so nothing is compared with it: go mod download %s: %v %s", withLimits, err, module.Error)
	}
	file, err := os.ReadFile(filepath.Join(module.Dir, "models/apis/organizations/2016-11-28/api-2.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := new(treeModel)
	if err := json.Unmarshal(file, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// treeSamples are values that shapes of the model allow, by the shape.
var treeSamples = map[string]any{
	"AccountId": "000000000001", "ChildId": "000000000001", "PolicyTargetId": "000000000001", "TaggableResourceId": "000000000001",
	"Email": "somebody@example.com", "HandshakeId": "h-12345678", "CreateAccountRequestId": "car-12345678",
	"ParentId": "r-none", "RootId": "r-none", "OrganizationalUnitId": "ou-none-12345678", "PolicyId": "p-12345678",
	"ServicePrincipal": "a.amazonaws.com", "HandshakeParty": map[string]any{"Id": "000000000001", "Type": "ACCOUNT"},
	"Tags": []any{}, "TagKeys": []any{},
}

// TestOrganizationsConformance holds every operation of Organizations to the
// published model: its members, which of them are required, their limits on and
// one above, patterns, enums, and the errors that it may answer.
func TestOrganizationsConformance(t *testing.T) {
	t.Parallel()
	m, p, theirs := readTreeModel(t), dev(t), known(reflect.TypeFor[*organizations.Client]())
	operations, probes := 0, 0
	for name, mine := range offered(t) {
		operation, ok := strings.CutPrefix(name, "organizations:")
		if !ok {
			continue
		}
		operations++
		model, known := m.Operations[operation]
		if !known || theirs[operation].in == nil && len(mine.in) > 0 {
			t.Errorf("%s is no operation of the model", operation)
			continue
		}
		for _, invented := range append(strange(mine.in, theirs[operation].in), strange(mine.out, theirs[operation].out)...) {
			t.Errorf("%s of %s is no member of the model", invented, operation)
		}
		send := func(in map[string]any) (code, reason string) {
			probes++
			body, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			r := raw{service: "organizations", target: "AWSOrganizationsV20161128." + operation, body: string(body)}.send(t, p)
			var answer struct{ Reason, Message string }
			_ = json.Unmarshal([]byte(r.body), &answer)
			listed := slices.ContainsFunc(model.Errors, func(e struct{ Shape string }) bool { return e.Shape == r.code })
			if r.code != "" && !listed && r.code != "SerializationException" || r.code != "" && r.code != "SerializationException" && answer.Message == "" {
				t.Errorf("%s answers %s %s to %s", operation, r.code, r.body, body)
			}
			return r.code, answer.Reason
		}
		base := map[string]any{}
		input := m.Shapes[model.Input.Shape]
		if input == nil {
			continue
		}
		for _, member := range input.Required {
			base[member] = m.sample(input.Members[member].Shape)
		}
		if code, reason := send(base); code == "InvalidInputException" && reason != "INVALID_PARTY_TYPE_TARGET" && reason != "INVALID_RESOURCE_POLICY_JSON" { // more than the model can say
			t.Errorf("%s refuses what the model allows: %s", operation, reason)
		}
		for member, of := range input.Members {
			refuses := func(value any, want string) {
				in := maps.Clone(base)
				if in[member] = value; value == nil {
					delete(in, member)
				}
				if code, reason := send(in); code != "InvalidInputException" || reason != want {
					t.Errorf("%s with %s %.40v: %s %s, want %s", operation, member, value, code, reason, want)
				}
			}
			shape := m.Shapes[of.Shape]
			if slices.Contains(input.Required, member) {
				refuses(nil, "INPUT_REQUIRED")
			}
			switch {
			case shape.Type == "integer":
				refuses(*shape.Min-1, "MIN_VALUE_EXCEEDED")
				refuses(*shape.Max+1, "MAX_VALUE_EXCEEDED")
			case shape.Type == "string" && shape.Enum != nil:
				want := "INVALID_ENUM"
				if of.Shape == "PolicyType" {
					want = "INVALID_ENUM_POLICY_TYPE"
				}
				refuses("NO_SUCH_VALUE", want)
				for _, value := range shape.Enum {
					in := maps.Clone(base)
					in[member] = value
					if code, reason := send(in); code == "InvalidInputException" && strings.HasPrefix(reason, "INVALID_ENUM") {
						t.Errorf("%s does not take %s %s", operation, member, value)
					}
				}
			case shape.Type == "string":
				if shape.Max != nil {
					refuses(strings.Repeat("a", *shape.Max+1), "MAX_LENGTH_EXCEEDED")
				}
				if shape.Min != nil && *shape.Min > 0 {
					refuses(strings.Repeat("a", *shape.Min-1), "MIN_LENGTH_EXCEEDED")
				}
				if !strings.Contains(shape.Pattern, `[\s\S]`) && shape.Pattern != "" && of.Shape != "ServicePrincipal" {
					refuses("\u4e00\u4e00\u4e00\u4e00\u4e00\u4e00", "INVALID_PATTERN")
				}
			}
		}
	}
	if operations < 40 || probes < 250 {
		t.Errorf("%d operations, %d probes", operations, probes)
	}
	t.Logf("%d operations, %d probes", operations, probes)
}

// sample is a value that a shape allows.
func (m *treeModel) sample(shape string) any {
	if v, has := treeSamples[shape]; has {
		return v
	}
	s := m.Shapes[shape]
	switch {
	case s.Enum != nil:
		return s.Enum[0]
	case s.Type == "structure":
		return map[string]any{}
	case s.Min != nil:
		return strings.Repeat("a", max(1, *s.Min))
	}
	return "a"
}

// TestOrganizationsClient: the story of an organization, told by the official
// SDK: its typed errors, its pages, and a policy that no root user passes.
func TestOrganizationsClient(t *testing.T) {
	t.Parallel()
	p := dev(t)
	ctx := t.Context()
	manager := p.account(rootAccount)
	trees := manager.organizations
	if _, err := trees.DescribeOrganization(ctx, nil); !isA[*types.AWSOrganizationsNotInUseException](err) {
		t.Errorf("before there is one: %v", err)
	}
	created := must[*organizations.CreateOrganizationOutput](t)(trees.CreateOrganization(ctx, &organizations.CreateOrganizationInput{FeatureSet: types.OrganizationFeatureSetAll}))
	roots := must[*organizations.ListRootsOutput](t)(trees.ListRoots(ctx, nil))
	root := roots.Roots[0].Id
	for _, kind := range []types.PolicyType{types.PolicyTypeServiceControlPolicy, types.PolicyTypeResourceControlPolicy} {
		must[*organizations.EnablePolicyTypeOutput](t)(trees.EnablePolicyType(ctx, &organizations.EnablePolicyTypeInput{RootId: root, PolicyType: kind}))
	}
	asked := must[*organizations.CreateAccountOutput](t)(trees.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: aws.String("team"), Email: aws.String("team@example.com")}))
	if asked.CreateAccountStatus.State != types.CreateAccountStateInProgress {
		t.Errorf("%+v", asked.CreateAccountStatus)
	}
	status := must[*organizations.DescribeCreateAccountStatusOutput](t)(trees.DescribeCreateAccountStatus(ctx, &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: asked.CreateAccountStatus.Id}))
	member := *status.CreateAccountStatus.AccountId

	// The management account reaches the new account through its role.
	reach := p.user(manager, "reach", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/OrganizationAccountAccessRole"}}`)
	session := must[*sts.AssumeRoleOutput](t)(reach.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + member + ":role/OrganizationAccountAccessRole"), RoleSessionName: aws.String("first")}))
	if !strings.Contains(*session.AssumedRoleUser.Arn, member) {
		t.Errorf("assumed %s", *session.AssumedRoleUser.Arn)
	}

	owner := p.account(member)
	key := must[*kms.CreateKeyOutput](t)(owner.kms.CreateKey(ctx, nil))
	guard := must[*organizations.CreatePolicyOutput](t)(trees.CreatePolicy(ctx, &organizations.CreatePolicyInput{
		Name: aws.String("guard"), Description: aws.String(""), Type: types.PolicyTypeServiceControlPolicy,
		Content: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["kms:ScheduleKeyDeletion","iam:CreateUser"],"Resource":"*"}]}`),
	}))
	must[*organizations.AttachPolicyOutput](t)(trees.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: guard.Policy.PolicySummary.Id, TargetId: root}))
	arn := *guard.Policy.PolicySummary.Arn
	for what, call := range map[string]func() error{
		"JSON": func() error {
			_, err := owner.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: key.KeyMetadata.KeyId})
			return err
		},
		"Query": func() error {
			_, err := owner.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("somebody")})
			return err
		},
	} {
		var refusal smithy.APIError
		if err := call(); !errors.As(err, &refusal) || !strings.HasPrefix(refusal.ErrorCode(), "AccessDenied") ||
			!strings.HasSuffix(refusal.ErrorMessage(), "with an explicit deny in a service control policy: "+arn) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var violation *types.ConstraintViolationException
	_, err := trees.DetachPolicy(ctx, &organizations.DetachPolicyInput{PolicyId: aws.String("p-FullAWSAccess"), TargetId: aws.String(member)})
	if !errors.As(err, &violation) || violation.Reason != types.ConstraintViolationExceptionReasonMinPolicyTypeAttachmentLimitExceeded || violation.ErrorMessage() == "" {
		t.Errorf("the last policy: %v", err)
	}
	pages := organizations.NewListAccountsPaginator(trees, &organizations.ListAccountsInput{MaxResults: aws.Int32(1)})
	accounts := 0
	for pages.HasMorePages() {
		page := must[*organizations.ListAccountsOutput](t)(pages.NextPage(ctx))
		accounts += len(page.Accounts)
	}
	if accounts != 2 || !regexp.MustCompile(`^o-[a-z0-9]{10}$`).MatchString(*created.Organization.Id) {
		t.Errorf("%d accounts in %s", accounts, *created.Organization.Id)
	}
}

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// TestControlledRoot: what a service control policy forbids, the root user of a
// member can't do either: schedule the deletion of a key, or stop a trail. The
// latter is no call that this server has, so it is asked what it would answer. The
// root user of the management account can.
func TestControlledRoot(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	ctx, manager, member := t.Context(), p.root(), p.newAccount(partner)
	trees := manager.organizations
	must[*organizations.CreateOrganizationOutput](t)(trees.CreateOrganization(ctx, &organizations.CreateOrganizationInput{}))
	root := must[*organizations.ListRootsOutput](t)(trees.ListRoots(ctx, nil)).Roots[0].Id
	must[*organizations.EnablePolicyTypeOutput](t)(trees.EnablePolicyType(ctx, &organizations.EnablePolicyTypeInput{RootId: root, PolicyType: types.PolicyTypeServiceControlPolicy}))
	invited := must[*organizations.InviteAccountToOrganizationOutput](t)(trees.InviteAccountToOrganization(ctx, &organizations.InviteAccountToOrganizationInput{
		Target: &types.HandshakeParty{Id: aws.String(partner), Type: types.HandshakePartyTypeAccount},
	}))
	must[*organizations.AcceptHandshakeOutput](t)(member.organizations.AcceptHandshake(ctx, &organizations.AcceptHandshakeInput{HandshakeId: invited.Handshake.Id}))
	guard := must[*organizations.CreatePolicyOutput](t)(trees.CreatePolicy(ctx, &organizations.CreatePolicyInput{
		Name: aws.String("guard"), Description: aws.String(""), Type: types.PolicyTypeServiceControlPolicy,
		Content: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["kms:ScheduleKeyDeletion","cloudtrail:StopLogging","cloudtrail:DeleteTrail"],"Resource":"*"}]}`),
	})).Policy.PolicySummary
	theirs := must[*kms.CreateKeyOutput](t)(member.kms.CreateKey(ctx, nil)).KeyMetadata.Arn
	own := must[*kms.CreateKeyOutput](t)(manager.kms.CreateKey(ctx, nil)).KeyMetadata.Arn
	trail := func(account, action string) string {
		t.Helper()
		out, errs, _ := command(t, []string{"policy", "simulate", "--socket", p.admin, "--principal", "arn:aws:iam::" + account + ":root",
			"--action", action, "--resource", "arn:aws:cloudtrail:us-east-1:" + account + ":trail/all"})
		return out + errs
	}
	if said := trail(partner, "cloudtrail:StopLogging"); !strings.Contains(said, "\n  allowed") {
		t.Errorf("before there is a policy: %s", said)
	}

	must[*organizations.AttachPolicyOutput](t)(trees.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: guard.Id, TargetId: aws.String(partner)}))
	_, err := member.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: theirs})
	refused(t, err, "AccessDeniedException", "User: arn:aws:iam::"+partner+":root is not authorized to perform: kms:ScheduleKeyDeletion on resource: "+*theirs+
		" with an explicit deny in a service control policy: "+*guard.Arn)
	for _, action := range []string{"cloudtrail:StopLogging", "cloudtrail:DeleteTrail"} {
		if said := trail(partner, action); !strings.Contains(said, "refused with an explicit deny in a service control policy") {
			t.Errorf("%s of the member: %s", action, said)
		}
		if said := trail(rootAccount, action); !strings.Contains(said, "\n  allowed") {
			t.Errorf("%s of the management account: %s", action, said)
		}
	}
	if said := trail(partner, "cloudtrail:StartLogging"); !strings.Contains(said, "\n  allowed") {
		t.Errorf("what is not forbidden: %s", said)
	}
	must[*kms.ScheduleKeyDeletionOutput](t)(manager.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: own}))
}
