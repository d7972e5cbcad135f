package iam

import (
	"context"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GenerateCredentialReportInput asks for a report of who has which credentials.
type GenerateCredentialReportInput struct{}

// Validate has nothing to check.
func (in *GenerateCredentialReportInput) Validate(*check.Checks) {}

// GenerateCredentialReportOutput tells whether there was a report.
type GenerateCredentialReportOutput struct {
	State       string              `aws:"State" audit:"state"`
	Description optional.Of[string] `aws:"Description" audit:"description"`
}

// generateCredentialReport implements GenerateCredentialReport. One that is made is
// there when the call is answered, though the answer says STARTED as AWS's does.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html
func (s *Service) generateCredentialReport() operation.Operation {
	return operation.Change[GenerateCredentialReportInput, GenerateCredentialReportOutput, accountTarget, *GenerateCredentialReportInput]{
		Name:    "GenerateCredentialReport",
		Actions: []string{"iam:GenerateCredentialReport"},
		Subject: func(c *operation.Call, _ *GenerateCredentialReportInput) (accountTarget, error) {
			return s.ownRecord(c)
		},
		Asks: asksOfAccount[GenerateCredentialReportInput]("iam:GenerateCredentialReport"),
		Run: func(c *operation.Call, tx store.Txn, _ *GenerateCredentialReportInput, t accountTarget) (*GenerateCredentialReportOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			old, rev, err := getReport(c.Context, tx, t.account.ID)
			if err != nil {
				return nil, err
			}
			if old.counts(c.Time) {
				return &GenerateCredentialReportOutput{State: "COMPLETE"}, nil
			}
			content, err := operation.Apart(c, func(ctx context.Context) (content []byte, err error) {
				err = s.store.View(ctx, func(r store.Reader) error {
					content, err = s.writeReport(c, r, t.account.ID)
					return err
				})
				return content, err
			})
			if err != nil {
				return nil, err
			}
			report := &credentialReport{Account: t.account.ID, Generated: c.Time.Unix(), Content: content}
			if old == nil {
				err = credentialReports.Insert(c.Context, tx, report)
			} else {
				err = credentialReports.Put(c.Context, tx, report, rev)
			}
			if err != nil {
				return nil, fmt.Errorf("storing the credential report of account %s: %w", t.account.ID, err)
			}
			return &GenerateCredentialReportOutput{State: "STARTED", Description: optional.Some("No report exists. Starting a new report generation task")}, nil
		},
	}.Operation()
}
