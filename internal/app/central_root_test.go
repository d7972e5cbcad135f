package app

import (
	"strings"
	"testing"

	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/service/organizations"
	"claviger/internal/service/sts"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const (
	centralRoot = "iam.amazonaws.com"
	auditTask   = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
	deleteTask  = "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"
)

// centralised turns the management of root credentials on.
func (w *world) centralised() {
	w.t.Helper()
	w.organization()
	w.must(w.caller(owner), "organizations:EnableAWSServiceAccess", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: optional.Some(centralRoot)})
	w.must(w.caller(owner), "iam:EnableOrganizationsRootCredentialsManagement", &iam.EnableOrganizationsRootCredentialsManagementInput{})
}

func asRoot(account, task string) *sts.AssumeRootInput {
	return &sts.AssumeRootInput{
		TargetPrincipal: optional.Some(account), TaskPolicyARN: sts.PolicyDescriptorType{ARN: optional.Some(task)}, DurationSeconds: optional.Some(900),
	}
}

func (w *world) assumeRoot(as *authz.Credential, in *sts.AssumeRootInput) *authz.Credential {
	w.t.Helper()
	return w.lent(w.must(as, "sts:AssumeRoot", in).(*sts.AssumeRootOutput).Credentials)
}

// TestOrganizationsFeatures: centralised root access is the management account's
// to turn on, and needs an organization that trusts IAM.
func TestOrganizationsFeatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list := func(as string) (any, error) {
		return w.call(w.caller(as), "iam:ListOrganizationsFeatures", &iam.ListOrganizationsFeaturesInput{})
	}
	refused := func(as string, code fault.Code) {
		t.Helper()
		if _, err := list(as); !fault.Is(err, code) {
			t.Errorf("%s: %v, want %s", as, err, code)
		}
	}
	refused(owner, "OrganizationNotFoundException")
	w.organization()
	refused(owner, "ServiceAccessNotEnabledException")
	w.centralised()
	id := w.member()
	refused(id.V, "AccountNotManagementOrDelegatedAdministratorException")
	w.must(w.caller(owner), "organizations:RegisterDelegatedAdministrator", &organizations.RegisterDelegatedAdministratorInput{AccountID: id, ServicePrincipal: optional.Some(centralRoot)})
	if _, err := w.call(w.caller(id.V), "iam:EnableOrganizationsRootSessions", &iam.EnableOrganizationsRootSessionsInput{}); !fault.Is(err, "CallerIsNotManagementAccountException") {
		t.Errorf("the administrator: %v", err)
	}
	w.must(w.caller(owner), "iam:EnableOrganizationsRootSessions", &iam.EnableOrganizationsRootSessionsInput{})
	out, err := list(id.V)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.(*iam.ListOrganizationsFeaturesOutput); strings.Join(got.EnabledFeatures, " ") != "RootCredentialsManagement RootSessions" || !strings.HasPrefix(got.OrganizationID, "o-") {
		t.Errorf("%+v", got)
	}
	off := w.must(w.caller(id.V), "iam:DisableOrganizationsRootSessions", &iam.DisableOrganizationsRootSessionsInput{}).(*iam.DisableOrganizationsRootSessionsOutput)
	if strings.Join(off.EnabledFeatures, " ") != "RootCredentialsManagement" {
		t.Errorf("%+v", off)
	}
	w.must(w.caller(stranger), "organizations:CreateOrganization", &organizations.CreateOrganizationInput{FeatureSet: optional.Some("CONSOLIDATED_BILLING")})
	refused(stranger, "OrganizationNotInAllFeaturesModeException")

	// Another organization of the same account begins without them.
	w.must(w.caller(owner), "organizations:DeregisterDelegatedAdministrator", &organizations.DeregisterDelegatedAdministratorInput{AccountID: id, ServicePrincipal: optional.Some(centralRoot)})
	w.must(w.caller(owner), "organizations:RemoveAccountFromOrganization", &organizations.RemoveAccountFromOrganizationInput{AccountID: id})
	w.must(w.caller(owner), "organizations:DeleteOrganization", &organizations.DeleteOrganizationInput{})
	w.organization()
	w.must(w.caller(owner), "organizations:EnableAWSServiceAccess", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: optional.Some(centralRoot)})
	if out, err := list(owner); err != nil || len(out.(*iam.ListOrganizationsFeaturesOutput).EnabledFeatures) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestAssumeRoot: a session as the root user of a member does its one task, and
