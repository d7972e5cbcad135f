package organizations

import "claviger/internal/words/fault"

// Codes of the service, as the public model spells them. Their texts are those
// that AWS was recorded to answer, or that its reference gives for the reason.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Operations.html
const (
	resourcePolicyNotFound    fault.Code = "ResourcePolicyNotFoundException"
	duplicateHandshake        fault.Code = "DuplicateHandshakeException"
	handshakeConstraint       fault.Code = "HandshakeConstraintViolationException"
	handshakeInState          fault.Code = "HandshakeAlreadyInStateException"
	handshakeNotFound         fault.Code = "HandshakeNotFoundException"
	invalidTransition         fault.Code = "InvalidHandshakeTransitionException"
	accountAlreadyRegistered  fault.Code = "AccountAlreadyRegisteredException"
	accountNotRegistered      fault.Code = "AccountNotRegisteredException"
	accountAlreadyClosed      fault.Code = "AccountAlreadyClosedException"
	accountNotFound           fault.Code = "AccountNotFoundException"
	alreadyInOrganization     fault.Code = "AlreadyInOrganizationException"
	childNotFound             fault.Code = "ChildNotFoundException"
	constraintViolation       fault.Code = "ConstraintViolationException"
	createStatusNotFound      fault.Code = "CreateAccountStatusNotFoundException"
	destinationParentNotFound fault.Code = "DestinationParentNotFoundException"
	duplicateAccount          fault.Code = "DuplicateAccountException"
	duplicateAttachment       fault.Code = "DuplicatePolicyAttachmentException"
	duplicatePolicy           fault.Code = "DuplicatePolicyException"
	duplicateUnit             fault.Code = "DuplicateOrganizationalUnitException"
	invalidInput              fault.Code = "InvalidInputException"
	masterCannotLeave         fault.Code = "MasterCannotLeaveOrganizationException"
	notInUse                  fault.Code = "AWSOrganizationsNotInUseException"
	organizationNotEmpty      fault.Code = "OrganizationNotEmptyException"
	parentNotFound            fault.Code = "ParentNotFoundException"
	policyInUse               fault.Code = "PolicyInUseException"
	policyNotAttached         fault.Code = "PolicyNotAttachedException"
	policyNotFound            fault.Code = "PolicyNotFoundException"
	policyTypeAlreadyEnabled  fault.Code = "PolicyTypeAlreadyEnabledException"
	policyTypeNotAvailable    fault.Code = "PolicyTypeNotAvailableForOrganizationException"
	policyTypeNotEnabled      fault.Code = "PolicyTypeNotEnabledException"
	rootNotFound              fault.Code = "RootNotFoundException"
	sourceParentNotFound      fault.Code = "SourceParentNotFoundException"
	targetNotFound            fault.Code = "TargetNotFoundException"
	unitNotEmpty              fault.Code = "OrganizationalUnitNotEmptyException"
	unitNotFound              fault.Code = "OrganizationalUnitNotFoundException"
)

var (
	errNotInUse       = fault.New(notInUse, "Your account is not a member of an organization.")
	errDenied         = fault.New(fault.AccessDenied, "You don't have permissions to access this resource.")
	errNoAccount      = fault.New(accountNotFound, "You specified an account that doesn't exist.")
	errNoUnit         = fault.New(unitNotFound, "You specified an organizational unit that doesn't exist.")
	errNoParent       = fault.New(parentNotFound, "You specified a parent that doesn't exist.")
	errNoRoot         = fault.New(rootNotFound, "You specified a root that doesn't exist.")
	errNoTarget       = fault.New(targetNotFound, "You specified a target that doesn't exist.")
	errNoPolicy       = fault.New(policyNotFound, "You specified a policy that doesn't exist.")
	errTypeNotEnabled = fault.New(policyTypeNotEnabled, "This operation can be performed only for enabled policy types.")
	errMasterLeaves   = fault.New(masterCannotLeave, "You can't remove a management account from an organization.")

	errNotAvailable = fault.New(policyTypeNotAvailable, "You can't use the specified policy type with the feature set currently enabled for this organization.")
	errMalformed    = fault.New(fault.MalformedPolicy, "The provided policy document does not meet the requirements of the specified policy type.")
)

// violates refuses what a limit or another constraint forbids.
func violates(reason, text string) *fault.Fault {
	return &fault.Fault{Code: constraintViolation, Reason: reason, Message: text}
}

// invalid refuses input.
func invalid(reason, text string) *fault.Fault {
	return &fault.Fault{Code: invalidInput, Reason: reason, Message: text}
}
