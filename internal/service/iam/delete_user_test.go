package iam_test

import (
	"testing"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
)

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &iam.DeleteUserInput{UserName: some("ann")}
	refuse(t, w.root(), "DeleteUser", in, iam.NoSuchEntity, "The user with name ann cannot be found.")
	refuse(t, w.root(), "DeleteUser", &iam.DeleteUserInput{}, fault.Validation,
		"1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null")

	w.createUser("ann")
	w.put("ann", "p", allowAll)
	key := w.createKey("ann")
	refuse(t, w.root(), "DeleteUser", in, iam.DeleteConflict, "Cannot delete entity, must delete policies first.")
	do[operation.None](t, w.root(), "DeleteUserPolicy", &iam.DeleteUserPolicyInput{UserName: some("ann"), PolicyName: some("p")})
	refuse(t, w.root(), "DeleteUser", in, iam.DeleteConflict, "Cannot delete entity, must delete access keys first.")
	do[operation.None](t, w.root(), "DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: some("ann"), AccessKeyID: some(key.AccessKeyID)})

	nobody := w.actorNamed("nobody", "")
	refuse(t, nobody, "DeleteUser", in, fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:DeleteUser on resource: arn:aws:iam::111122223333:user/ann because no identity-based policy allows the iam:DeleteUser action")
	do[operation.None](t, w.root(), "DeleteUser", in)
	refuse(t, w.root(), "GetUser", &iam.GetUserInput{UserName: some("ann")}, iam.NoSuchEntity, "The user with name ann cannot be found.")

	err := w.store.View(t.Context(), func(r store.Reader) error {
		n, err := iam.Users(t.Context(), r, account)
		if n != 1 { // nobody
			t.Errorf("the guard record counts %d users, want 1", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
