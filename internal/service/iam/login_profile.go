package iam

import (
	"context"
	"errors"
	"fmt"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// A login is the password of a user. It counts while the user's record says that
// there is one.
type login struct {
	User    string         `json:"user"` // unique id
	Account string         `json:"account"`
	Created int64          `json:"created"` // seconds since 1970
	Changed int64          `json:"changed"` // seconds since 1970
	Reset   bool           `json:"reset,omitempty"`
	Present passwordHash   `json:"present"`
	Former  []passwordHash `json:"former,omitempty"` // the newest first
}

var logins = &store.Table[login]{
	Schema: driver.Schema{
		Name:       "iam_login_profile",
		PrimaryKey: []driver.Column{{Name: "user_id"}},
	},
	Version: 1,
	Key:     func(l *login) store.Key { return loginKey(l.User) },
	Account: func(l *login) string { return l.Account },
}

func loginKey(user string) store.Key { return store.Key{store.S(user)} }

// A loginTarget is the user whose password a call is about.
type loginTarget struct {
	target
	login *login // nil where the user has none
	at    store.Rev
}

// loginOf finds the user that a call names, or the caller, with its password.
func (s *Service) loginOf(c *operation.Call, name optional.Of[string]) (t loginTarget, err error) {
	if t.target, err = s.namedOrCaller(c, name); err != nil {
		return t, err
	}
	if t.root != nil {
		return t, nameRequired() // its password is no business of this API
	}
	if t.user == nil || !t.user.Login {
		return t, nil
	}
	r, err := c.Reader()
	if err != nil {
		return t, err
	}
	if t.login, t.at, err = logins.Get(c.Context, r, loginKey(t.user.ID)); err != nil {
		return t, fmt.Errorf("reading the password of user %s: %w", t.user.ID, err)
	}
	return t, nil
}

// exists refuses a user who does not exist or has no password. It is asked after
// the decision.
func (t *loginTarget) exists() error {
	if err := t.target.exists(); err != nil {
		return err
	}
	if t.login == nil {
		return noSuchLogin(t.user.Name)
	}
	return nil
}

// A newPassword is a password that was hashed for a user, and compared with those
// that the user had.
type newPassword struct {
	hash   *passwordHash
	of     store.Rev // of the password that it was compared with
	oldFit bool      // the old one was told
	reused bool
}

// hashed returns the hash of a password, which is made apart.
func hashed(c *operation.Call, password confidential.Bytes) (*passwordHash, error) {
	return operation.Apart(c, func(ctx context.Context) (*passwordHash, error) { return hashPassword(ctx, password) })
}

// replacing returns what is to take the place of t's password. old, where it is
// set, must be the present one. The work is done apart, and is good for the
// passwords that t had then.
func (t *loginTarget) replacing(c *operation.Call, a *account, old, password confidential.Bytes) (*passwordHash, error) {
	if err := a.admits(password); err != nil {
		return nil, err
	}
	had, at := *t.login, t.at
	had.Former = had.Former[:min(len(had.Former), max(0, a.reuseAfter()-1))]
	compare := a.reuseAfter() > 0
	n, err := operation.Apart(c, func(ctx context.Context) (*newPassword, error) { return had.compare(ctx, at, compare, old, password) })
	switch {
	case err != nil:
		return nil, err
	case n.of != t.at:
		return nil, fault.New(EntityTemporarilyUnmodifiable, "Login Profile for User %s cannot be modified while it is being changed.", t.user.Name)
	case !n.oldFit:
		return nil, fault.New(fault.AccessDenied, "The old password was incorrect.")
	case n.reused:
		return nil, violation("Policy constraint violation with password reuse prevention during password change.")
	}
	return n.hash, nil
}

// compare does what takes long.
func (l *login) compare(ctx context.Context, at store.Rev, reuse bool, old, password confidential.Bytes) (*newPassword, error) {
	n := &newPassword{of: at, oldFit: true}
	var err error
	if old.IsSet() {
		if n.oldFit, err = l.Present.matches(ctx, old); err != nil || !n.oldFit {
			return n, err
		}
	}
	if reuse {
		for _, h := range append([]passwordHash{l.Present}, l.Former...) {
			if n.reused, err = h.matches(ctx, password); err != nil || n.reused {
				return n, err
			}
		}
	}
	n.hash, err = hashPassword(ctx, password)
	return n, err
}

// put writes t's password, after change has changed it, and with a new one keeps
// as many of the former ones as the account's policy asks for.
func (t *loginTarget) put(c *operation.Call, tx store.Txn, a *account, hash *passwordHash, change func(*login)) error {
	l := *t.login
	if hash != nil {
		former := append([]passwordHash{l.Present}, l.Former...)
		l.Former = former[:min(len(former), max(0, a.reuseAfter()-1))]
		l.Present, l.Changed = *hash, c.Time.Unix()
	}
	change(&l)
	if err := logins.Put(c.Context, tx, &l, t.at); err != nil {
		return fmt.Errorf("writing the password of user %s: %w", l.User, err)
	}
	t.require(tx)
	tx.Touch(userEntity(l.User))
	return nil
}

// passwordRules returns the account by whose policy passwords are judged, and has
// the transaction conflict if that changes.
func passwordRules(c *operation.Call, tx store.Txn) (*account, error) {
	a, rev, err := getAccount(c.Context, tx, ownAccount(c))
	if errors.Is(err, store.ErrNotFound) {
		return nil, unrecognized()
	}
	if err != nil {
		return nil, err
	}
	accounts.Require(tx, accountKey(a.ID), rev)
	return a, nil
}

// A LoginProfile as outputs show it.
type LoginProfile struct {
	UserName              string    `aws:"UserName" audit:"userName"`
	CreateDate            time.Time `aws:"CreateDate" audit:"createDate"`
	PasswordResetRequired bool      `aws:"PasswordResetRequired" audit:"passwordResetRequired"`
}

func (l *login) shown(user string) LoginProfile {
	return LoginProfile{UserName: user, CreateDate: seconds(l.Created), PasswordResetRequired: l.Reset}
}

func noSuchLogin(user string) error {
	return fault.New(NoSuchEntity, "Login Profile for User %s cannot be found.", user)
}
