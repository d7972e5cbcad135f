// Package iam is the service of identities: accounts, their root users, IAM
// users, access keys and the inline policies of users.
//
// It offers the operations of AWS IAM for these, and it is where signatures and
// key policies learn who somebody is: Credential and Principal.
// https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
package iam

import (
	"sync"
	"time"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
)

// Options of New. Store and Keyring are required.
type Options struct {
	Store   *store.Store // opened with Tables
	Keyring *sealed.Keyring

	// Partition is that of the principals' ARNs, "aws" by default.
	Partition string

	// Development lets anybody in as the root user of any account: an access
	// key id of twelve digits, with the secret "test", is the root user of the
	// account with that id. An account that is not there is made on first
	// sight, a thousand at most; after that its access key is unknown. Now
	// tells the time that such an account was made; it is required in this mode
	// only.
	Development bool
	Now         func() time.Time
}

// Service is the IAM service. It is safe for concurrent use.
type Service struct {
	store       *store.Store
	markers     *sealed.Secret
	partition   string
	development bool
	now         func() time.Time
	snapshots   *snapshots

	making sync.Mutex // held while a development account is made
	made   int        // how many were
}

// New returns the service over an open store.
func New(o Options) *Service {
	if o.Partition == "" {
		o.Partition = "aws"
	}
	if o.Development && o.Now == nil {
		panic("iam: development accounts need a clock")
	}
	return &Service{
		store:       o.Store,
		markers:     o.Keyring.Secret("iam/marker"),
		partition:   o.Partition,
		development: o.Development,
		now:         o.Now,
		snapshots:   newSnapshots(),
	}
}

// Tables lists the tables of the service, for store.Open.
func Tables() []store.AnyTable {
	return []store.AnyTable{accounts, users, accessKeys}
}

// Operations lists the API, in the order of the public reference.
func (s *Service) Operations() []operation.Operation {
	return []operation.Operation{
		s.createAccessKey(),
		s.createUser(),
		s.deleteAccessKey(),
		s.deleteUser(),
		s.deleteUserPolicy(),
		s.getUser(),
		s.getUserPolicy(),
		s.listAccessKeys(),
		s.listUserPolicies(),
		s.listUsers(),
		s.putUserPolicy(),
		s.updateAccessKey(),
	}
}

// OperatorOperations lists what only the operator of the server may call. They
// are no part of the public API.
func (s *Service) OperatorOperations() []operation.Operation {
	return []operation.Operation{
		s.createAccount(),
	}
}
