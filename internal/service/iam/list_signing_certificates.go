package iam

import (
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListSigningCertificatesInput asks for the signing certificates of a user, or of the caller.
type ListSigningCertificatesInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListSigningCertificatesInput) Validate(c *check.Checks) {
	c.HideValues()
	checkName(c, "userName", in.UserName, nameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// A SigningCertificate as outputs show it.
type SigningCertificate struct {
	UserName        string    `aws:"UserName"`
	CertificateID   string    `aws:"CertificateId"`
	CertificateBody string    `aws:"CertificateBody"`
	Status          string    `aws:"Status"`
	UploadDate      time.Time `aws:"UploadDate"`
}

// ListSigningCertificatesOutput is the only page, and empty: nobody can have any here.
type ListSigningCertificatesOutput struct {
	Certificates []SigningCertificate `aws:"Certificates"`
	IsTruncated  bool                 `aws:"IsTruncated"`
	Marker       optional.Of[string]  `aws:"Marker"`
}

// listSigningCertificates implements ListSigningCertificates. Clients ask before they delete a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListSigningCertificates.html
func (s *Service) listSigningCertificates() operation.Operation {
	return operation.Use[ListSigningCertificatesInput, ListSigningCertificatesOutput, target, *ListSigningCertificatesInput]{
		Name:    "ListSigningCertificates",
		Actions: []string{"iam:ListSigningCertificates"},
		Subject: func(c *operation.Call, in *ListSigningCertificatesInput) (target, error) {
			return s.namedOrCaller(c, in.UserName)
		},
		Asks: func(c *operation.Call, _ *ListSigningCertificatesInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListSigningCertificates"))
		},
		Run: func(c *operation.Call, in *ListSigningCertificatesInput, t target) (*ListSigningCertificatesOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if _, err := s.after(listOf(c, "ListSigningCertificates", t.id()), in.Marker); err != nil {
				return nil, err
			}
			return &ListSigningCertificatesOutput{Certificates: []SigningCertificate{}}, nil
		},
	}.Operation()
}
