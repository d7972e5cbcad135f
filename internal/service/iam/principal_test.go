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
	reader := do[iam.CreateRoleOutput](t, w.root(), "CreateRole", &iam.CreateRoleInput{RoleName: some("Reader"), Path: some("/team/"), AssumeRolePolicyDocument: some(trusting(account))}).Role
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
		{"arn:aws:iam::111122223333:role/team/Reader", reader.RoleID, true, false},
		{"arn:aws:iam::111122223333:role/Reader", "", false, false},
		{"arn:aws:iam::111122223333:role/team/reader", "", false, false},
		{"arn:aws:iam::111122223333:role/team/Ann", "", false, false},
		{"arn:aws:iam::111122223333:user/team/Reader", "", false, false},
		{"arn:aws:iam::444455556666:role/team/Reader", "", false, false},
		{"arn:aws-cn:iam::111122223333:role/team/Reader", "", false, false},
		{"arn:aws:iam::111122223333:role/aws:ec2-infrastructure", "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/Reader/s1", reader.RoleID, true, false},
		{"arn:aws:sts::111122223333:assumed-role/Reader/" + strings.Repeat("s", 64), reader.RoleID, true, false},
		{"arn:aws:sts::111122223333:assumed-role/Reader/" + strings.Repeat("s", 65), "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/Reader/s", "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/Reader/a/b", "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/Reader/s*", "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/Reader/", "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/Reader", "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/reader/s1", "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/team/Reader/s1", "", false, false},
		{"arn:aws:sts::111122223333:assumed-role/Ann/s1", "", false, false},
		{"arn:aws:sts::444455556666:assumed-role/Reader/s1", "", false, false},
		{"arn:aws-cn:sts::111122223333:assumed-role/Reader/s1", "", false, false},
		{"arn:aws:sts::444455556666:assumed-role/aws:ec2-infrastructure/i-1", "", true, false},
		{"arn:aws:sts::" + nobody + ":assumed-role/aws:ec2-infrastructure/i-1", "", false, false},
		{"arn:aws-cn:sts::444455556666:assumed-role/aws:ec2-infrastructure/i-1", "", false, false},
		{"arn:aws:sts::444455556666:assumed-role/aws:ec2-infrastructure/i/1", "", false, false},
		{"arn:aws:sts::111122223333:federated-user/bob", "", true, false},
		{"arn:aws:sts::111122223333:federated-user/" + strings.Repeat("f", 33), "", false, false},
		{"arn:aws:sts::111122223333:federated-user/b/ob", "", false, false},
		{"arn:aws:sts::" + nobody + ":federated-user/bob", "", false, false},
		{"arn:aws-cn:sts::111122223333:federated-user/bob", "", false, false},
		{"arn:aws:iam::111122223333:role/", "", false, true},
		{"arn:aws:iam::111122223333:role", "", false, true},
		{"arn:aws:iam::111122223333:assumed-role/Reader/s1", "", false, true},
		{"arn:aws:sts::111122223333:role/team/Reader", "", false, true},
		{"arn:aws:sts::111122223333:root", "", false, true},
		{"arn:aws:iam::111122223333:root/", "", false, true},
		{reader.RoleID, "", false, true},
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
	if ran != 63 {
		t.Errorf("%d cases ran, want 63", ran)
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

	// A role that has the name of a session's role is another role.
	const session = "arn:aws:sts::111122223333:assumed-role/r/job"
	first := w.createRole("r")
	w.deleteRole("r")
	if id, exists, err := w.principal(session); id != "" || exists || err != nil {
		t.Errorf("a session of a deleted role: %q, %t, %v", id, exists, err)
	}
	second := w.createRole("r")
	for _, name := range []string{first.ARN, session} {
		if id, exists, err := w.principal(name); id != second.RoleID || id == first.RoleID || !exists || err != nil {
			t.Errorf("%s of a namesake: %q, %t, %v", name, id, exists, err)
		}
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
	ann, r := w.createUser("ann"), w.createRole("r")
	for _, seed := range []string{ann.ARN, r.ARN, account, "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:group/g", "arn:aws:sts::111122223333:assumed-role/r/s", "arn:::::", "*", strings.ToUpper(ann.ARN)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		id, exists, err := w.principal(name)
		switch {
		case err != nil && !fault.Is(err, iam.InvalidARN):
			t.Errorf("%q: %v", name, err)
		case err != nil && exists, !exists && id != "":
			t.Errorf("%q: %q, %t, %v", name, id, exists, err)
		case strings.HasPrefix(name, "arn:aws:sts::111122223333:assumed-role/r/"):
			if exists != (id == r.RoleID) {
				t.Errorf("%q: %q, %t", name, id, exists)
			}
		case id != "" && name != ann.ARN && name != r.ARN:
			t.Errorf("%q is %s", name, id)
		}
	})
}
