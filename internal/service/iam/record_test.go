package iam_test

import (
	"reflect"
	"testing"

	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/record"
	"claviger/internal/service/iam"
	"claviger/internal/words/optional"
)

// What records show of calls, as CloudTrail does.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
func TestRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shown := func(v any) string {
		return string(record.PlanOf(reflect.TypeOf(v).Elem()).Append(nil, v, nil))
	}
	create := &iam.CreateUserInput{UserName: some("ann"), Path: some("/team/"), Tags: []iam.Tag{tag("Team", "a")}}
	user := do[iam.CreateUserOutput](t, w.root(), "CreateUser", create)
	key := do[iam.CreateAccessKeyOutput](t, w.root(), "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: some("ann")})
	drawn := do[iam.CreateAccountOutput](t, w.operator(), "CreateAccount", &iam.CreateAccountInput{})
	makeRole := &iam.CreateRoleInput{RoleName: some("r"), AssumeRolePolicyDocument: some(trusting(account)), Description: some("d"), MaxSessionDuration: optional.Some(7200)}
	role := do[iam.CreateRoleOutput](t, w.root(), "CreateRole", makeRole)
	const trust = `"assumeRolePolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"` + account + `\"]},\"Action\":\"sts:AssumeRole\"}]}"`
	tests := []struct {
		of   any
		want string
	}{
		{create, `{"path":"/team/","userName":"ann","tags":[{"key":"Team","value":"a"}]}`},
		{user, `{"user":{"path":"/team/","userName":"ann","userId":"` + user.User.UserID + `","arn":"arn:aws:iam::111122223333:user/team/ann","createDate":"Mar 4, 2026, 5:06:07 AM","tags":[{"key":"Team","value":"a"}]}}`},
		{&iam.CreateAccessKeyInput{}, `null`},
		{key, `{"accessKey":{"userName":"ann","accessKeyId":"` + key.AccessKey.AccessKeyID + `","status":"Active","createDate":"Mar 4, 2026, 5:06:07 AM"}}`},
		{&iam.UpdateAccessKeyInput{UserName: some("ann"), AccessKeyID: some("AKIAEXAMPLEEXAMPLEEX"), Status: some("Inactive")}, `{"userName":"ann","accessKeyId":"AKIAEXAMPLEEXAMPLEEX","status":"Inactive"}`},
		{&iam.PutUserPolicyInput{UserName: some("ann"), PolicyName: some("p"), PolicyDocument: some(`{"a":1}`)}, `{"userName":"ann","policyName":"p","policyDocument":"{\"a\":1}"}`},
		{&iam.ListUsersInput{PathPrefix: some("/team/")}, `{"pathPrefix":"/team/"}`},
		{makeRole, `{"roleName":"r",` + trust + `,"description":"d","maxSessionDuration":7200}`},
		{role, `{"role":{"path":"/","roleName":"r","roleId":"` + role.Role.RoleID + `","arn":"arn:aws:iam::111122223333:role/r","createDate":"Mar 4, 2026, 5:06:07 AM",` + trust + `}}`},
		{&iam.TagRoleInput{RoleName: some("r"), Tags: []iam.Tag{tag("k", "v")}}, `{"roleName":"r","tags":[{"key":"k","value":"v"}]}`},
		{&iam.UntagUserInput{UserName: some("ann"), TagKeys: []string{"k"}}, `{"userName":"ann","tagKeys":["k"]}`},
		{&iam.UpdateRoleOutput{}, `null`},
		{&operation.None{}, `null`},
		{drawn, `{"accountId":"` + drawn.AccountID + `","accessKeyId":"` + drawn.AccessKeyID + `"}`},
	}
	for _, tt := range tests {
		if got := shown(tt.of); got != tt.want {
			t.Errorf("%T:\ngot  %s\nwant %s", tt.of, got, tt.want)
		}
	}
	for _, op := range append(w.iam.Operations(), w.iam.OperatorOperations()...) {
		record.PlanOf(op.In) // panics where a tag shows what must not be shown
		record.PlanOf(op.Out)
	}
}
