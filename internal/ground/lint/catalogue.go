package lint

import (
	"strings"

	"claviger/internal/ground/policy"
)

// actions are those of the services whose policies matter here, by their vendor:
// those of the public models, and those that are permissions only.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var actions = fields(map[string]string{
	"kms": `CancelKeyDeletion ConnectCustomKeyStore CreateAlias CreateCustomKeyStore CreateGrant CreateKey Decapsulate
		Decrypt DeleteAlias DeleteCustomKeyStore DeleteImportedKeyMaterial DeriveSharedSecret DescribeCustomKeyStores
		DescribeKey DisableKey DisableKeyRotation DisconnectCustomKeyStore EnableKey EnableKeyRotation Encapsulate
		Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext
		GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom GetKeyLastUsage GetKeyPolicy GetKeyRotationStatus
		GetParametersForImport GetPublicKey ImportKeyMaterial ListAliases ListGrants ListKeyPolicies ListKeyRotations
		ListKeys ListResourceTags ListRetirableGrants PutKeyPolicy ReEncryptFrom ReEncryptTo ReplicateKey RetireGrant
		RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion Sign SynchronizeMultiRegionKey TagResource UntagResource
		UpdateAlias UpdateCustomKeyStore UpdateKeyDescription UpdatePrimaryRegion Verify VerifyMac`,
	"iam": `AcceptDelegationRequest AddClientIDToOpenIDConnectProvider AddRoleToInstanceProfile AddUserToGroup
		AssociateDelegationRequest AttachGroupPolicy AttachRolePolicy AttachUserPolicy ChangePassword CreateAccessKey
		CreateAccountAlias CreateDelegationRequest CreateGroup CreateInstanceProfile CreateLoginProfile
		CreateOpenIDConnectProvider CreatePolicy CreatePolicyVersion CreateRole CreateSAMLProvider
		CreateServiceLinkedRole CreateServiceSpecificCredential CreateUser CreateVirtualMFADevice DeactivateMFADevice
		DeleteAccessKey DeleteAccountAlias DeleteAccountPasswordPolicy DeleteGroup DeleteGroupPolicy
		DeleteInstanceProfile DeleteLoginProfile DeleteOpenIDConnectProvider DeletePolicy DeletePolicyVersion
		DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy DeleteSAMLProvider DeleteSSHPublicKey
		DeleteServerCertificate DeleteServiceLinkedRole DeleteServiceSpecificCredential DeleteSigningCertificate
		DeleteUser DeleteUserPermissionsBoundary DeleteUserPolicy DeleteVirtualMFADevice DetachGroupPolicy
		DetachRolePolicy DetachUserPolicy DisableOrganizationsRootCredentialsManagement
		DisableOrganizationsRootSessions DisableOutboundWebIdentityFederation EnableMFADevice
		EnableOrganizationsRootCredentialsManagement EnableOrganizationsRootSessions
		EnableOutboundWebIdentityFederation GenerateCredentialReport GenerateOrganizationsAccessReport
		GenerateServiceLastAccessedDetails GetAccessKeyLastUsed GetAccountAuthorizationDetails
		GetAccountPasswordPolicy GetAccountSummary GetContextKeysForCustomPolicy GetContextKeysForPrincipalPolicy
		GetCredentialReport GetDelegationRequest GetGroup GetGroupPolicy GetHumanReadableSummary GetInstanceProfile
		GetLoginProfile GetMFADevice GetOpenIDConnectProvider GetOrganizationsAccessReport
		GetOutboundWebIdentityFederationInfo GetPolicy GetPolicyVersion GetRole GetRolePolicy GetSAMLProvider
		GetSSHPublicKey GetServerCertificate GetServiceLastAccessedDetails GetServiceLastAccessedDetailsWithEntities
		GetServiceLinkedRoleDeletionStatus GetUser GetUserPolicy ListAccessKeys ListAccountAliases
		ListAttachedGroupPolicies ListAttachedRolePolicies ListAttachedUserPolicies ListDelegationRequests
		ListEntitiesForPolicy ListGroupPolicies ListGroups ListGroupsForUser ListInstanceProfileTags
		ListInstanceProfiles ListInstanceProfilesForRole ListMFADeviceTags ListMFADevices
		ListOpenIDConnectProviderTags ListOpenIDConnectProviders ListOrganizationsFeatures ListPolicies
		ListPoliciesGrantingServiceAccess ListPolicyTags ListPolicyVersions ListRolePolicies ListRoleTags ListRoles
		ListSAMLProviderTags ListSAMLProviders ListSSHPublicKeys ListServerCertificateTags ListServerCertificates
		ListServiceSpecificCredentials ListSigningCertificates ListUserPolicies ListUserTags ListUsers
		ListVirtualMFADevices PassRole PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy
		PutUserPermissionsBoundary PutUserPolicy RejectDelegationRequest RemoveClientIDFromOpenIDConnectProvider
		RemoveRoleFromInstanceProfile RemoveUserFromGroup ResetServiceSpecificCredential ResyncMFADevice
		SendDelegationToken SetDefaultPolicyVersion SetSecurityTokenServicePreferences SimulateCustomPolicy
		SimulatePrincipalPolicy TagInstanceProfile TagMFADevice TagOpenIDConnectProvider TagPolicy TagRole
		TagSAMLProvider TagServerCertificate TagUser UntagInstanceProfile UntagMFADevice UntagOpenIDConnectProvider
		UntagPolicy UntagRole UntagSAMLProvider UntagServerCertificate UntagUser UpdateAccessKey
		UpdateAccountPasswordPolicy UpdateAssumeRolePolicy UpdateDelegationRequest UpdateGroup UpdateLoginProfile
		UpdateOpenIDConnectProviderThumbprint UpdateRole UpdateRoleDescription UpdateSAMLProvider UpdateSSHPublicKey
		UpdateServerCertificate UpdateServiceSpecificCredential UpdateSigningCertificate UpdateUser UploadSSHPublicKey
		UploadServerCertificate UploadSigningCertificate`,
	"sts": `AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot DecodeAuthorizationMessage GetAccessKeyInfo
		GetCallerIdentity GetDelegatedAccessToken GetFederationToken GetServiceBearerToken GetSessionToken
		GetWebIdentityToken SetContext SetSourceIdentity TagSession`,
	"secretsmanager": `BatchGetSecretValue CancelRotateSecret CreateSecret DeleteResourcePolicy DeleteSecret DescribeSecret
		GetRandomPassword GetResourcePolicy GetSecretValue ListSecretVersionIds ListSecrets PutResourcePolicy
		PutSecretValue RemoveRegionsFromReplication ReplicateSecretToRegions RestoreSecret RotateSecret
		StopReplicationToReplica TagResource UntagResource UpdateSecret UpdateSecretVersionStage
		ValidateResourcePolicy`,
	"organizations": `AcceptHandshake AttachPolicy CancelHandshake CloseAccount CreateAccount CreateGovCloudAccount
		CreateOrganization CreateOrganizationalUnit CreatePolicy DeclineHandshake DeleteOrganization
		DeleteOrganizationalUnit DeletePolicy DeleteResourcePolicy DeregisterDelegatedAdministrator DescribeAccount
		DescribeCreateAccountStatus DescribeEffectivePolicy DescribeHandshake DescribeOrganization
		DescribeOrganizationalUnit DescribePolicy DescribeResourcePolicy DescribeResponsibilityTransfer DetachPolicy
		DisableAWSServiceAccess DisablePolicyType EnableAWSServiceAccess EnableAllFeatures EnablePolicyType
		InviteAccountToOrganization InviteOrganizationToTransferResponsibility LeaveOrganization
		ListAWSServiceAccessForOrganization ListAccounts ListAccountsForParent ListAccountsWithInvalidEffectivePolicy
		ListChildren ListCreateAccountStatus ListDelegatedAdministrators ListDelegatedServicesForAccount
		ListEffectivePolicyValidationErrors ListHandshakesForAccount ListHandshakesForOrganization
		ListInboundResponsibilityTransfers ListOrganizationalUnitsForParent ListOutboundResponsibilityTransfers
		ListParents ListPolicies ListPoliciesForTarget ListRoots ListTagsForResource ListTargetsForPolicy MoveAccount
		PutResourcePolicy RegisterDelegatedAdministrator RemoveAccountFromOrganization TagResource
		TerminateResponsibilityTransfer UntagResource UpdateOrganizationalUnit UpdatePolicy
		UpdateResponsibilityTransfer`,
})

