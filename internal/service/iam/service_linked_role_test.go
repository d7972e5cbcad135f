package iam_test

import (
	"strings"
	"testing"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const (
	multiRegion     = "mrk.kms.amazonaws.com"
	multiRegionRole = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
)

func linking(service string) *iam.CreateServiceLinkedRoleInput {
	return &iam.CreateServiceLinkedRoleInput{AWSServiceName: some(service), Description: some("d")}
}

// The life of a service-linked role.
func TestServiceLinkedRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := do[iam.CreateServiceLinkedRoleOutput](t, w.root(), "CreateServiceLinkedRole", linking(multiRegion)).Role
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"mrk.kms.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	if made.ARN != "arn:aws:iam::111122223333:role/aws-service-role/mrk.kms.amazonaws.com/"+multiRegionRole || made.RoleName != multiRegionRole ||
		made.AssumeRolePolicyDocument != trust || made.MaxSessionDuration.Set || made.Description.Set {
		t.Errorf("%+v", made)
	}
	name := some(multiRegionRole)
	attached := do[iam.ListAttachedRolePoliciesOutput](t, w.root(), "ListAttachedRolePolicies", &iam.ListAttachedRolePoliciesInput{RoleName: name})
	if len(attached.AttachedPolicies) != 1 || attached.AttachedPolicies[0].PolicyARN != "arn:aws:iam::aws:policy/aws-service-role/AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy" {
		t.Errorf("attached are %+v", attached)
	}
	refuse(t, w.root(), "CreateServiceLinkedRole", linking(multiRegion), iam.InvalidInput,
		"Service role name "+multiRegionRole+" has been taken in this account, please try a different suffix.")

	w.createProfile("p")
	managed := some("arn:aws:iam::aws:policy/ReadOnlyAccess")
	for operation, in := range map[string]any{
		"AddRoleToInstanceProfile":      placing(multiRegionRole, "p"),
		"AttachRolePolicy":              &iam.AttachRolePolicyInput{RoleName: name, PolicyARN: managed},
		"DeleteRole":                    &iam.DeleteRoleInput{RoleName: name},
		"DeleteRolePermissionsBoundary": &iam.DeleteRolePermissionsBoundaryInput{RoleName: name},
		"DeleteRolePolicy":              &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: some("p")},
		"DetachRolePolicy":              &iam.DetachRolePolicyInput{RoleName: name, PolicyARN: some(attached.AttachedPolicies[0].PolicyARN)},
		"PutRolePermissionsBoundary":    &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: managed},
		"PutRolePolicy":                 &iam.PutRolePolicyInput{RoleName: name, PolicyName: some("p"), PolicyDocument: some(allowAll)},
		"UpdateAssumeRolePolicy":        &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: some(trust)},
		"UpdateRole":                    &iam.UpdateRoleInput{RoleName: name, MaxSessionDuration: optional.Some(7200)},
	} {
		refuse(t, w.root(), operation, in, iam.UnmodifiableEntity,
			"Cannot perform the operation on the protected role '"+multiRegionRole+"' - this role is only modifiable by AWS")
	}
	do[iam.UpdateRoleDescriptionOutput](t, w.root(), "UpdateRoleDescription", &iam.UpdateRoleDescriptionInput{RoleName: name, Description: some("mine")})
	do[iam.UpdateRoleOutput](t, w.root(), "UpdateRole", &iam.UpdateRoleInput{RoleName: name, Description: some("mine")})
	do[operation.None](t, w.root(), "TagRole", &iam.TagRoleInput{RoleName: name, Tags: []iam.Tag{tag("k", "v")}})

	w.createRole("r")
	refuse(t, w.root(), "DeleteServiceLinkedRole", &iam.DeleteServiceLinkedRoleInput{RoleName: some("r")}, iam.NoSuchEntity, "The role with name r cannot be found.")
	task := do[iam.DeleteServiceLinkedRoleOutput](t, w.root(), "DeleteServiceLinkedRole", &iam.DeleteServiceLinkedRoleInput{RoleName: name}).DeletionTaskID
	if !strings.HasPrefix(task, "task/aws-service-role/mrk.kms.amazonaws.com/"+multiRegionRole+"/") {
		t.Errorf("the task is %s", task)
	}
	refuse(t, w.root(), "GetRole", &iam.GetRoleInput{RoleName: name}, iam.NoSuchEntity, "The role with name "+multiRegionRole+" cannot be found.")
	status := func(id string) *iam.GetServiceLinkedRoleDeletionStatusInput {
		return &iam.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskID: some(id)}
	}
	if got := do[iam.GetServiceLinkedRoleDeletionStatusOutput](t, w.root(), "GetServiceLinkedRoleDeletionStatus", status(task)); got.Status != "SUCCEEDED" {
		t.Errorf("%+v", got)
	}
	last := "0"
	if strings.HasSuffix(task, last) {
		last = "1"
	}
	for _, forged := range []string{task[:len(task)-1] + last, strings.Replace(task, "mrk.", "cks.", 1)} {
		refuse(t, w.root(), "GetServiceLinkedRoleDeletionStatus", status(forged), iam.NoSuchEntity, "The deletion task with id "+forged+" cannot be found.")
	}
	refuse(t, w.otherRoot(), "GetServiceLinkedRoleDeletionStatus", status(task), iam.NoSuchEntity, "The deletion task with id "+task+" cannot be found.")
	for _, malformed := range []string{"task", "task/x", "/", task[1:], task + "/", "task/role/x/00000000-0000-8000-8000-000000000000"} {
		refuse(t, w.root(), "GetServiceLinkedRoleDeletionStatus", status(malformed), iam.InvalidInput, malformed+" is not the id of a deletion task.")
	}
	do[iam.CreateServiceLinkedRoleOutput](t, w.root(), "CreateServiceLinkedRole", linking(multiRegion))
}

