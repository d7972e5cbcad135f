package xks

import (
	"bytes"
	"errors"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
)

// GetHealthStatusInput asks whether a key store can be used.
type GetHealthStatusInput struct {
	KeyStore        string           `audit:"keyStore"`
	RequestMetadata *RequestMetadata `aws:"requestMetadata" audit:"requestMetadata"`
}

// Address says what the path is about.
func (in *GetHealthStatusInput) Address(keyStore, _ string) { in.KeyStore = keyStore }

// Validate checks what the interface demands.
func (in *GetHealthStatusInput) Validate(c *check.Checks) { in.RequestMetadata.check(c, false, false) }

// GetHealthStatusOutput says how a key store fares, and what stands behind it.
type GetHealthStatusOutput struct {
	FleetSize    int     `aws:"xksProxyFleetSize"`
	ProxyVendor  string  `aws:"xksProxyVendor"`
	ProxyModel   string  `aws:"xksProxyModel"`
	EKMVendor    string  `aws:"ekmVendor"`
	FleetDetails []Fleet `aws:"ekmFleetDetails"`
}

// A Fleet is a key manager: this server.
type Fleet struct {
	ID     string `aws:"id"`
	Model  string `aws:"model"`
	Health string `aws:"healthStatus"`
}

// Health of a fleet.
const (
	healthActive      = "ACTIVE"
	healthUnavailable = "UNAVAILABLE"
)

const vendor = "Claviger"

// healthAge is how old the last successful probe may be.
const healthAge = time.Minute

// getHealthStatus implements GetHealthStatus. No secondary authorization limits
// it: whoever has a credential of the key store may ask.
func (s *Service) getHealthStatus() operation.Operation {
	return operation.Use[GetHealthStatusInput, GetHealthStatusOutput, *keyStore, *GetHealthStatusInput]{
		Name:    "GetHealthStatus",
		Actions: []string{getHealthStatusAction},
		Subject: func(c *operation.Call, in *GetHealthStatusInput) (*keyStore, error) {
			k, err := s.keyStoreToUse(c.Context, in.KeyStore, c.Reader)
			if errors.Is(err, store.ErrNotFound) {
				return nil, errNoKeyStore // it was there when the signature was verified
			}
			if err != nil {
				return nil, err
			}
			c.RestOn(k.stamp)
			return k, nil
		},
		Asks: func(_ *operation.Call, in *GetHealthStatusInput, k *keyStore, asks []authz.Ask) []authz.Ask {
			return append(asks, ask(getHealthStatusAction, keyStoreARN(k.Prefix), k.policy, in.RequestMetadata, errStranger))
		},
		Run: func(c *operation.Call, _ *GetHealthStatusInput, k *keyStore) (*GetHealthStatusOutput, error) {
			health := healthActive
			if !k.fares(c) {
				health = healthUnavailable
			}
			return &GetHealthStatusOutput{
				FleetSize: 1, ProxyVendor: vendor, ProxyModel: vendor, EKMVendor: vendor,
				FleetDetails: []Fleet{{ID: "1", Model: vendor, Health: health}},
			}, nil
		},
	}.Operation()
}

// fares reports whether the key store could be used within the last minute: its
// row opens, and what its probe encrypts it decrypts. That the trail takes
// records, the answer itself shows.
func (k *keyStore) fares(c *operation.Call) bool {
	if age := c.Time.Sub(time.Unix(0, k.healthy.Load())); 0 <= age && age < healthAge {
		return true
	}
	r, err := c.Reader()
	if err != nil {
		return false
	}
	if _, _, err := getKeyStore(c.Context, r, k.Prefix); err != nil {
		return false
	}
	plaintext := bytes.Repeat([]byte{0x5a}, 32)
	if _, _, err := k.probe.EncryptProven(confidential.New(plaintext), nil); err != nil {
		return false
	}
	k.healthy.Store(c.Time.UnixNano())
	return true
}
