package app

import (
	"maps"
	"slices"

	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/service/organizations"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const (
	sampleControl = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:ScheduleKeyDeletion","Resource":"*"}]}`

	lone = "777788889999" // an account whose organization has no other

	serviceControl  = "SERVICE_CONTROL_POLICY"
	resourceControl = "RESOURCE_CONTROL_POLICY"
)

// organization makes an organization of the owner's, unless there is one, with
// service control policies that count, and returns the id of its root.
func (w *world) organization() optional.Of[string] {
	_, err := w.call(w.caller(owner), "organizations:CreateOrganization", &organizations.CreateOrganizationInput{})
	if err != nil && !fault.Is(err, "AlreadyInOrganizationException") {
		w.t.Fatal(err)
	}
	root := w.root()
	if !slices.ContainsFunc(root.PolicyTypes, func(p organizations.PolicyTypeSummary) bool { return p.Type == serviceControl }) {
		w.enable(optional.Some(root.ID), serviceControl)
	}
	return optional.Some(root.ID)
}

// root is the root of the owner's organization.
func (w *world) root() organizations.Root {
	out := w.must(w.caller(owner), "organizations:ListRoots", &organizations.ListRootsInput{})
	return out.(*organizations.ListRootsOutput).Roots[0]
}

func (w *world) enable(root optional.Of[string], kind string) {
	w.must(w.caller(owner), "organizations:EnablePolicyType", &organizations.EnablePolicyTypeInput{RootID: root, PolicyType: optional.Some(kind)})
}

// orgUnit makes a unit below a parent.
func (w *world) orgUnit(parent optional.Of[string], name string) optional.Of[string] {
	out := w.must(w.caller(owner), "organizations:CreateOrganizationalUnit", &organizations.CreateOrganizationalUnitInput{ParentID: parent, Name: optional.Some(name)})
	return optional.Some(out.(*organizations.CreateOrganizationalUnitOutput).OrganizationalUnit.ID)
}

// controlPolicy makes a policy of an organization.
func (w *world) controlPolicy(kind, document string) optional.Of[string] {
	out := w.must(w.caller(owner), "organizations:CreatePolicy", &organizations.CreatePolicyInput{
		Name: optional.Some(w.fresh("policy")), Description: optional.Some(""), Type: optional.Some(kind), Content: optional.Some(document),
	})
	return optional.Some(out.(*organizations.CreatePolicyOutput).Policy.PolicySummary.ID)
}

func (w *world) attach(policy, target optional.Of[string]) {
	w.must(w.caller(owner), "organizations:AttachPolicy", &organizations.AttachPolicyInput{PolicyID: policy, TargetID: target})
}

// member makes an account of the organization and returns its id.
func (w *world) member() optional.Of[string] {
	out := w.must(w.caller(owner), "organizations:CreateAccount", &organizations.CreateAccountInput{
		Email: optional.Some(w.fresh("member") + "@example.com"), AccountName: optional.Some("a member"),
	})
	described := w.must(w.caller(owner), "organizations:DescribeCreateAccountStatus", &organizations.DescribeCreateAccountStatusInput{
		CreateAccountRequestID: optional.Some(out.(*organizations.CreateAccountOutput).CreateAccountStatus.ID),
	})
	return described.(*organizations.DescribeCreateAccountStatusOutput).CreateAccountStatus.AccountID
}

// trusted gives a service access to the owner's organization, and returns its name.
func (w *world) trusted() optional.Of[string] {
	w.organization()
	service := optional.Some(w.fresh("service") + ".amazonaws.com")
	w.must(w.caller(owner), "organizations:EnableAWSServiceAccess", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: service})
	return service
}

// delegated has a new member administer a service.
func (w *world) delegated() (id, service optional.Of[string]) {
	service, id = w.trusted(), w.member()
	w.must(w.caller(owner), "organizations:RegisterDelegatedAdministrator", &organizations.RegisterDelegatedAdministratorInput{AccountID: id, ServicePrincipal: service})
	return id, service
}

// invitation invites an account to the owner's organization, and returns the id.
func (w *world) invitation(account string) optional.Of[string] {
	w.organization()
	w.caller(account)
	out := w.must(w.caller(owner), "organizations:InviteAccountToOrganization", &organizations.InviteAccountToOrganizationInput{
		Target: organizations.HandshakeParty{ID: optional.Some(account), Type: optional.Some("ACCOUNT")},
	})
	return optional.Some(out.(*organizations.InviteAccountToOrganizationOutput).Handshake.ID)
}

const sampleLending = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + stranger + `"},"Action":"organizations:List*","Resource":"*"}]}`

