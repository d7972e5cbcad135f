package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// simulate runs the command against the stage's server.
func (s *stage) simulate(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	line := append([]string{"simulate"}, args...)
	line = append(line, "--endpoint", s.endpoint, "--region", region)
	return command(s.t, line, "AWS_ACCESS_KEY_ID="+house, "AWS_SECRET_ACCESS_KEY=test")
}

// TestSimulate plays every profile on keys of its own. Nothing usable is left.
func TestSimulate(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"rds"}, {"forecast"}, {"voiceid"}, {"voiceid", "--full"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			out, errs, code := s.simulate(append(args, "--socket", s.admin)...)
			if code != 0 || strings.Contains(out, "FAIL") || !regexp.MustCompile(`\n(\d+) of (\d+) steps ended as they should\.\n$`).MatchString(out) {
				t.Errorf("ended with %d, printed\n%s%s", code, out, errs)
			}
			if n := strings.Count(out, "PASS"); n < 25 {
				t.Errorf("%d steps passed, want more", n)
			}
			s.left(t)
		})
	}
}

// left demands that a simulation has taken away what it made.
func (s *stage) left(t *testing.T) {
	t.Helper()
	users := must[*iam.ListUsersOutput](t)(s.owner.iam.ListUsers(t.Context(), nil))
	roles := must[*iam.ListRolesOutput](t)(s.owner.iam.ListRoles(t.Context(), nil))
	var aliases []string
	for _, a := range must[*kms.ListAliasesOutput](t)(s.owner.kms.ListAliases(t.Context(), nil)).Aliases {
		if !strings.HasPrefix(*a.AliasName, "alias/aws/") {
			aliases = append(aliases, *a.AliasName)
		}
	}
	if len(users.Users)+len(roles.Roles)+len(aliases) > 0 {
		t.Errorf("left are %d users, %d roles, %d aliases", len(users.Users), len(roles.Roles), len(aliases))
	}
	for _, k := range must[*kms.ListKeysOutput](t)(s.owner.kms.ListKeys(t.Context(), nil)).Keys {
		if ids := must[[]string](t)(grantIDs(t.Context(), s.owner, *k.KeyArn)); len(ids) > 0 {
			t.Errorf("grants are left: %v", ids)
		}
	}
	out, errs, code := command(t, []string{"service-principal", "list", "--json", "--socket", s.admin})
	if code != 0 || strings.Contains(out, `"Status":"Enabled"`) || !strings.Contains(out, `"Status":"Disabled"`) {
		t.Errorf("the services that are left are %s%s", out, errs)
	}
}

// TestSimulateOnKey tries the key policies of an operator: a good one, and one
// that forgets what the service needs.
func TestSimulateOnKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var services strings.Builder
	for _, args := range [][]string{
		{"rds.amazonaws.com", "--signing-name", "rds", "--actions", "kms:CreateGrant,kms:Decrypt,kms:DescribeKey,kms:GenerateDataKeyWithoutPlaintext"},
		{"ec2.amazonaws.com", "--signing-name", "ec2", "--actions", "kms:CreateGrant", "--infrastructure"},
	} {
		out, errs, code := command(t, append(append([]string{"service-principal", "create"}, args...), "--json", "--socket", s.admin))
		if code != 0 {
			t.Fatal(errs)
		}
		services.WriteString(out)
	}
	file := filepath.Join(t.TempDir(), "services.json")
	if err := os.WriteFile(file, []byte(services.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	clerk := s.newUser(s.owner, "clerk", "")
	const needed = "kms:CreateGrant kms:Decrypt kms:GenerateDataKeyWithoutPlaintext kms:DescribeKey"
	for name, test := range map[string]struct {
		actions, condition string
		code               int
	}{
		"good":                     {needed, "", 0},
		"good, through RDS only":   {needed, `{"kms:ViaService":"rds.` + region + `.amazonaws.com"}`, 0},
		"through another Region's": {needed, `{"kms:ViaService":"rds.eu-west-1.amazonaws.com"}`, 1},
		"forgetful":                {"kms:CreateGrant kms:GenerateDataKeyWithoutPlaintext kms:DescribeKey", "", 1},
		"closed":                   {"kms:DescribeKey", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			key := s.newKey(statement(clerk.arn, test.actions, test.condition))
			out, errs, code := s.simulate("rds", "--services", file, "--key", key, "--user", "clerk")
			if code != test.code || strings.Contains(out, "FAIL") != (test.code != 0) {
				t.Errorf("ended with %d, printed\n%s%s", code, out, errs)
			}
			if strings.Count(out, "it would change a key that is not the simulation's own") != 4 {
				t.Errorf("steps that change the key were not left out:\n%s", out)
			}
			if code != 0 && !strings.Contains(errs, "did not end as they should") {
				t.Errorf("said %q", errs)
			}
			if ids := must[[]string](t)(grantIDs(t.Context(), s.owner, key)); len(ids) > 0 {
				t.Errorf("grants are left: %v", ids)
			}
			if err := describe(key)(t.Context(), s.owner); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSimulateUsage: what is missing or makes no sense is said, with exit code 2.
func TestSimulateUsage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, test := range []struct {
		args []string
		env  []string
		says string
	}{
		{[]string{"s3"}, nil, "rds"},
		{[]string{"rds", "--full", "--socket", s.admin}, nil, "--full"},
		{[]string{"rds", "--role", "arn:aws:iam::111122223333:role/r", "--socket", s.admin}, nil, "--role"},
		{[]string{"rds", "--user", "u", "--socket", s.admin}, nil, "--key"},
		{[]string{"rds", "--trail"}, nil, "--socket"},
		{[]string{"rds"}, nil, "rds.amazonaws.com"},
		{[]string{"rds", "--socket", s.admin}, []string{"AWS_ACCESS_KEY_ID="}, "AWS_ACCESS_KEY_ID"},
	} {
		line := append([]string{"simulate"}, test.args...)
		env := append([]string{"AWS_ACCESS_KEY_ID=" + house, "AWS_SECRET_ACCESS_KEY=test"}, test.env...)
		out, errs, code := command(t, append(line, "--endpoint", s.endpoint), env...)
		if code != 2 || !strings.Contains(out+errs, test.says) {
			t.Errorf("%v ended with %d and said %q", test.args, code, errs)
		}
	}
}

// TestDemo runs what make demo runs.
func TestDemo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("skipped: there is no shell")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "../scripts/demo.sh", binary)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err != nil || strings.Contains(text, "FAIL") {
		t.Fatalf("the demo ended with %v, printed\n%s", err, text)
	}
	for _, wanted := range []string{
		"customer through rds.amazonaws.com: CreateGrant",
		"DENY, as expected",
		"What the trail has of it",
		"AccessDenied                  Decrypt",
		"35 of 35 steps ended as they should.",
	} {
		if !strings.Contains(text, wanted) {
			t.Errorf("the demo does not print %q:\n%s", wanted, text)
		}
	}
}
