package iam

import "claviger/internal/words/fault"

// Codes of the service, as the public model spells them.
const (
	DeleteConflict                fault.Code = "DeleteConflict"
	EntityAlreadyExists           fault.Code = "EntityAlreadyExists"
	EntityTemporarilyUnmodifiable fault.Code = "EntityTemporarilyUnmodifiable"
	InvalidAuthenticationCode     fault.Code = "InvalidAuthenticationCode"
	InvalidInput                  fault.Code = "InvalidInput"
	InvalidUserType               fault.Code = "InvalidUserType"
	NoSuchEntity                  fault.Code = "NoSuchEntity"
	PasswordPolicyViolation       fault.Code = "PasswordPolicyViolation"
	PolicyNotAttachable           fault.Code = "PolicyNotAttachable"
	ReportExpired                 fault.Code = "ReportExpired"
	ReportNotPresent              fault.Code = "ReportNotPresent"
	UnmodifiableEntity            fault.Code = "UnmodifiableEntity"
)

func noSuchUser(name string) error {
	return fault.New(NoSuchEntity, "The user with name %s cannot be found.", name)
}

func noSuchAccessKey(id string) error {
	return fault.New(NoSuchEntity, "The Access Key with id %s cannot be found", id)
}

func noSuchGroup(name string) error {
	return fault.New(NoSuchEntity, "The group with name %s cannot be found.", name)
}

func noSuchRole(name string) error {
	return fault.New(NoSuchEntity, "The role with name %s cannot be found.", name)
}

func noSuchGroupPolicy(name string) error {
	return fault.New(NoSuchEntity, "The group policy with name %s cannot be found.", name)
}

func noSuchRolePolicy(name string) error {
	return fault.New(NoSuchEntity, "The role policy with name %s cannot be found.", name)
}

func noSuchUserPolicy(name string) error {
	return fault.New(NoSuchEntity, "The user policy with name %s cannot be found.", name)
}

func noSuchPolicy(name string) error {
	return fault.New(NoSuchEntity, "Policy %s was not found.", name)
}

func notAttachable(name string) error {
	return fault.New(NoSuchEntity, "Policy %s does not exist or is not attachable.", name)
}

// unrecognized refuses an access key that is unknown or inactive, and a session
// that has ended. It does not say which.
func unrecognized() *fault.Fault {
	return fault.New(fault.UnrecognizedClient, "The security token included in the request is invalid.")
}

// expired refuses a session whose time is over.
func expired() *fault.Fault {
	return fault.New(fault.ExpiredToken, "The security token included in the request is expired")
}
