package iam

import (
	"fmt"
	"strconv"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/pairs"
)

// GetAccountSummaryInput asks what the caller's account has, and may have.
type GetAccountSummaryInput struct{}

// Validate has nothing to check.
func (in *GetAccountSummaryInput) Validate(*check.Checks) {}

// GetAccountSummaryOutput has numbers by what they count or bound.
type GetAccountSummaryOutput struct {
	SummaryMap pairs.Map `aws:"SummaryMap"`
}

// getAccountSummary implements GetAccountSummary.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
func (s *Service) getAccountSummary() operation.Operation {
	return operation.Use[GetAccountSummaryInput, GetAccountSummaryOutput, accountTarget, *GetAccountSummaryInput]{
		Name:    "GetAccountSummary",
		Actions: []string{"iam:GetAccountSummary"},
		Subject: func(c *operation.Call, _ *GetAccountSummaryInput) (accountTarget, error) { return s.ownRecord(c) },
		Asks:    asksOfAccount[GetAccountSummaryInput]("iam:GetAccountSummary"),
		Run: func(c *operation.Call, _ *GetAccountSummaryInput, t accountTarget) (*GetAccountSummaryOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			inUse, err := policiesInUse(c)
			if err != nil {
				return nil, err
			}
			numbers := t.account.summary()
			numbers["PolicyVersionsInUse"] = inUse
			texts := make(map[string]string, len(numbers))
			for name, n := range numbers {
				texts[name] = strconv.Itoa(n)
			}
			return &GetAccountSummaryOutput{SummaryMap: pairs.Of(texts)}, nil
		},
	}.Operation()
}

// Quotas of what nobody can have here, and of what nobody counts.
const (
	serverCertificatesMax  = 20
	signingCertificatesMax = 2
	versionsInUseMax       = 10_000
)

// summary has what the account's record counts, and the quotas.
func (a *account) summary() map[string]int {
	return map[string]int{
		"AccountAccessKeysPresent":          min(len(a.AccessKeys), 1),
		"AccountMFAEnabled":                 0, // a root user has no devices
		"AccountPasswordPresent":            0,
		"AccountSigningCertificatesPresent": 0,
		"GlobalEndpointTokenVersion":        1,

		"Groups":             a.Groups,
		"InstanceProfiles":   a.InstanceProfiles,
		"MFADevices":         a.MFADevices,
		"MFADevicesInUse":    a.MFADevicesInUse,
		"Policies":           a.Policies,
		"Providers":          a.OIDCProviders + a.SAMLProviders,
		"Roles":              a.Roles,
		"ServerCertificates": 0,
		"Users":              a.Users,

		"AccessKeysPerUserQuota":          accessKeysMax,
		"AssumeRolePolicySizeQuota":       trustSizeMax,
		"AttachedPoliciesPerGroupQuota":   attachmentsMax,
		"AttachedPoliciesPerRoleQuota":    attachmentsMax,
		"AttachedPoliciesPerUserQuota":    attachmentsMax,
		"GroupPolicySizeQuota":            groupPolicySizeMax,
		"GroupsPerUserQuota":              groupsOfUserMax,
		"GroupsQuota":                     groupsMax,
		"InstanceProfilesQuota":           instanceProfilesMax,
		"PoliciesQuota":                   managedPoliciesMax,
		"PolicySizeQuota":                 managedSizeMax,
		"PolicyVersionsInUseQuota":        versionsInUseMax,
		"RolePolicySizeQuota":             rolePolicySizeMax,
		"RolesQuota":                      rolesMax,
		"ServerCertificatesQuota":         serverCertificatesMax,
		"SigningCertificatesPerUserQuota": signingCertificatesMax,
		"UserPolicySizeQuota":             policySizeMax,
		"UsersQuota":                      usersMax,
		"VersionsPerPolicyQuota":          versionsMax,
	}
}

// policiesInUse counts the managed policies that somebody of the caller's account
// has: of each the version that is in force is in use.
func policiesInUse(c *operation.Call) (n int, err error) {
	r, err := c.Reader()
	if err != nil {
		return 0, err
	}
	const batch = 500
	var after store.Key
	for seen := batch; seen == batch; {
		seen = 0
		err := policyUses.Scan(c.Context, r, "", store.Key{store.S(ownAccount(c))}, after, batch, func(u *policyUse, _ store.Rev) error {
			seen++
			after = policyUses.Key(u)
			if u.Attachments > 0 || u.Boundaries > 0 {
				n++
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("counting the policies in use of account %s: %w", ownAccount(c), err)
		}
	}
	return n, nil
}