// lending gives the owner's organization a resource policy.
func (w *world) lending() {
	w.organization()
	w.must(w.caller(owner), "organizations:PutResourcePolicy", &organizations.PutResourcePolicyInput{Content: optional.Some(sampleLending)})
}

func orgTags() []organizations.Tag {
	return []organizations.Tag{{Key: optional.Some("team"), Value: optional.Some("red")}}
}

var organizationSamples = map[string]func(w *world) any{
	"iam:DisableOrganizationsRootCredentialsManagement": func(w *world) any {
		w.centralised()
		return &iam.DisableOrganizationsRootCredentialsManagementInput{}
	},
	"iam:DisableOrganizationsRootSessions": func(w *world) any {
		w.centralised()
		return &iam.DisableOrganizationsRootSessionsInput{}
	},
	"iam:EnableOrganizationsRootCredentialsManagement": func(w *world) any {
		w.centralised()
		return &iam.EnableOrganizationsRootCredentialsManagementInput{}
	},
	"iam:EnableOrganizationsRootSessions": func(w *world) any {
		w.centralised()
		return &iam.EnableOrganizationsRootSessionsInput{}
	},
	"iam:ListOrganizationsFeatures": func(w *world) any {
		w.centralised()
		return &iam.ListOrganizationsFeaturesInput{}
	},
	"sts:AssumeRoot": func(w *world) any {
		w.centralised()
		return asRoot(w.member().V, auditTask)
	},

	"organizations:DeleteResourcePolicy": func(w *world) any {
		w.lending()
		return &organizations.DeleteResourcePolicyInput{}
	},
	"organizations:DescribeResourcePolicy": func(w *world) any {
		w.lending()
		return &organizations.DescribeResourcePolicyInput{}
	},
	"organizations:PutResourcePolicy": func(w *world) any {
		w.organization()
		return &organizations.PutResourcePolicyInput{Content: optional.Some(sampleLending), Tags: orgTags()}
	},
	"organizations:AcceptHandshake": func(w *world) any {
		return &organizations.AcceptHandshakeInput{HandshakeID: w.invitation("200000000001")}
	},
	"organizations:CancelHandshake": func(w *world) any {
		return &organizations.CancelHandshakeInput{HandshakeID: w.invitation("200000000002")}
	},
	"organizations:DeclineHandshake": func(w *world) any {
		return &organizations.DeclineHandshakeInput{HandshakeID: w.invitation("200000000003")}
	},
	"organizations:DescribeHandshake": func(w *world) any {
		return &organizations.DescribeHandshakeInput{HandshakeID: w.invitation("200000000004")}
	},
	"organizations:InviteAccountToOrganization": func(w *world) any {
		w.organization()
		w.caller("200000000005")
		return &organizations.InviteAccountToOrganizationInput{
			Target: organizations.HandshakeParty{ID: optional.Some("200000000005"), Type: optional.Some("ACCOUNT")}, Notes: optional.Some("welcome"), Tags: orgTags(),
		}
	},
	"organizations:ListHandshakesForAccount": func(w *world) any {
		w.invitation("200000000006")
		return &organizations.ListHandshakesForAccountInput{}
	},
	"organizations:ListHandshakesForOrganization": func(w *world) any {
		w.invitation("200000000007")
		return &organizations.ListHandshakesForOrganizationInput{}
	},
	"organizations:AttachPolicy": func(w *world) any {
		root := w.organization()
		return &organizations.AttachPolicyInput{PolicyID: w.controlPolicy(serviceControl, sampleControl), TargetID: root}
	},
	"organizations:CloseAccount": func(w *world) any {
		w.organization()
		return &organizations.CloseAccountInput{AccountID: w.member()}
	},
	"organizations:CreateAccount": func(w *world) any {
		w.organization()
		return &organizations.CreateAccountInput{
			Email: optional.Some(w.fresh("sample") + "@example.com"), AccountName: optional.Some(w.fresh("sample")), RoleName: optional.Some("Access"), Tags: orgTags(),
		}
	},
	"organizations:CreateOrganization": func(*world) any {
		return &organizations.CreateOrganizationInput{FeatureSet: optional.Some("ALL")}
	},
	"organizations:CreateOrganizationalUnit": func(w *world) any {
		return &organizations.CreateOrganizationalUnitInput{ParentID: w.organization(), Name: optional.Some(w.fresh("sample")), Tags: orgTags()}
	},
	"organizations:CreatePolicy": func(w *world) any {
		w.organization()
		return &organizations.CreatePolicyInput{
			Name: optional.Some(w.fresh("sample")), Description: optional.Some("sample"), Type: optional.Some(serviceControl),
			Content: optional.Some(sampleControl), Tags: orgTags(),
		}
	},
	"organizations:DeleteOrganization": func(w *world) any {
		w.must(w.caller(lone), "organizations:CreateOrganization", &organizations.CreateOrganizationInput{})
		return &organizations.DeleteOrganizationInput{}
	},
	"organizations:DeleteOrganizationalUnit": func(w *world) any {
		return &organizations.DeleteOrganizationalUnitInput{OrganizationalUnitID: w.orgUnit(w.organization(), w.fresh("unit"))}
	},
	"organizations:DeletePolicy": func(w *world) any {
		w.organization()
		return &organizations.DeletePolicyInput{PolicyID: w.controlPolicy(serviceControl, sampleControl)}
	},
	"organizations:DescribeAccount": func(w *world) any {
		w.organization()
		return &organizations.DescribeAccountInput{AccountID: w.member()}
	},
	"organizations:DescribeCreateAccountStatus": func(w *world) any {
		w.organization()
		out := w.must(w.caller(owner), "organizations:CreateAccount", &organizations.CreateAccountInput{
			Email: optional.Some(w.fresh("sample") + "@example.com"), AccountName: optional.Some(w.fresh("sample")),
		})
		return &organizations.DescribeCreateAccountStatusInput{
			CreateAccountRequestID: optional.Some(out.(*organizations.CreateAccountOutput).CreateAccountStatus.ID),
		}
	},
	"organizations:DescribeOrganization": func(w *world) any {
		w.organization()
		return &organizations.DescribeOrganizationInput{}
	},
	"organizations:DescribeOrganizationalUnit": func(w *world) any {
		return &organizations.DescribeOrganizationalUnitInput{OrganizationalUnitID: w.orgUnit(w.organization(), w.fresh("unit"))}
	},
	"organizations:DescribePolicy": func(w *world) any {
		w.organization()
		return &organizations.DescribePolicyInput{PolicyID: w.controlPolicy(serviceControl, sampleControl)}
	},
	"organizations:DetachPolicy": func(w *world) any {
		root, p := w.organization(), w.controlPolicy(serviceControl, sampleControl)
		w.attach(p, root)
		return &organizations.DetachPolicyInput{PolicyID: p, TargetID: root}
	},
	"organizations:DisablePolicyType": func(w *world) any {
		return &organizations.DisablePolicyTypeInput{RootID: w.organization(), PolicyType: optional.Some(serviceControl)}
	},
	"organizations:EnablePolicyType": func(w *world) any {
		return &organizations.EnablePolicyTypeInput{RootID: w.organization(), PolicyType: optional.Some(resourceControl)}
	},
	"organizations:DeregisterDelegatedAdministrator": func(w *world) any {
		id, service := w.delegated()
		return &organizations.DeregisterDelegatedAdministratorInput{AccountID: id, ServicePrincipal: service}
	},
	"organizations:DisableAWSServiceAccess": func(w *world) any {
		return &organizations.DisableAWSServiceAccessInput{ServicePrincipal: w.trusted()}
	},
	"organizations:EnableAWSServiceAccess": func(w *world) any {
		w.organization()
		return &organizations.EnableAWSServiceAccessInput{ServicePrincipal: optional.Some("sso.amazonaws.com")}
	},
	"organizations:ListAWSServiceAccessForOrganization": func(w *world) any {
		w.trusted()
		return &organizations.ListAWSServiceAccessForOrganizationInput{}
	},
	"organizations:ListDelegatedAdministrators": func(w *world) any {
		_, service := w.delegated()
		return &organizations.ListDelegatedAdministratorsInput{ServicePrincipal: service}
	},
	"organizations:ListDelegatedServicesForAccount": func(w *world) any {
		id, _ := w.delegated()
		return &organizations.ListDelegatedServicesForAccountInput{AccountID: id}
	},
	"organizations:RegisterDelegatedAdministrator": func(w *world) any {
		service := w.trusted()
		return &organizations.RegisterDelegatedAdministratorInput{AccountID: w.member(), ServicePrincipal: service}
	},
	"organizations:LeaveOrganization": func(*world) any { return &organizations.LeaveOrganizationInput{} },
	"organizations:ListAccounts": func(w *world) any {
		w.organization()
		return &organizations.ListAccountsInput{}
	},
	"organizations:ListAccountsForParent": func(w *world) any {
		return &organizations.ListAccountsForParentInput{ParentID: w.organization()}
	},
	"organizations:ListChildren": func(w *world) any {
		return &organizations.ListChildrenInput{ParentID: w.organization(), ChildType: optional.Some("ACCOUNT")}
	},
	"organizations:ListCreateAccountStatus": func(w *world) any {
		w.organization()
		return &organizations.ListCreateAccountStatusInput{}
	},
	"organizations:ListOrganizationalUnitsForParent": func(w *world) any {
		return &organizations.ListOrganizationalUnitsForParentInput{ParentID: w.organization()}
	},
	"organizations:ListParents": func(w *world) any {
		w.organization()
		return &organizations.ListParentsInput{ChildID: w.member()}
	},
	"organizations:ListPolicies": func(w *world) any {
		w.organization()
		return &organizations.ListPoliciesInput{Filter: optional.Some(serviceControl)}
	},
	"organizations:ListPoliciesForTarget": func(w *world) any {
		return &organizations.ListPoliciesForTargetInput{TargetID: w.organization(), Filter: optional.Some(serviceControl)}
	},
	"organizations:ListRoots": func(w *world) any {
		w.organization()
		return &organizations.ListRootsInput{}
	},
	"organizations:ListTagsForResource": func(w *world) any {
		return &organizations.ListTagsForResourceInput{ResourceID: w.organization()}
	},
	"organizations:ListTargetsForPolicy": func(w *world) any {
		w.organization()
		return &organizations.ListTargetsForPolicyInput{PolicyID: optional.Some("p-FullAWSAccess")}
	},
	"organizations:MoveAccount": func(w *world) any {
		root := w.organization()
		return &organizations.MoveAccountInput{AccountID: w.member(), SourceParentID: root, DestinationParentID: w.orgUnit(root, w.fresh("unit"))}
	},
	"organizations:RemoveAccountFromOrganization": func(w *world) any {
		w.organization()
		return &organizations.RemoveAccountFromOrganizationInput{AccountID: w.member()}
	},
	"organizations:TagResource": func(w *world) any {
		return &organizations.TagResourceInput{ResourceID: w.organization(), Tags: orgTags()}
	},
	"organizations:UntagResource": func(w *world) any {
		root := w.organization()
		w.must(w.caller(owner), "organizations:TagResource", &organizations.TagResourceInput{ResourceID: root, Tags: orgTags()})
		return &organizations.UntagResourceInput{ResourceID: root, TagKeys: []string{"team"}}
	},
	"organizations:UpdateOrganizationalUnit": func(w *world) any {
		return &organizations.UpdateOrganizationalUnitInput{OrganizationalUnitID: w.orgUnit(w.organization(), w.fresh("unit")), Name: optional.Some(w.fresh("new"))}
	},
	"organizations:UpdatePolicy": func(w *world) any {
		w.organization()
		return &organizations.UpdatePolicyInput{PolicyID: w.controlPolicy(serviceControl, sampleControl), Name: optional.Some(w.fresh("new"))}
	},
}

