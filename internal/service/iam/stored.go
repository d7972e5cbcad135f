package iam

import (
	"context"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/words/pairs"
)

// EachStored calls each with the policies of an account's users, groups and roles,
// with its managed policies as they are in force, and with what is written beside them.
func (s *Service) EachStored(ctx context.Context, r store.Reader, account string, each func(*authz.Stored) error) error {
	err := eachOf(ctx, r, users, account, func(u *user) error {
		about := u.arn(s.partition)
		if err := each(&authz.Stored{About: about, Texts: append(texts(u.Tags), u.Name, u.Path)}); err != nil {
			return err
		}
		return eachInline(about, u.Policies, each)
	})
	if err != nil {
		return err
	}
	err = eachOf(ctx, r, groups, account, func(g *group) error {
		about := g.arn(s.partition)
		if err := each(&authz.Stored{About: about, Texts: []string{g.Name, g.Path}}); err != nil {
			return err
		}
		return eachInline(about, g.Policies, each)
	})
	if err != nil {
		return err
	}
	err = eachOf(ctx, r, roles, account, func(o *role) error {
		about := o.arn(s.partition)
		trust := &authz.Stored{
			Type: "trust", About: about, Name: "trust policy", Text: o.Trust.Text, Bound: o.Trust.Bound,
			Texts: append(texts(o.Tags), o.Name, o.Path, o.Description),
		}
		if trust.Bound == nil { // to the compiler, nil would mean that names need not be bound
			trust.Bound = map[string]string{}
		}
		if err := each(trust); err != nil {
			return err
		}
		return eachInline(about, o.Policies, each)
	})
	if err != nil {
		return err
	}
	return eachOf(ctx, r, managedPolicies, account, func(p *managedPolicy) error {
		text, err := p.document(ctx, r, p.Default)
		if err != nil {
			return err
		}
		return each(&authz.Stored{
			Type: "identity", About: p.arn(s.partition), Name: versionID(p.Default), Text: text,
			Texts: append(texts(p.Tags), p.Name, p.Path, p.Description),
		})
	})
}

func eachInline(about string, policies pairs.Map, each func(*authz.Stored) error) error {
	for _, p := range policies {
		if err := each(&authz.Stored{Type: "identity", About: about, Name: p.Key, Text: p.Value, Texts: []string{p.Key}}); err != nil {
			return err
		}
	}
	return nil
}

// texts lists keys and values of tags, and both together: a value may be telling
// only beside its key.
func texts(tags pairs.Map) []string {
	var list []string
	for _, t := range tags {
		list = append(list, t.Key+"="+t.Value)
	}
	return list
}
