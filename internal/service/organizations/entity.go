package organizations

import (
	"context"
	"fmt"
	"strings"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/pairs"
)

// An entity is what has tags and, unless it is a policy, policies attached.
type entity struct {
	unit   *unit
	member *member
	policy *controlPolicy
	own    *resourcePolicy // that of the organization
	rev    store.Rev

	arn      string
	tags     *pairs.Map
	attached *attachments // nil for a policy
}

// entity returns what an id names in the organization, nil where that is nothing.
func (t *seat) entity(c *operation.Call, id string) (*entity, error) {
	e := &entity{}
	var err error
	switch {
	case strings.HasPrefix(id, "p-"):
		if e.policy, e.rev, err = t.policy(c.Context, t.reader, id); e.policy != nil {
			e.arn, e.tags = t.policyARN(c.Partition, e.policy), &e.policy.Tags
		}
	case strings.HasPrefix(id, "rp-"):
		if e.own, e.rev, err = t.resourcePolicy(c.Context, t.reader); e.own != nil && e.own.ID == id {
			e.arn, e.tags = t.arn(c.Partition, "resourcepolicy", id), &e.own.Tags
		}
	case strings.HasPrefix(id, "r-"), strings.HasPrefix(id, "ou-"):
		if e.unit, e.rev, err = t.unit(c.Context, t.reader, id); e.unit != nil {
			e.arn, e.tags, e.attached = t.unitARN(c.Partition, id), &e.unit.Tags, &e.unit.Attached
		}
	default:
		if e.member, e.rev, err = t.member(c.Context, t.reader, id); e.member != nil {
			e.arn, e.tags, e.attached = t.arn(c.Partition, "account", id), &e.member.Tags, &e.member.Attached
		}
	}
	if err != nil || e.tags == nil {
		return nil, err
	}
	return e, nil
}

// unitARN names a unit, or the root.
func (o *organization) unitARN(partition, id string) string {
	if id == o.Root {
		return o.arn(partition, "root", id)
	}
	return o.arn(partition, "ou", id)
}

// put writes the entity.
func (e *entity) put(ctx context.Context, tx store.Txn) (err error) {
	switch {
	case e.unit != nil:
		err = units.Put(ctx, tx, e.unit, e.rev)
	case e.member != nil:
		err = members.Put(ctx, tx, e.member, e.rev)
	case e.own != nil:
		err = resourcePolicies.Put(ctx, tx, e.own, e.rev)
	default:
		err = policies.Put(ctx, tx, e.policy, e.rev)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", e.arn, err)
	}
	return nil
}

// A PolicyTargetSummary is an entity to which a policy is attached.
type PolicyTargetSummary struct {
	TargetID string `aws:"TargetId"`
	ARN      string `aws:"Arn"`
	Name     string `aws:"Name"`
	Type     string `aws:"Type"`
}

func (o *organization) targetUnit(partition string, u *unit) PolicyTargetSummary {
	kind := "ORGANIZATIONAL_UNIT"
	if u.ID == o.Root {
		kind = "ROOT"
	}
	return PolicyTargetSummary{TargetID: u.ID, ARN: o.unitARN(partition, u.ID), Name: u.Name, Type: kind}
}

func (o *organization) targetMember(partition string, m *member) PolicyTargetSummary {
	return PolicyTargetSummary{TargetID: m.Account, ARN: o.arn(partition, "account", m.Account), Name: m.Name, Type: "ACCOUNT"}
}