// organizationAuthors make the calls that a management account may not.
var organizationAuthors = map[string]func(w *world) *authz.Credential{
	"organizations:LeaveOrganization": func(w *world) *authz.Credential {
		w.organization()
		return w.caller(w.member().V)
	},
	"sts:AssumeRoot":                   func(w *world) *authz.Credential { return w.userWith("assumer", `"sts:AssumeRoot"`) },
	"organizations:AcceptHandshake":    func(w *world) *authz.Credential { return w.caller("200000000001") },
	"organizations:DeclineHandshake":   func(w *world) *authz.Credential { return w.caller("200000000003") },
	"organizations:CreateOrganization": func(w *world) *authz.Credential { return w.caller("666677778888") },
	"organizations:DeleteOrganization": func(w *world) *authz.Credential { return w.caller(lone) },
}

// Limits that several operations share.
var (
	limitHandshake    = limit{"HandshakeId", 0, 34}
	limitMember       = limit{"AccountId", 0, 12}
	limitService      = limit{"ServicePrincipal", 1, 128}
	limitUnit         = limit{"OrganizationalUnitId", 0, 68}
	limitPolicyID     = limit{"PolicyId", 0, 130}
	limitPolicyTarget = limit{"TargetId", 0, 100}
	limitsResults     = []limit{{"NextToken", 0, 100000}, {"MaxResults", 1, 20}}
)

