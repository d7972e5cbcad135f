package policy

// Malformed says why a document was refused, in AWS's words.
type Malformed struct {
	Message string
	Offset  int // where in the document, in bytes; 0 of a complaint about all of it
}

func (m *Malformed) Error() string { return m.Message }

// The texts of AWS that need no value filled in.
var (
	errSyntax      = &Malformed{Message: "Syntax errors in policy."}
	errVersion     = &Malformed{Message: "Policy document must be version 2012-10-17 or greater."}
	errLegacy      = &Malformed{Message: "The policy failed legacy parsing"}
	errSidUnique   = &Malformed{Message: "Statement IDs (SID) in a single policy must be unique."}
	errSidLetters  = &Malformed{Message: "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"}
	errNoActions   = &Malformed{Message: "Policy statement must contain actions."}
	errNoResources = &Malformed{Message: "Policy statement must contain resources."}
	errVendorless  = &Malformed{Message: "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."}
	errColons      = &Malformed{Message: "Actions/Condition can contain only one colon."}
	errRegexVendor = &Malformed{Message: "Resource vendor must be fully qualified and cannot contain regexes."}
	errIAMPath     = &Malformed{Message: `IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`}
	errPrincipal   = &Malformed{Message: "Policy document should not specify a principal."}
	errNobody      = &Malformed{Message: "Missing required field Principal"}

	errKeyPrincipal = &Malformed{Message: "Policy contains a statement with one or more invalid principals."}
	errOrganization = &Malformed{Message: "The provided policy document does not meet the requirements of the specified policy type."}
	errTooLarge     = &Malformed{Message: "Cannot exceed quota for PolicySize: 262144"}
)

// The texts that AWS has for trust policies alone: another program of AWS reads them.
var (
	errNotJSON        = &Malformed{Message: "This policy contains invalid Json"}
	errNull           = &Malformed{Message: "This text appears not to be a policy"}
	errTrustVersion   = &Malformed{Message: "The policy must contain a valid version string"}
	errNoStatement    = &Malformed{Message: "Could not parse the policy: Statement is empty!"}
	errTrustSid       = &Malformed{Message: "The Statement Ids in the policy are not unique"}
	errNoEffect       = &Malformed{Message: "Missing required field Effect"}
	errNoAction       = &Malformed{Message: "Missing required field Action"}
	errEmptyPrincipal = &Malformed{Message: "Missing required field Principal cannot be empty!"}
	errStar           = &Malformed{Message: `AssumeRolepolicy contained an invalid principal: "STAR":"*".`}
	errAllowsOthers   = &Malformed{Message: "Allow with NotPrincipal is not allowed."}
	errNotPrincipal   = &Malformed{Message: "AssumeRole policy must not contain NotPrincipal field."}
	errTrustAction    = &Malformed{Message: "AssumeRole policy may only specify STS AssumeRole actions."}
	errResource       = &Malformed{Message: "Has prohibited field Resource"}
	errNotResource    = &Malformed{Message: "AssumeRole policy must not contain resources."}
)

// overlyPermissive is the text of KMS for a set operator that lets requests
// without the key pass. subject is what such a request lacks.
func overlyPermissive(subject string) *Malformed {
	return &Malformed{Message: "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key" +
		" matches requests without the specified " + subject + " or with an unspecified " + subject +
		". To fix, remove ForAllValues."}
}
