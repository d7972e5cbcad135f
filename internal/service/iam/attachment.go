package iam

import (
	"cmp"
	"slices"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// attachmentsMax is the quota of managed policies that a user, a group or a role has attached.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const attachmentsMax = 10

// An attachment names a managed policy in the record of a user, group or role.
// The ARN of a policy never changes while it exists; who has the same ARN later
// has another id.
type attachment struct {
	ID  string `json:"id"`
	ARN string `json:"arn"`
}

// name is the name of the policy, and path its path.
func (a *attachment) name() string { return a.ARN[strings.LastIndexByte(a.ARN, '/')+1:] }

func (a *attachment) path() string {
	return a.ARN[strings.IndexByte(a.ARN, '/') : strings.LastIndexByte(a.ARN, '/')+1]
}

// order is the place of a in lists: by name, and where a policy of the account
// is called as one of AWS, by id.
func (a *attachment) order() string { return fold(a.name()) + "/" + a.ID }

// find returns the place of a policy in a list of attachments, or -1.
func find(list []attachment, id string) int {
	return slices.IndexFunc(list, func(a attachment) bool { return a.ID == id })
}

// An attaching is a call about a managed policy of a user, group or role.
type attaching[T any] struct {
	to     T
	policy policyTarget
}

func newAttaching[T any](s *Service, c *operation.Call, named func(*operation.Call, string) (T, error), name, policyARN string) (a attaching[T], err error) {
	if a.policy, err = s.policyNamed(c, policyARN); err != nil {
		return a, err
	}
	a.to, err = named(c, name)
	return a, err
}

// attach returns list with a policy, and counts it. Where the policy is attached already
// nothing changes, and changed is false. quota is AWS's name of what can be exceeded.
func attach(c *operation.Call, tx store.Txn, list []attachment, t *policyTarget, quota string) (longer []attachment, changed bool, err error) {
	if t.policy == nil {
		return nil, false, notAttachable(t.arn)
	}
	if !t.policy.attachable() {
		return nil, false, fault.New(PolicyNotAttachable, "Cannot attach a Service Role Policy to a Customer Role.")
	}
	if find(list, t.policy.ID) >= 0 {
		return list, false, nil
	}
	if len(list) >= attachmentsMax {
		return nil, false, fault.New(fault.LimitExceeded, "Cannot exceed quota for %s: %d", quota, attachmentsMax)
	}
	if err := countPolicyUse(c.Context, tx, ownAccount(c), t.policy.ID, +1, 0); err != nil {
		return nil, false, err
	}
	longer = append(slices.Clone(list), attachment{ID: t.policy.ID, ARN: t.arn})
	slices.SortFunc(longer, func(a, b attachment) int { return cmp.Compare(a.order(), b.order()) })
	return longer, true, nil
}

// detach returns list without a policy, which must be in it.
func detach(c *operation.Call, tx store.Txn, list []attachment, t *policyTarget) ([]attachment, error) {
	at := -1
	if t.policy != nil {
		at = find(list, t.policy.ID)
	}
	if at < 0 {
		return nil, noSuchPolicy(t.arn)
	}
	if err := countPolicyUse(c.Context, tx, ownAccount(c), t.policy.ID, -1, 0); err != nil {
		return nil, err
	}
	return slices.Delete(slices.Clone(list), at, at+1), nil
}

// An AttachedPolicy is a managed policy that is attached to a user, group or role.
type AttachedPolicy struct {
	PolicyName string `aws:"PolicyName"`
	PolicyARN  string `aws:"PolicyArn"`
}

func shownAttachments(list []attachment) []AttachedPolicy {
	shown := make([]AttachedPolicy, len(list))
	for i := range list {
		shown[i] = AttachedPolicy{PolicyName: list[i].name(), PolicyARN: list[i].ARN}
	}
	return shown
}

// attachedPage returns a page of what is attached under a path, in the order of
// names, with the marker of the next where more follow.
func (s *Service) attachedPage(l list, attached []attachment, prefix, marker optional.Of[string], maxItems optional.Of[int]) (page []AttachedPolicy, next optional.Of[string], err error) {
	l.filter += "\x00" + prefix.V
	after, err := s.after(l, marker)
	if err != nil {
		return nil, next, err
	}
	max := maxItems.Or(maxItemsDefault)
	shown := []attachment{}
	for _, a := range attached {
		switch {
		case a.order() <= after || !strings.HasPrefix(a.path(), prefix.V):
		case len(shown) == max:
			last := shown[max-1]
			return shownAttachments(shown), s.marker(l, last.order()), nil
		default:
			shown = append(shown, a)
		}
	}
	return shownAttachments(shown), next, nil
}
