package root

import (
	"context"
	"fmt"

	"claviger/internal/ground/sealed"
)

func (s Source) createWrapped(ctx context.Context, installation string) (*sealed.RootKey, []byte, error) {
	raw := sealed.Random(keySize)
	w, err := s.wrapper.Wrap(ctx, installation, raw)
	if err != nil {
		return nil, nil, fmt.Errorf("wrapping the root key: %w", err)
	}
	if len(w) == 0 || len(w) > maxWrapped {
		return nil, nil, fmt.Errorf("root: a wrapped root key of %d bytes; 1 to %d are kept", len(w), maxWrapped)
	}
	key, err := sealed.NewRootKey(raw)
	if err != nil {
		return nil, nil, err
	}
	return key, (&params{Version: paramsVersion, Source: s.name, Wrapped: w}).encode(), nil
}

func (s Source) openWrapped(ctx context.Context, installation string, p *params) (*sealed.RootKey, error) {
	raw, err := s.wrapper.Unwrap(ctx, installation, p.Wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrapping the root key: %w", err)
	}
	return sealed.NewRootKey(raw)
}
