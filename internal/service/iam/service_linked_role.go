package iam

import (
	"encoding/hex"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/ident"
)

// linkedPrefix is what the names of all service-linked roles begin with.
const linkedPrefix = "AWSServiceRoleFor"

// linkedPath is the path of the roles that are linked to a service.
func linkedPath(service string) string { return serviceLinkedPath + service + "/" }

// linked reports whether o is linked to a service: such a role is the service's
// to change.
func (o *role) linked() bool { return strings.HasPrefix(o.Path, serviceLinkedPath) }

// modifiable refuses a target that does not exist, and a role that is linked to a
// service. It is asked after the decision.
func (t *roleTarget) modifiable() error {
	if err := t.exists(); err != nil {
		return err
	}
	if t.role.linked() {
		return fault.New(UnmodifiableEntity, "Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", t.role.Name)
	}
	return nil
}

// linkedAttachments are the managed policies of a linked role, and counts them. One
// whose document is not known is left out.
func (s *Service) linkedAttachments(c *operation.Call, tx store.Txn, names []string) (list []attachment, err error) {
	for _, name := range names {
		p := awsPolicies().byPath[serviceLinkedPath+name]
		if p == nil {
			continue
		}
		if err := countPolicyUse(c.Context, tx, ownAccount(c), p.ID, +1, 0); err != nil {
			return nil, err
		}
		list = append(list, attachment{ID: p.ID, ARN: p.arn(s.partition)})
	}
	return list, nil
}

// A deletion task is done when its call is answered, and so nothing is kept of it:
// the id of one says what it is of, and half of its last part proves it.

const taskPrefix = "task"

// drawTask draws the id of a task that deletes a role of an account.
func (s *Service) drawTask(account string, o *role) string {
	name := taskPrefix + o.Path + o.Name + "/"
	return name + s.taskUUID(account, name, ident.UUID())
}

// taskUUID is a UUID whose first two parts are those of random, and whose others
// follow from them, the account and the name of the task.
func (s *Service) taskUUID(account, name, random string) string {
	half := random[:13]
	sum := s.tasks.Hash([]byte(account + "\x00" + name + "\x00" + half))
	sum[0] = sum[0]&0x0f | 0x80 // version 8 of RFC 9562: for purposes of one's own
	sum[2] = sum[2]&0x3f | 0x80
	h := hex.EncodeToString(sum[:10])
	return half + "-" + h[:4] + "-" + h[4:8] + "-" + h[8:20]
}

// taskOf takes the id of a task apart: the role that it deletes, and whether there
// was such a task.
func (s *Service) taskOf(account, id string) (path, name string, genuine, ok bool) {
	cut := strings.LastIndexByte(id, '/')
	if cut < 0 || !strings.HasPrefix(id, taskPrefix+serviceLinkedPath) || !ident.IsUUID(id[cut+1:]) {
		return "", "", false, false
	}
	role := id[len(taskPrefix):cut]
	at := strings.LastIndexByte(role, '/') + 1
	return role[:at], role[at:], id[cut+1:] == s.taskUUID(account, id[:cut+1], id[cut+1:]), true
}
