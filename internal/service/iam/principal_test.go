package iam_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
)

func (w *world) principal(name string) (id string, exists bool, err error) {
	ctx := context.Background()
	viewed := w.store.View(ctx, func(r store.Reader) error {
		id, exists, err = w.iam.Principal(ctx, r, name)
		return nil
	})
	if viewed != nil {
		w.t.Fatal(viewed)
	}
	return id, exists, err
}

func TestPrincipal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := do[iam.CreateUserOutput](t, w.root(), "CreateUser", &iam.CreateUserInput{UserName: some("Ann"), Path: some("/team/")}).User
	const nobody = "999999999999"
	tests := []struct {
		name    string
		id      string
		exists  bool
		invalid bool
	}{
		{"arn:aws:iam::111122223333:user/team/Ann", ann.UserID, true, false},
		{"arn:aws:iam::111122223333:user/team/ann", "", false, false},
		{"arn:aws:iam::111122223333:user/Ann", "", false, false},
		{"arn:aws:iam::111122223333:user/Team/Ann", "", false, false},
		{"arn:aws:iam::111122223333:user/missing", "", false, false},
		{"arn:aws:iam::111122223333:user/team/", "", false, false},
		{"arn:aws:iam::444455556666:user/team/Ann", "", false, false},
		{"arn:aws-cn:iam::111122223333:user/team/Ann", "", false, false},
		{account, "", true, false},
		{nobody, "", false, false},
		{"arn:aws:iam::111122223333:root", "", true, false},
		{"arn:aws:iam::" + nobody + ":root", "", false, false},
		{"arn:aws-cn:iam::111122223333:root", "", false, false},
		{"arn:aws:iam::111122223333:role/r", "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/r/s", "", false, false},
		{"arn:aws:sts::111122223333:federated-user/f", "", false, false},
		{"arn:aws:iam::111122223333:group/g", "", false, true},
		{"arn:aws:iam::111122223333:policy/p", "", false, true},
		{"arn:aws:iam::111122223333:user", "", false, true},
		{"arn:aws:iam::111122223333:user/", "", false, true},
		{"arn:aws:iam::111122223333:root/x", "", false, true},
		{"arn:aws:iam:us-east-1:111122223333:user/team/Ann", "", false, true},
		{"arn:aws:iam::1111:user/team/Ann", "", false, true},
		{"arn:aws:s3::111122223333:user/team/Ann", "", false, true},
		{"arn:aws:sts::111122223333:user/team/Ann", "", false, true},
		{"*", "", false, true},
		{"", "", false, true},
		{"Ann", "", false, true},
		{ann.UserID, "", false, true},
	}
	ran := 0
	for _, tt := range tests {
		id, exists, err := w.principal(tt.name)
		ran++
		if tt.invalid {
			checkFault(t, tt.name, err, iam.InvalidARN, tt.name+" is not the ARN of a principal")
		} else if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if id != tt.id || exists != tt.exists {
			t.Errorf("%s: got (%q, %t), want (%q, %t)", tt.name, id, exists, tt.id, tt.exists)
		}
	}
	if ran != 29 {
		t.Errorf("%d cases ran, want 29", ran)
	}
}

// A name that was bound means nobody after its user was deleted, and somebody
// else after the name was given again.
func TestPrincipalIsBoundByID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("ann")
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
	if id, exists, err := w.principal(ann.ARN); id != "" || exists || err != nil {
		t.Errorf("a deleted user: %q, %t, %v", id, exists, err)
	}
	w.createUser("ann")
	if id, exists, err := w.principal(ann.ARN); id == ann.UserID || !exists || err != nil {
		t.Errorf("a namesake: %q, %t, %v", id, exists, err)
	}
}

func TestPrincipalOfDevelopmentAccount(t *testing.T) {
	t.Parallel()
	w := worldWith(t, iam.Options{Development: true, Now: func() time.Time { return start }})
	for _, name := range []string{"000000000007", "arn:aws:iam::000000000007:root"} {
		if _, exists, err := w.principal(name); !exists || err != nil {
			t.Errorf("%s: %t, %v", name, exists, err)
		}
	}
}

func FuzzPrincipal(f *testing.F) {
	w := newWorld(f)
	ann := w.createUser("ann")
	for _, seed := range []string{ann.ARN, account, "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:group/g", "arn:aws:sts::111122223333:assumed-role/r/s", "arn:::::", "*", strings.ToUpper(ann.ARN)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		id, exists, err := w.principal(name)
		switch {
		case err != nil && !fault.Is(err, iam.InvalidARN):
			t.Errorf("%q: %v", name, err)
		case err != nil && exists, !exists && id != "":
			t.Errorf("%q: %q, %t, %v", name, id, exists, err)
		case id != "" && name != ann.ARN:
			t.Errorf("%q is %s", name, id)
		}
	})
}
