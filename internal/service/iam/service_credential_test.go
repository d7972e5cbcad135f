package iam_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

func TestServiceSpecificCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	root, ann, commit := w.root(), some("ann"), some("codecommit.amazonaws.com")
	create := &iam.CreateServiceSpecificCredentialInput{UserName: ann, ServiceName: commit}
	first := do[iam.CreateServiceSpecificCredentialOutput](t, root, "CreateServiceSpecificCredential", create).ServiceSpecificCredential
	if !regexp.MustCompile(`^ACCA[A-Z2-7]{17}$`).MatchString(first.ServiceSpecificCredentialID) || first.ServiceUserName != "ann-at-111122223333" ||
		first.Status != "Active" || first.UserName != "ann" || !first.CreateDate.Equal(start.Truncate(time.Second)) || first.ServicePassword.Len() != 40 {
		t.Errorf("got %+v", first)
	}
	if second := do[iam.CreateServiceSpecificCredentialOutput](t, root, "CreateServiceSpecificCredential", create).ServiceSpecificCredential; second.ServiceUserName != "ann+1-at-111122223333" {
		t.Errorf("got %+v", second)
	}
	refuse(t, root, "CreateServiceSpecificCredential", create, fault.LimitExceeded, "Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2")
	do[iam.CreateServiceSpecificCredentialOutput](t, root, "CreateServiceSpecificCredential", &iam.CreateServiceSpecificCredentialInput{UserName: ann, ServiceName: some("cassandra.amazonaws.com")})
	refuse(t, root, "DeleteUser", &iam.DeleteUserInput{UserName: ann}, iam.DeleteConflict, "Cannot delete entity, must remove referenced objects first.")

	list := func(service string) []iam.ServiceSpecificCredentialMetadata {
		in := &iam.ListServiceSpecificCredentialsInput{UserName: ann}
		if service != "" {
			in.ServiceName = some(service)
		}
		return do[iam.ListServiceSpecificCredentialsOutput](t, root, "ListServiceSpecificCredentials", in).ServiceSpecificCredentials
	}
	if all, one := list(""), list("cassandra.amazonaws.com"); len(all) != 3 || len(one) != 1 || one[0].ServiceUserName != "ann-at-111122223333" {
		t.Errorf("got %+v and %+v", all, one)
	}
	id := some(first.ServiceSpecificCredentialID)
	do[operation.None](t, root, "UpdateServiceSpecificCredential", &iam.UpdateServiceSpecificCredentialInput{UserName: ann, ServiceSpecificCredentialID: id, Status: some("Inactive")})
	reset := do[iam.ResetServiceSpecificCredentialOutput](t, root, "ResetServiceSpecificCredential",
		&iam.ResetServiceSpecificCredentialInput{UserName: ann, ServiceSpecificCredentialID: id}).ServiceSpecificCredential
	if reset.Status != "Inactive" || reset.ServiceSpecificCredentialID != id.V ||
		string(reset.ServicePassword.Reveal(reveal.Token{})) == string(first.ServicePassword.Reveal(reveal.Token{})) {
		t.Errorf("got %+v", reset)
	}
	do[operation.None](t, root, "DeleteServiceSpecificCredential", &iam.DeleteServiceSpecificCredentialInput{UserName: ann, ServiceSpecificCredentialID: id})
	if got := list("codecommit.amazonaws.com"); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
	again := do[iam.CreateServiceSpecificCredentialOutput](t, root, "CreateServiceSpecificCredential", create).ServiceSpecificCredential
	if again.ServiceUserName != "ann-at-111122223333" {
		t.Errorf("the name that is free again is not given: %+v", again)
	}
}

func TestServiceSpecificCredentialsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	root, ann, none := w.root(), some("ann"), some("ACCANONENONENONENONE1")
	const missing = "The user with name missing cannot be found."
	refuse(t, root, "CreateServiceSpecificCredential", &iam.CreateServiceSpecificCredentialInput{UserName: some("missing"), ServiceName: some("x")}, iam.NoSuchEntity, missing)
	refuse(t, root, "CreateServiceSpecificCredential", &iam.CreateServiceSpecificCredentialInput{UserName: ann, ServiceName: some("lambda.amazonaws.com")},
		iam.NoSuchEntity, "No such service lambda.amazonaws.com is supported for Service Specific Credentials")
	refuse(t, root, "CreateServiceSpecificCredential", &iam.CreateServiceSpecificCredentialInput{UserName: ann}, fault.Validation,
		"1 validation error detected: Value null at 'serviceName' failed to satisfy constraint: Member must not be null")
	refuse(t, root, "ListServiceSpecificCredentials", &iam.ListServiceSpecificCredentialsInput{UserName: ann, ServiceName: some("lambda.amazonaws.com")},
		iam.NoSuchEntity, "No such service lambda.amazonaws.com is supported for Service Specific Credentials")
	refuse(t, root, "ListServiceSpecificCredentials", &iam.ListServiceSpecificCredentialsInput{}, fault.Validation, "Must specify userName when calling with non-User credentials")
	refuse(t, root, "ResetServiceSpecificCredential", &iam.ResetServiceSpecificCredentialInput{UserName: some("missing"), ServiceSpecificCredentialID: none}, iam.NoSuchEntity, missing)
	refuse(t, root, "DeleteServiceSpecificCredential", &iam.DeleteServiceSpecificCredentialInput{UserName: ann, ServiceSpecificCredentialID: none},
		iam.NoSuchEntity, "No such credential ACCANONENONENONENONE1 exists")
	refuse(t, root, "UpdateServiceSpecificCredential",
		&iam.UpdateServiceSpecificCredentialInput{UserName: ann, ServiceSpecificCredentialID: some("none-none-none-none-none"), Status: some("Active")}, fault.Validation,
		`1 validation error detected: Value at 'serviceSpecificCredentialId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w]+`)
	refuse(t, root, "UpdateServiceSpecificCredential", &iam.UpdateServiceSpecificCredentialInput{UserName: ann, ServiceSpecificCredentialID: none, Status: some("Invalid")},
		fault.Validation, "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set")
	nobody := w.actorNamed("nobody", "")
	refuse(t, nobody, "ListServiceSpecificCredentials", &iam.ListServiceSpecificCredentialsInput{}, fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:ListServiceSpecificCredentials on resource: arn:aws:iam::111122223333:user/nobody because no identity-based policy allows the iam:ListServiceSpecificCredentials action")
}

// Pages go on in the midst of a user's credentials, and over users in the order of
// their names.
func TestServiceSpecificCredentialsOfAllUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root, services := w.root(), []string{"codecommit.amazonaws.com", "cassandra.amazonaws.com"}
	var want []string
	for _, name := range []string{"Ann", "ann+1", "bob"} {
		w.createUser(name)
		for _, service := range services {
			in := &iam.CreateServiceSpecificCredentialInput{UserName: some(name), ServiceName: some(service)}
			do[iam.CreateServiceSpecificCredentialOutput](t, root, "CreateServiceSpecificCredential", in)
			want = append(want, name)
		}
	}
	list := func(in iam.ListServiceSpecificCredentialsInput) *iam.ListServiceSpecificCredentialsOutput {
		return do[iam.ListServiceSpecificCredentialsOutput](t, root, "ListServiceSpecificCredentials", &in)
	}
	in := iam.ListServiceSpecificCredentialsInput{AllUsers: optional.Some(true), MaxItems: optional.Some(1)}
	seen, names := make(map[string]bool), []string(nil)
	for {
		out := list(in)
		if len(out.ServiceSpecificCredentials) != 1 || out.IsTruncated.Set != out.Marker.Set {
			t.Fatalf("%+v", out)
		}
		names = append(names, out.ServiceSpecificCredentials[0].UserName)
		seen[out.ServiceSpecificCredentials[0].ServiceSpecificCredentialID] = true
		if !out.IsTruncated.V {
			break
		}
		in.Marker = out.Marker
	}
	if !slices.Equal(names, want) || len(seen) != len(want) {
		t.Errorf("%q, %d credentials", names, len(seen))
	}
	refuse(t, root, "ListServiceSpecificCredentials", &iam.ListServiceSpecificCredentialsInput{UserName: some("bob"), Marker: in.Marker}, fault.Validation, "Invalid Marker.")
	if out := list(iam.ListServiceSpecificCredentialsInput{AllUsers: optional.Some(true), ServiceName: some(services[0])}); len(out.ServiceSpecificCredentials) != 3 {
		t.Errorf("%+v", out)
	}
	refuse(t, root, "ListServiceSpecificCredentials", &iam.ListServiceSpecificCredentialsInput{AllUsers: optional.Some(true), UserName: some("bob")}, fault.Validation,
		"UserName and AllUsers can't be given together")
	refuse(t, root, "CreateServiceSpecificCredential",
		&iam.CreateServiceSpecificCredentialInput{UserName: some("bob"), ServiceName: some(services[0]), CredentialAgeDays: optional.Some(1)}, fault.Validation,
		"CredentialAgeDays is not supported for codecommit.amazonaws.com")
}
