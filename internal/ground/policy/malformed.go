package policy

// Malformed says why a document was refused, in AWS's words.
type Malformed struct{ Message string }

func (m *Malformed) Error() string { return m.Message }

// The texts of AWS that need no value filled in.
var (
	errSyntax      = &Malformed{"Syntax errors in policy."}
	errVersion     = &Malformed{"Policy document must be version 2012-10-17 or greater."}
	errLegacy      = &Malformed{"The policy failed legacy parsing"}
	errSidUnique   = &Malformed{"Statement IDs (SID) in a single policy must be unique."}
	errSidLetters  = &Malformed{"Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"}
	errNoActions   = &Malformed{"Policy statement must contain actions."}
	errNoResources = &Malformed{"Policy statement must contain resources."}
	errVendorless  = &Malformed{"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."}
	errColons      = &Malformed{"Actions/Condition can contain only one colon."}
	errRegexVendor = &Malformed{"Resource vendor must be fully qualified and cannot contain regexes."}
	errIAMPath     = &Malformed{`IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`}
	errPrincipal   = &Malformed{"Policy document should not specify a principal."}
	errNobody      = &Malformed{"Missing required field Principal"}
	errProhibited  = &Malformed{"Has prohibited field Resource."}
	errNotAllowed  = &Malformed{"Has prohibited field NotPrincipal."}

	// errTrustAction has two spaces after the last comma, as AWS's text has.
	errTrustAction = &Malformed{"Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity"}

	errKeyPrincipal = &Malformed{"Policy contains a statement with one or more invalid principals."}
	errOrganization = &Malformed{"The provided policy document does not meet the requirements of the specified policy type."}
	errTooLarge     = &Malformed{"Cannot exceed quota for PolicySize: 262144"}
)

// overlyPermissive is the text of KMS for a set operator that lets requests
// without the key pass. subject is what such a request lacks.
func overlyPermissive(subject string) *Malformed {
	return &Malformed{"OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key" +
		" matches requests without the specified " + subject + " or with an unspecified " + subject +
		". To fix, remove ForAllValues."}
}