// ends with the feature.
func TestAssumeRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.centralised()
	id := w.member()
	admin := w.userWith("admin", `"sts:AssumeRoot"`)
	outsider := w.newUser(stranger, "outsider")
	w.must(w.caller(stranger), "iam:PutUserPolicy", &iam.PutUserPolicyInput{UserName: optional.Some("outsider"), PolicyName: optional.Some("own"), PolicyDocument: optional.Some(sampleDocument)})
	audit := asRoot(id.V, auditTask)
	for name, test := range map[string]struct {
		as *authz.Credential
		in *sts.AssumeRootInput
	}{
		"without leave":          {w.newUser(owner, "nobody"), audit},
		"as a root user":         {w.caller(owner), audit},
		"of the management":      {admin, asRoot(owner, auditTask)},
		"of a stranger":          {admin, asRoot(stranger, auditTask)},
		"of nobody":              {admin, asRoot("000000000000", auditTask)},
		"by a stranger":          {w.caller(outsider.AccessKeyID), audit},
		"for no task":            {admin, asRoot(id.V, "arn:aws:iam::aws:policy/AdministratorAccess")},
		"for the task of others": {admin, asRoot(id.V, "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy")},
	} {
		if _, err := w.call(test.as, "sts:AssumeRoot", test.in); !fault.Is(err, fault.AccessDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	session := w.assumeRoot(admin, asRoot("arn:aws:iam::"+id.V+":root", auditTask))
	who := w.must(session, "sts:GetCallerIdentity", &sts.GetCallerIdentityInput{}).(*sts.GetCallerIdentityOutput)
	if who.ARN != "arn:aws:iam::"+id.V+":root" || who.Account != id.V {
		t.Errorf("%+v", who)
	}
	w.must(session, "iam:ListAccessKeys", &iam.ListAccessKeysInput{})
	records, _ := w.records(1)
	if last := string(records[len(records)-1].Record); !strings.Contains(last, `"type":"Root"`) || !strings.Contains(last, `"assumedRoot":"true"`) {
		t.Errorf("the record: %s", last)
	}
	w.denial(session, "iam:ListUsers", &iam.ListUsersInput{}, "with an explicit deny in a session policy")
	w.denial(session, "iam:DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyID: optional.Some("AKIAEXAMPLEEXAMPLEEX")}, "with an explicit deny in a session policy")

	// A policy of the organization stands over it, too, and can tell it apart.
	guard := w.controlPolicy(serviceControl, document(`{"Effect":"Deny","Action":"iam:ListAccessKeys","Resource":"*","Condition":{"Bool":{"aws:AssumedRoot":"true"}}}`))
	w.attach(guard, id)
	session, err := w.again(session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.call(session, "iam:ListAccessKeys", &iam.ListAccessKeysInput{}); !fault.Is(err, fault.AccessDenied) || !strings.Contains(err.Error(), "service control policy") {
		t.Errorf("%v", err)
	}
	w.must(w.caller(id.V), "iam:ListAccessKeys", &iam.ListAccessKeysInput{})

	deleting := w.assumeRoot(admin, asRoot(id.V, deleteTask))
	w.must(w.caller(owner), "iam:DisableOrganizationsRootCredentialsManagement", &iam.DisableOrganizationsRootCredentialsManagementInput{})
	w.ended(session)
	w.ended(deleting)
	if _, err := w.call(admin, "sts:AssumeRoot", audit); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("without the feature: %v", err)
	}
}
