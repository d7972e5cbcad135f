package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

const taskIDMax = 1000

// GetServiceLinkedRoleDeletionStatusInput names a task.
type GetServiceLinkedRoleDeletionStatusInput struct {
	DeletionTaskID optional.Of[string] `aws:"DeletionTaskId" audit:"deletionTaskId"`
}

// Validate checks the limits of the public API.
func (in *GetServiceLinkedRoleDeletionStatusInput) Validate(c *check.Checks) {
	c.HideValues()
	c.Required("deletionTaskId", in.DeletionTaskID.Set)
	c.Length("deletionTaskId", in.DeletionTaskID, 1, taskIDMax)
}

// GetServiceLinkedRoleDeletionStatusOutput tells that the task is done.
type GetServiceLinkedRoleDeletionStatusOutput struct {
	Status string `aws:"Status"`
}

// A deletionTask is the task that a call names.
type deletionTask struct {
	path, name string // of the role that it deletes
	genuine    bool
}

// getServiceLinkedRoleDeletionStatus implements GetServiceLinkedRoleDeletionStatus.
// Every task there was has succeeded.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLinkedRoleDeletionStatus.html
func (s *Service) getServiceLinkedRoleDeletionStatus() operation.Operation {
	return operation.Use[GetServiceLinkedRoleDeletionStatusInput, GetServiceLinkedRoleDeletionStatusOutput, deletionTask, *GetServiceLinkedRoleDeletionStatusInput]{
		Name:    "GetServiceLinkedRoleDeletionStatus",
		Actions: []string{"iam:GetServiceLinkedRoleDeletionStatus"},
		Subject: func(c *operation.Call, in *GetServiceLinkedRoleDeletionStatusInput) (t deletionTask, err error) {
			var ok bool
			if t.path, t.name, t.genuine, ok = s.taskOf(ownAccount(c), in.DeletionTaskID.V); !ok {
				err = fault.New(InvalidInput, "%s is not the id of a deletion task.", in.DeletionTaskID.V)
			}
			return t, err
		},
		Asks: func(c *operation.Call, _ *GetServiceLinkedRoleDeletionStatusInput, t deletionTask, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(c, "iam:GetServiceLinkedRoleDeletionStatus", roleARN(c.Partition, ownAccount(c), t.path, t.name), &facts{}))
		},
		Run: func(_ *operation.Call, in *GetServiceLinkedRoleDeletionStatusInput, t deletionTask) (*GetServiceLinkedRoleDeletionStatusOutput, error) {
			if !t.genuine {
				return nil, fault.New(NoSuchEntity, "The deletion task with id %s cannot be found.", in.DeletionTaskID.V)
			}
			return &GetServiceLinkedRoleDeletionStatusOutput{Status: "SUCCEEDED"}, nil
		},
	}.Operation()
}