func TestCustomSuffix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	with := func(service, suffix string) *iam.CreateServiceLinkedRoleInput {
		return &iam.CreateServiceLinkedRoleInput{AWSServiceName: some(service), CustomSuffix: some(suffix)}
	}
	refuse(t, w.root(), "CreateServiceLinkedRole", with(multiRegion, "x"), iam.InvalidInput, "Custom suffix is not allowed for mrk.kms.amazonaws.com")
	made := do[iam.CreateServiceLinkedRoleOutput](t, w.root(), "CreateServiceLinkedRole", with("autoscaling.amazonaws.com", "Keys"))
	if made.Role.RoleName != "AWSServiceRoleForAutoScaling_Keys" || made.Role.Path != "/aws-service-role/autoscaling.amazonaws.com/" {
		t.Errorf("%+v", made.Role)
	}
	do[iam.CreateServiceLinkedRoleOutput](t, w.root(), "CreateServiceLinkedRole", with("autoscaling.amazonaws.com", strings.Repeat("x", 64-len("AWSServiceRoleForAutoScaling_"))))
	long := strings.Repeat("x", 65-len("AWSServiceRoleForAutoScaling_"))
	refuse(t, w.root(), "CreateServiceLinkedRole", with("autoscaling.amazonaws.com", long), iam.InvalidInput,
		"Service role name AWSServiceRoleForAutoScaling_"+long+" has more than 64 characters, please try a different suffix.")
	refuse(t, w.root(), "CreateServiceLinkedRole", linking("documents.example.com"), iam.InvalidInput, "documents.example.com is not the name of a service that has service-linked roles.")
}

// TestAutoScalingRoles: Application Auto Scaling has a role for each kind of
// resource that it scales, none with a suffix.
// https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
func TestAutoScalingRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for kind, resource := range map[string]string{
		"appstream": "AppStreamFleet", "cassandra": "CassandraTable", "comprehend": "ComprehendEndpoint", "custom-resource": "CustomResource",
		"dynamodb": "DynamoDBTable", "ec2": "EC2SpotFleetRequest", "ecs": "ECSService", "elasticache": "ElastiCacheRG", "kafka": "KafkaCluster",
		"lambda": "LambdaConcurrency", "neptune": "NeptuneCluster", "rds": "RDSCluster", "sagemaker": "SageMakerEndpoint", "workspaces": "WorkSpacesPool",
	} {
		service := kind + ".application-autoscaling.amazonaws.com"
		suffixed := linking(service)
		suffixed.CustomSuffix = some("s")
		refuse(t, w.root(), "CreateServiceLinkedRole", suffixed, iam.InvalidInput, "Custom suffix is not allowed for "+service)
		made := do[iam.CreateServiceLinkedRoleOutput](t, w.root(), "CreateServiceLinkedRole", linking(service)).Role
		if made.RoleName != "AWSServiceRoleForApplicationAutoScaling_"+resource {
			t.Errorf("the role of %s is %s", service, made.RoleName)
		}
		attached := do[iam.ListAttachedRolePoliciesOutput](t, w.root(), "ListAttachedRolePolicies", &iam.ListAttachedRolePoliciesInput{RoleName: some(made.RoleName)}).AttachedPolicies
		if len(attached) != 1 || !strings.EqualFold(attached[0].PolicyName, "AWSApplicationAutoScaling"+resource+"Policy") {
			t.Errorf("%s has %+v", made.RoleName, attached)
		}
	}
}

// Who may make the role of one service may not make that of another.
func TestServiceLinkedRoleAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole",
		"Resource":"arn:aws:iam::*:role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
		"Condition":{"StringLike":{"iam:AWSServiceName":"mrk.kms.amazonaws.com"}}}}`)
	do[iam.CreateServiceLinkedRoleOutput](t, ann, "CreateServiceLinkedRole", linking(multiRegion))
	if v := ann.asks[0].Context.Lookup(&policy.Key{Name: "iam:awsservicename"}); v.One != multiRegion {
		t.Errorf("iam:AWSServiceName is %+v", v)
	}
	if _, err := ann.call("CreateServiceLinkedRole", linking("cks.kms.amazonaws.com")); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("of another service: %v", err)
	}
}
