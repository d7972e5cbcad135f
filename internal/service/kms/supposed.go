package kms

import (
	"fmt"
	"slices"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/pairs"
)

// acrossAccounts are the actions that principals of other accounts can be allowed.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
var acrossAccounts = strings.Fields("CreateGrant Decapsulate Decrypt DeriveSharedSecret DescribeKey Encapsulate Encrypt GenerateDataKey " +
	"GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac GetKeyRotationStatus GetPublicKey " +
	"ListGrants ReEncryptFrom ReEncryptTo RetireGrant RevokeGrant Sign Verify VerifyMac")

// suppose makes a call that nobody makes, in the Region of a key.
func suppose(c *operation.Call, caller *authz.Caller, region string) *operation.Call {
	facts := *c.Facts
	facts.Region = region
	s := &operation.Call{Context: c.Context, Time: c.Time, Region: region, Partition: c.Partition, Caller: caller, Facts: &facts}
	s.Begin(c.Reader)
	return s
}

// Supposed returns what a caller would be asked for an action on a key, with an
// encryption context, if it called. The key is named by its ARN, or by that of an
// alias. Without such a key the fault is NotFound, whoever it is that would call.
func (s *Service) Supposed(c *operation.Call, caller *authz.Caller, action, name string, context pairs.Map, source string) (authz.Ask, error) {
	a, ok := arn.Parse(name)
	if !ok {
		return authz.Ask{}, keyMissing(name)
	}
	call := suppose(c, caller, a.Region)
	call.Facts.SourceARN = source
	ref, err := refer(call, name)
	if err != nil {
		return authz.Ask{}, err
	}
	t, err := s.find(call, ref, s.keyToChange)
	if err != nil {
		return authz.Ask{}, err
	}
	if t.key == nil {
		return authz.Ask{}, keyMissing(name)
	}
	t.encryption = context
	ask := t.ask(call, action, slices.Contains(acrossAccounts, strings.TrimPrefix(action, "kms:")))
	ask.Refusal, ask.Region = nil, a.Region
	return ask, nil
}

// EachGrant calls each with every grant of a key, named by its ARN, in the order
// of their ids.
func (s *Service) EachGrant(c *operation.Call, name string, each func(*authz.Held) error) error {
	a, ok := arn.Parse(name)
	id, isKey := strings.CutPrefix(a.Resource, "key/")
	if !ok || !isKey {
		return keyMissing(name)
	}
	call := suppose(c, c.Caller, a.Region)
	page := grantPage{prefix: store.Key{store.S(a.Region), store.S(id)}, limit: 200}
	for {
		if err := page.read(call); err != nil {
			return err
		}
		entries, err := s.listEntries(call, page.grants)
		if err != nil {
			return err
		}
		for i, g := range page.grants {
			if err := each(held(g, &entries[i])); err != nil {
				return err
			}
		}
		if !page.more {
			return nil
		}
		last := page.last()
		page = grantPage{prefix: page.prefix, limit: page.limit, after: grantKey(last.Region, last.KeyID, last.ID)}
	}
}

func held(g *grantRecord, e *GrantListEntry) *authz.Held {
	h := &authz.Held{
		ID: g.ID, Name: g.Name, Issuer: g.Issuer,
		Grantee: e.GranteePrincipal.Or(e.GranteeServicePrincipal.V), Service: g.Grantee.Service,
		Grade: func(c *authz.Caller) policy.Grade { return gradeOf(g.Grantee.Bound, c) },
		Equal: fmt.Sprintf("%#v %#v %#v", g.Grantee.Bound, g.Operations, g.Constraint), // with quotes around what people write
	}
	for _, name := range g.Operations.names() {
		h.Actions = append(h.Actions, "kms:"+name)
	}
	verb := "the encryption context is exactly"
	if g.Constraint.Kind == subsetContext {
		verb = "the encryption context has"
	}
	for _, p := range g.Constraint.Pairs {
		h.Requires = append(h.Requires, fmt.Sprintf("%s %s=%s", verb, p.Key, p.Value))
	}
	if g.Constraint.SourceARN != "" {
		h.Requires = append(h.Requires, "aws:SourceArn is "+g.Constraint.SourceARN)
	}
	return h
}

// EachStored calls each with the policy of every key that is not managed by AWS,
// and with what is written beside it.
func (s *Service) EachStored(c *operation.Call, each func(*authz.Stored) error) error {
	r, err := c.Reader()
	if err != nil {
		return err
	}
	const batch = 200
	var after store.Key
	for {
		var page []*keyRecord
		err := keyTable.Scan(c.Context, r, "", nil, after, batch, func(k *keyRecord, _ store.Rev) error {
			page = append(page, k)
			return nil
		})
		if err != nil {
			return fmt.Errorf("listing keys: %w", err)
		}
		for _, k := range page {
			if k.Manager == managerAWS {
				continue
			}
			p, err := readPolicy(c.Context, r, k.Region, k.ID)
			if err != nil {
				return err
			}
			stored := &authz.Stored{Type: "key", About: k.arn(), Text: p.Text, Bound: p.Bound, Texts: append([]string{k.Description}, k.Aliases...)}
			for _, t := range k.Tags {
				stored.Texts = append(stored.Texts, t.Key+"="+t.Value)
			}
			if err := each(stored); err != nil {
				return err
			}
		}
		if len(page) < batch {
			return nil
		}
		last := page[len(page)-1]
		after = keyKey(last.Region, last.ID)
	}
}
