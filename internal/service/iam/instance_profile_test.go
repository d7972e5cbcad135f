package iam_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// createProfile makes an instance profile of the first account.
func (w *world) createProfile(name string) iam.InstanceProfile {
	w.t.Helper()
	return do[iam.CreateInstanceProfileOutput](w.t, w.root(), "CreateInstanceProfile", &iam.CreateInstanceProfileInput{InstanceProfileName: some(name)}).InstanceProfile
}

// profile shows an instance profile of the first account.
func (w *world) profile(name string) iam.InstanceProfile {
	w.t.Helper()
	return do[iam.GetInstanceProfileOutput](w.t, w.root(), "GetInstanceProfile", &iam.GetInstanceProfileInput{InstanceProfileName: some(name)}).InstanceProfile
}

func placing(role, profile string) *iam.AddRoleToInstanceProfileInput {
	return &iam.AddRoleToInstanceProfileInput{InstanceProfileName: some(profile), RoleName: some(role)}
}

func removing(role, profile string) *iam.RemoveRoleFromInstanceProfileInput {
	return &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: some(profile), RoleName: some(role)}
}

// The life of an instance profile: without a role, with one, without it again.
func TestInstanceProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &iam.CreateInstanceProfileInput{InstanceProfileName: some("Web"), Path: some("/team/"), Tags: []iam.Tag{tag("k", "v")}}
	made := do[iam.CreateInstanceProfileOutput](t, w.root(), "CreateInstanceProfile", in).InstanceProfile
	if made.ARN != "arn:aws:iam::111122223333:instance-profile/team/Web" || made.Path != "/team/" || made.InstanceProfileName != "Web" ||
		len(made.InstanceProfileID) != 21 || !strings.HasPrefix(made.InstanceProfileID, "AIPA") || made.Roles == nil || len(made.Roles) != 0 || len(made.Tags) != 1 {
		t.Errorf("%+v", made)
	}
	in.InstanceProfileName, in.Path = some("web"), some("/")
	refuse(t, w.root(), "CreateInstanceProfile", in, iam.EntityAlreadyExists, "Instance Profile web already exists.")
	refuse(t, w.otherRoot(), "GetInstanceProfile", &iam.GetInstanceProfileInput{InstanceProfileName: some("web")}, iam.NoSuchEntity, "Instance Profile web cannot be found.")

	w.createRole("r")
	w.createRole("r2")
	refuse(t, w.root(), "AddRoleToInstanceProfile", placing("r", "none"), iam.NoSuchEntity, "Instance Profile none cannot be found.")
	refuse(t, w.root(), "AddRoleToInstanceProfile", placing("none", "web"), iam.NoSuchEntity, "The role with name none cannot be found.")
	do[operation.None](t, w.root(), "AddRoleToInstanceProfile", placing("R", "WEB"))
	refuse(t, w.root(), "AddRoleToInstanceProfile", placing("r", "web"), fault.LimitExceeded, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	refuse(t, w.root(), "AddRoleToInstanceProfile", placing("r2", "web"), fault.LimitExceeded, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	if p := w.profile("web"); len(p.Roles) != 1 || p.Roles[0].RoleName != "r" || p.Roles[0].AssumeRolePolicyDocument == "" || p.Roles[0].MaxSessionDuration.Set {
		t.Errorf("%+v", p)
	}
	refuse(t, w.root(), "DeleteInstanceProfile", &iam.DeleteInstanceProfileInput{InstanceProfileName: some("web")}, iam.DeleteConflict, "Cannot delete entity, must remove roles from instance profile first.")
	refuse(t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some("r")}, iam.DeleteConflict, "Cannot delete entity, must remove roles from instance profile first.")

	refuse(t, w.root(), "RemoveRoleFromInstanceProfile", removing("r2", "web"), iam.NoSuchEntity, "The role with name r2 is not in instance profile Web.")
	refuse(t, w.root(), "RemoveRoleFromInstanceProfile", removing("none", "web"), iam.NoSuchEntity, "The role with name none cannot be found.")
	do[operation.None](t, w.root(), "RemoveRoleFromInstanceProfile", removing("r", "web"))
	do[operation.None](t, w.root(), "DeleteRole", &iam.DeleteRoleInput{RoleName: some("r")})
	do[operation.None](t, w.root(), "DeleteInstanceProfile", &iam.DeleteInstanceProfileInput{InstanceProfileName: some("web")})
	refuse(t, w.root(), "DeleteInstanceProfile", &iam.DeleteInstanceProfileInput{InstanceProfileName: some("web")}, iam.NoSuchEntity, "Instance Profile web cannot be found.")
}

func TestInstanceProfileQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.update(func(tx store.Txn) error { return iam.SetInstanceProfiles(t.Context(), tx, account, 999) })
	w.createProfile("last")
	more := &iam.CreateInstanceProfileInput{InstanceProfileName: some("more")}
	refuse(t, w.root(), "CreateInstanceProfile", more, fault.LimitExceeded, "Cannot exceed quota for InstanceProfilesPerAccount: 1000")
	do[operation.None](t, w.root(), "DeleteInstanceProfile", &iam.DeleteInstanceProfileInput{InstanceProfileName: some("last")})
	do[iam.CreateInstanceProfileOutput](t, w.root(), "CreateInstanceProfile", more)
}

func TestListInstanceProfiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("r")
	var want []string
	for i := range 5 {
		name := "p" + strconv.Itoa(i)
		in := &iam.CreateInstanceProfileInput{InstanceProfileName: some(name), Tags: []iam.Tag{tag("k", "v")}}
		if i%2 == 1 {
			in.Path = some("/odd/")
		}
		do[iam.CreateInstanceProfileOutput](t, w.root(), "CreateInstanceProfile", in)
		do[operation.None](t, w.root(), "AddRoleToInstanceProfile", placing("r", name))
		want = append(want, name)
	}
	names := func(list []iam.InstanceProfile) (names []string) {
		for _, p := range list {
			if p.Tags != nil || len(p.Roles) != 1 {
				t.Errorf("a list shows %+v", p)
			}
			names = append(names, p.InstanceProfileName)
		}
		return names
	}
	for max := 1; max <= 6; max++ {
		var all, ofRole []string
		for marker, more := (optional.Of[string]{}), true; more; {
			out := do[iam.ListInstanceProfilesOutput](t, w.root(), "ListInstanceProfiles", &iam.ListInstanceProfilesInput{MaxItems: optional.Some(max), Marker: marker})
			all, marker, more = append(all, names(out.InstanceProfiles)...), out.Marker, out.IsTruncated
		}
		for marker, more := (optional.Of[string]{}), true; more; {
			out := do[iam.ListInstanceProfilesForRoleOutput](t, w.root(), "ListInstanceProfilesForRole", &iam.ListInstanceProfilesForRoleInput{RoleName: some("r"), MaxItems: optional.Some(max), Marker: marker})
			ofRole, marker, more = append(ofRole, names(out.InstanceProfiles)...), out.Marker, out.IsTruncated
		}
		slices.Sort(ofRole)
		if !slices.Equal(all, want) || !slices.Equal(ofRole, want) {
			t.Errorf("by %d: %v and %v", max, all, ofRole)
		}
	}
	odd := do[iam.ListInstanceProfilesOutput](t, w.root(), "ListInstanceProfiles", &iam.ListInstanceProfilesInput{PathPrefix: some("/odd")})
	if got := names(odd.InstanceProfiles); !slices.Equal(got, []string{"p1", "p3"}) {
		t.Errorf("under /odd: %v", got)
	}
}

// Whoever puts a role into a profile passes it to the service of instances.
func TestPassRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createRole("r")
	w.createProfile("p")
	own := w.actorNamed("own", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:AddRoleToInstanceProfile","Resource":"arn:aws:iam::*:instance-profile/p"}}`)
	refuse(t, own, "AddRoleToInstanceProfile", placing("r", "p"), fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/own is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/r because no identity-based policy allows the iam:PassRole action")
	passer := w.actorNamed("passer", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:AddRoleToInstanceProfile","Resource":"*"},
		{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/r","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}]}`)
	do[operation.None](t, passer, "AddRoleToInstanceProfile", placing("r", "p"))
	if v := passer.asks[1].Context.Lookup(&policy.Key{Name: "iam:passedtoservice"}); v.One != "ec2.amazonaws.com" {
		t.Errorf("iam:PassedToService is %+v", v)
	}
}
