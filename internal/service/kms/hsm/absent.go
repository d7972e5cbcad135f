//go:build !pkcs11

package hsm

import (
	"errors"

	"claviger/internal/service/kms"
)

// Open opens the tokens of clusters. This build has none.
func Open(clusters []Cluster) (kms.Clusters, error) {
	if len(clusters) > 0 {
		return nil, errors.New("this build has no PKCS #11: make one with cgo and the tag pkcs11")
	}
	return nil, nil
}