func fields(m map[string]string) map[string][]string {
	split := make(map[string][]string, len(m))
	for vendor, names := range m {
		split[vendor] = strings.Fields(names)
	}
	return split
}

// A condKey is what is known of a condition key.
type condKey struct {
	kind  string // "string", "number", "date", "bool", "arn", "ip"
	multi bool   // holds several values

	// foreign keys are those of services that are not known here: nothing else
	// stands here of them.
	foreign bool

	// of are the actions of its service whose requests have it; nil where many do.
	of []string
}

// Groups of actions of KMS whose requests have the same keys.
// https://docs.aws.amazon.com/kms/latest/developerguide/policy-conditions.html
var (
	symmetric = strings.Fields("Encrypt Decrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext ReEncryptFrom ReEncryptTo")
	context   = append(strings.Fields("CreateGrant RetireGrant"), symmetric...)
	reEncrypt = strings.Fields("ReEncryptFrom ReEncryptTo")
	attested  = strings.Fields("Decrypt GenerateDataKey GenerateDataKeyPair GenerateRandom DeriveSharedSecret")
	creation  = []string{"CreateGrant"}
)

// keys are the condition keys of these services and the global ones, folded. A
// name that ends with / or : goes on with a part of the user's choice.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
var keys = map[string]condKey{
	"aws:assumedroot": {kind: "bool"}, "aws:calledvia": {multi: true}, "aws:calledviafirst": {}, "aws:calledvialast": {},
	"aws:chatbotsourcearn": {kind: "arn"}, "aws:currenttime": {kind: "date"}, "aws:ec2instancesourceprivateipv4": {kind: "ip"},
	"aws:ec2instancesourcevpc": {}, "aws:epochtime": {kind: "date"}, "aws:federatedprovider": {}, "aws:multifactorauthage": {kind: "number"},
	"aws:multifactorauthpresent": {kind: "bool"}, "aws:principalaccount": {}, "aws:principalarn": {kind: "arn"}, "aws:principalisawsservice": {kind: "bool"},
	"aws:principalorgid": {}, "aws:principalorgpaths": {multi: true}, "aws:principalservicename": {}, "aws:principalservicenameslist": {multi: true},
	"aws:principaltag/": {}, "aws:principaltype": {}, "aws:referer": {}, "aws:requestedregion": {}, "aws:requesttag/": {}, "aws:resourceaccount": {},
	"aws:resourceorgid": {}, "aws:resourceorgpaths": {multi: true}, "aws:resourcetag/": {}, "aws:securetransport": {kind: "bool"},
	"aws:signinsessionarn": {kind: "arn"}, "aws:sourceaccount": {}, "aws:sourcearn": {kind: "arn"}, "aws:sourceidentity": {}, "aws:sourceip": {kind: "ip"},
	"aws:sourceorgid": {}, "aws:sourceorgpaths": {multi: true}, "aws:sourcevpc": {}, "aws:sourcevpcarn": {kind: "arn"}, "aws:sourcevpce": {},
	"aws:tagkeys": {multi: true}, "aws:tokenissuetime": {kind: "date"}, "aws:useragent": {}, "aws:userid": {}, "aws:username": {},
	"aws:viaawsmcpservice": {kind: "bool"}, "aws:calledviaawsmcp": {}, "aws:viaawsservice": {kind: "bool"}, "aws:vpceaccount": {}, "aws:vpceorgid": {},
	"aws:vpceorgpaths": {multi: true}, "aws:vpcsourceip": {kind: "ip"},

	"kms:bypasspolicylockoutsafetycheck": {kind: "bool", of: []string{"CreateKey", "PutKeyPolicy", "ReplicateKey"}},
	"kms:calleraccount":                  {}, "kms:customermasterkeyspec": {}, "kms:customermasterkeyusage": {}, "kms:keyspec": {}, "kms:keyusage": {}, "kms:keyorigin": {},
	"kms:datakeypairspec":     {of: []string{"GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"}},
	"kms:encryptionalgorithm": {of: symmetric}, "kms:encryptioncontext:": {of: context}, "kms:encryptioncontextkeys": {multi: true, of: context},
	"kms:expirationmodel": {of: []string{"ImportKeyMaterial"}}, "kms:validto": {kind: "date", of: []string{"ImportKeyMaterial"}},
	"kms:grantconstrainttype": {of: []string{"CreateGrant", "RetireGrant"}}, "kms:grantconstraintsourcearn": {kind: "arn", of: creation},
	"kms:grantisforawsresource": {kind: "bool", of: []string{"CreateGrant", "ListGrants", "RevokeGrant"}},
	"kms:grantoperations":       {multi: true, of: creation}, "kms:granteeprincipal": {of: creation}, "kms:granteeserviceprincipal": {of: creation},
	"kms:retiringprincipal": {of: creation}, "kms:retiringserviceprincipal": {of: creation},
	"kms:keyagreementalgorithm": {of: []string{"DeriveSharedSecret"}}, "kms:macalgorithm": {of: []string{"GenerateMac", "VerifyMac"}},
	"kms:messagetype": {of: []string{"Sign", "Verify"}}, "kms:signingalgorithm": {of: []string{"Sign", "Verify"}},
	"kms:multiregion": {kind: "bool"}, "kms:multiregionkeytype": {}, "kms:primaryregion": {of: []string{"UpdatePrimaryRegion"}}, "kms:replicaregion": {of: []string{"ReplicateKey"}},
	"kms:reencryptonsamekey": {kind: "bool", of: reEncrypt}, "kms:recipientattestation:": {of: attested}, "kms:requestalias": {}, "kms:resourcealiases": {multi: true},
	"kms:rotationperiodindays":                   {kind: "number", of: []string{"EnableKeyRotation"}},
	"kms:schedulekeydeletionpendingwindowindays": {kind: "number", of: []string{"ScheduleKeyDeletion"}},
	"kms:trailingdayswithoutkeyusage":            {kind: "number", of: []string{"ScheduleKeyDeletion", "DisableKey"}},
	"kms:viaservice":                             {}, "kms:wrappingalgorithm": {of: []string{"GetParametersForImport"}}, "kms:wrappingkeyspec": {of: []string{"GetParametersForImport"}},

	"iam:associatedresourcearn": {kind: "arn"}, "iam:awsservicename": {}, "iam:delegationduration": {kind: "number"}, "iam:delegationrequestowner": {kind: "arn"},
	"iam:fido-certification": {}, "iam:fido-fips-140-2-certification": {}, "iam:fido-fips-140-3-certification": {}, "iam:notificationchannel": {kind: "arn"},
	"iam:organizationspolicyid": {}, "iam:passedtoservice": {of: []string{"PassRole"}}, "iam:permissionsboundary": {kind: "arn"}, "iam:policyarn": {kind: "arn"},
	"iam:registersecuritykey": {}, "iam:resourcetag/": {}, "iam:servicespecificcredentialagedays": {kind: "number"}, "iam:servicespecificcredentialservicename": {},
	"iam:templatearn": {kind: "arn"},
}

// lookUp returns what is known of a key. known is false for a key that its service
// doesn't have; those of other services, and of STS, which has keys of identity
// providers, are all taken for known.
func lookUp(name string) (k condKey, known bool) {
	folded := policy.Fold(name)
	if k, ok := keys[folded]; ok && !strings.HasSuffix(folded, "/") && !strings.HasSuffix(folded, ":") {
		return k, true
	}
	colon := strings.IndexByte(folded, ':')
	if colon < 0 {
		return k, false
	}
	if end := strings.IndexAny(folded[colon+1:], ":/"); end >= 0 {
		if k, ok := keys[folded[:colon+1+end+1]]; ok {
			return k, len(folded) > colon+1+end+1
		}
	}
	switch folded[:colon] {
	case "aws", "kms", "iam":
		return k, false
	}
	return condKey{foreign: true}, true
}

// MultiValued reports whether a condition key is known to hold several values.
func MultiValued(name string) bool {
	k, _ := lookUp(name)
	return k.multi
}
