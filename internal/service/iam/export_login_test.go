package iam

import (
	"context"
	"encoding/json"

	"claviger/internal/ground/store"
	"claviger/internal/words/confidential"
)

// PasswordMatches reports whether a password is that of a user.
func PasswordMatches(ctx context.Context, st *store.Store, user string, password confidential.Bytes) (matches bool, err error) {
	err = st.View(ctx, func(r store.Reader) error {
		l, _, err := logins.Get(ctx, r, loginKey(user))
		if err != nil {
			return err
		}
		matches, err = l.Present.matches(ctx, password)
		return err
	})
	return matches, err
}

// LoginRecord is what the body of the row of a user's password says.
func LoginRecord(ctx context.Context, st *store.Store, user string) (body []byte, err error) {
	err = st.View(ctx, func(r store.Reader) error {
		l, _, err := logins.Get(ctx, r, loginKey(user))
		if err != nil {
			return err
		}
		body, err = json.Marshal(l)
		return err
	})
	return body, err
}
