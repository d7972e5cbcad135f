package app

import (
	"cmp"
	"context"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/service/organizations"
)

// accountServices makes the two services that know accounts: whose identities are
// in them, and how they stand to each other.
func accountServices(opened *store.Store, f *foundations, now func() time.Time, lost func(position uint64) bool) (*iam.Service, *organizations.Service) {
	var trees *organizations.Service // made below; nobody calls before
	identities := iam.New(iam.Options{
		Store: opened, Keyring: f.keyring, Partition: f.partition, Development: f.development, Now: now, Lost: lost,
		Places: func(ctx context.Context, account string) (*authz.Place, error) { return trees.Place(ctx, account) },
		Standings: func(ctx context.Context, r store.Reader, account, service string) (iam.Standing, error) {
			standing, err := trees.Standing(ctx, r, account, service)
			return iam.Standing(standing), err
		},
	})
	trees = organizations.New(organizations.Options{
		Store: opened, Keyring: f.keyring, Accounts: memberAccounts{identities}, Partition: cmp.Or(f.partition, "aws"),
	})
	return identities, trees
}

// memberAccounts are the accounts of the service of identities, as that of
// organizations sees them. Services do not know each other.
type memberAccounts struct{ *iam.Service }

func (a memberAccounts) Membership(ctx context.Context, r store.Reader, account string) (organizations.Membership, error) {
	m, err := a.Service.Membership(ctx, r, account)
	return organizations.Membership(m), err
}

func (a memberAccounts) CreateMember(ctx context.Context, tx store.Txn, m organizations.NewMember) (string, error) {
	return a.Service.CreateMember(ctx, tx, iam.NewMember{
		Membership: iam.Membership(m.Membership), Management: m.Management, Role: m.Role, Created: m.Created.Unix(),
	})
}
