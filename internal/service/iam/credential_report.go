package iam

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/ground/store/driver"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
)

// reportFor is for how long a credential report counts: within it no other is made.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
const reportFor = 4 * time.Hour

// A credentialReport is the newest report of an account.
type credentialReport struct {
	Account   string `json:"account"`
	Generated int64  `json:"generated"` // seconds since 1970
	Content   []byte `json:"content"`   // CSV
}

var credentialReports = &store.Table[credentialReport]{
	Schema: driver.Schema{
		Name:       "iam_credential_report",
		PrimaryKey: []driver.Column{{Name: "account"}},
	},
	Version: 1,
	Key:     func(r *credentialReport) store.Key { return accountKey(r.Account) },
	Account: func(r *credentialReport) string { return r.Account },
}

// getReport returns the report of an account, nil where there is none.
func getReport(ctx context.Context, r store.Reader, account string) (*credentialReport, store.Rev, error) {
	report, rev, err := credentialReports.Get(ctx, r, accountKey(account))
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the credential report of account %s: %w", account, err)
	}
	return report, rev, nil
}

// counts reports whether a report is new enough.
func (r *credentialReport) counts(now time.Time) bool {
	return r != nil && now.Sub(seconds(r.Generated)) < reportFor
}

// reportColumns are the columns of a report, in AWS's order.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
var reportColumns = []string{
	"user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation", "mfa_active",
	"access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
	"access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date", "access_key_2_last_used_region", "access_key_2_last_used_service",
	"cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
}

const (
	notAvailable = "N/A"
	notSupported = "not_supported"
)

func reportTime(n int64) string { return seconds(n).Format("2006-01-02T15:04:05+00:00") }

// writeReport writes the report of an account: its root user, and its users in the
// order of their folded names.
func (s *Service) writeReport(c *operation.Call, r store.Reader, account string) ([]byte, error) {
	a, _, err := getAccount(c.Context, r, account)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	w := csv.NewWriter(&content)
	row := []string{"<root_account>", arn.Root(s.partition, a.ID), reportTime(a.Created), notSupported, "no_information", notSupported, notSupported, "false"}
	if row, err = s.reportKeys(c, r, row, a.AccessKeys); err != nil {
		return nil, err
	}
	if err := w.WriteAll([][]string{reportColumns, row}); err != nil {
		return nil, fmt.Errorf("writing a credential report: %w", err)
	}
	const batch = 100
	var after store.Key
	for seen := batch; seen == batch; {
		seen = 0
		var page []*user
		err := users.Scan(c.Context, r, "name", store.Key{store.S(a.ID)}, after, batch, func(u *user, _ store.Rev) error {
			seen++
			after = users.IndexKey("name", u)
			page = append(page, u)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("listing the users of account %s: %w", a.ID, err)
		}
		for _, u := range page {
			row, err := s.reportUser(c, r, a, u)
			if err != nil {
				return nil, err
			}
			if err := w.Write(row); err != nil {
				return nil, fmt.Errorf("writing a credential report: %w", err)
			}
		}
	}
	w.Flush()
	return content.Bytes(), w.Error()
}

// reportUser is the row of a user.
func (s *Service) reportUser(c *operation.Call, r store.Reader, a *account, u *user) ([]string, error) {
	row := []string{u.Name, u.arn(s.partition), reportTime(u.Created)}
	if u.Login {
		l, _, err := logins.Get(c.Context, r, loginKey(u.ID))
		if err != nil {
			return nil, fmt.Errorf("reading the password of user %s: %w", u.ID, err)
		}
		next := notAvailable
		if p := a.PasswordPolicy; p != nil && p.AgeMaxDays > 0 {
			next = reportTime(seconds(l.Changed).AddDate(0, 0, p.AgeMaxDays).Unix())
		}
		row = append(row, "true", "no_information", reportTime(l.Changed), next)
	} else {
		row = append(row, "false", notAvailable, notAvailable, notAvailable)
	}
	row = append(row, strconv.FormatBool(len(u.MFADevices) > 0))
	return s.reportKeys(c, r, row, u.AccessKeys)
}

// reportKeys appends the columns about access keys, the oldest first, and about
// certificates, which nobody has.
func (s *Service) reportKeys(c *operation.Call, r store.Reader, row, ids []string) ([]string, error) {
	keys := make([]*accessKey, len(ids))
	var err error
	for i, id := range ids {
		if keys[i], _, err = getAccessKey(c.Context, r, id); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(keys, func(a, b *accessKey) int { return int(a.Created - b.Created) })
	for i := range accessKeysMax {
		if i >= len(keys) {
			row = append(row, "false", notAvailable, notAvailable, notAvailable, notAvailable)
			continue
		}
		row = append(row, strconv.FormatBool(keys[i].Status == active), reportTime(keys[i].Created))
		used, err := s.lastUse(c, keys[i].ID)
		switch {
		case err != nil:
			return nil, err
		case used == nil:
			row = append(row, notAvailable, notAvailable, notAvailable)
		default:
			row = append(row, reportTime(used.Time.Unix()), used.Region, used.Service)
		}
	}
	return append(row, "false", notAvailable, "false", notAvailable), nil
}