var organizationLimits = map[string][]limit{
	"organizations:DeleteResourcePolicy":                {},
	"organizations:DescribeResourcePolicy":              {},
	"organizations:PutResourcePolicy":                   {{"Content", 1, 40000}},
	"iam:DisableOrganizationsRootCredentialsManagement": {},
	"iam:DisableOrganizationsRootSessions":              {},
	"iam:EnableOrganizationsRootCredentialsManagement":  {},
	"iam:EnableOrganizationsRootSessions":               {},
	"iam:ListOrganizationsFeatures":                     {},
	"sts:AssumeRoot":                                    {{"TargetPrincipal", 12, 2048}, {"DurationSeconds", 0, 900}},

	"organizations:AcceptHandshake":                     {limitHandshake},
	"organizations:CancelHandshake":                     {limitHandshake},
	"organizations:DeclineHandshake":                    {limitHandshake},
	"organizations:DescribeHandshake":                   {limitHandshake},
	"organizations:InviteAccountToOrganization":         {{"Notes", 0, 1024}},
	"organizations:ListHandshakesForAccount":            limitsResults,
	"organizations:ListHandshakesForOrganization":       limitsResults,
	"organizations:AttachPolicy":                        {limitPolicyID, limitPolicyTarget},
	"organizations:CloseAccount":                        {limitMember},
	"organizations:CreateAccount":                       {{"Email", 6, 64}, {"AccountName", 1, 50}, {"RoleName", 0, 64}},
	"organizations:CreateOrganization":                  {},
	"organizations:CreateOrganizationalUnit":            {{"ParentId", 0, 100}, {"Name", 1, 128}},
	"organizations:CreatePolicy":                        {{"Description", 0, 512}, {"Name", 1, 128}},
	"organizations:DeleteOrganization":                  {},
	"organizations:DeleteOrganizationalUnit":            {limitUnit},
	"organizations:DeletePolicy":                        {limitPolicyID},
	"organizations:DeregisterDelegatedAdministrator":    {limitMember, limitService},
	"organizations:DisableAWSServiceAccess":             {limitService},
	"organizations:EnableAWSServiceAccess":              {limitService},
	"organizations:ListAWSServiceAccessForOrganization": limitsResults,
	"organizations:ListDelegatedAdministrators":         append([]limit{limitService}, limitsResults...),
	"organizations:ListDelegatedServicesForAccount":     append([]limit{limitMember}, limitsResults...),
	"organizations:RegisterDelegatedAdministrator":      {limitMember, limitService},
	"organizations:DescribeAccount":                     {limitMember},
	"organizations:DescribeCreateAccountStatus":         {{"CreateAccountRequestId", 0, 36}},
	"organizations:DescribeOrganization":                {},
	"organizations:DescribeOrganizationalUnit":          {limitUnit},
	"organizations:DescribePolicy":                      {limitPolicyID},
	"organizations:DetachPolicy":                        {limitPolicyID, limitPolicyTarget},
	"organizations:DisablePolicyType":                   {{"RootId", 0, 34}},
	"organizations:EnablePolicyType":                    {{"RootId", 0, 34}},
	"organizations:LeaveOrganization":                   {},
	"organizations:ListAccounts":                        limitsResults,
	"organizations:ListAccountsForParent":               append([]limit{{"ParentId", 0, 100}}, limitsResults...),
	"organizations:ListChildren":                        append([]limit{{"ParentId", 0, 100}}, limitsResults...),
	"organizations:ListCreateAccountStatus":             limitsResults,
	"organizations:ListOrganizationalUnitsForParent":    append([]limit{{"ParentId", 0, 100}}, limitsResults...),
	"organizations:ListParents":                         append([]limit{{"ChildId", 0, 100}}, limitsResults...),
	"organizations:ListPolicies":                        limitsResults,
	"organizations:ListPoliciesForTarget":               append([]limit{limitPolicyTarget}, limitsResults...),
	"organizations:ListRoots":                           limitsResults,
	"organizations:ListTagsForResource":                 {{"ResourceId", 0, 130}, {"NextToken", 0, 100000}},
	"organizations:ListTargetsForPolicy":                append([]limit{limitPolicyID}, limitsResults...),
	"organizations:MoveAccount":                         {limitMember, {"SourceParentId", 0, 100}, {"DestinationParentId", 0, 100}},
	"organizations:RemoveAccountFromOrganization":       {limitMember},
	"organizations:TagResource":                         {{"ResourceId", 0, 130}},
	"organizations:UntagResource":                       {{"ResourceId", 0, 130}},
	"organizations:UpdateOrganizationalUnit":            {limitUnit, {"Name", 1, 128}},
	"organizations:UpdatePolicy":                        {limitPolicyID, {"Name", 1, 128}, {"Description", 0, 512}},
}

func init() {
	maps.Copy(limits, organizationLimits)
	maps.Copy(samples, organizationSamples)
	maps.Copy(authors, organizationAuthors)
}
