package kms

import (
	"context"
	"errors"
	"time"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
)

// drawPatience is how long a call waits for its turn to have an RSA key drawn. It
// leaves time to draw it and to answer, before the connection is given up.
const drawPatience = 40 * time.Second

// errTimeout is the answer to a call whose turn does not come.
var errTimeout = &fault.Fault{
	Code:    DependencyTimeout,
	Message: "The system timed out while trying to fulfill the request. You can retry the request.",
}

// drawn returns what draw makes of new key material of a spec. An RSA key takes
// seconds: it is drawn apart.
func drawn[T any](c *operation.Call, spec string, draw func(context.Context) (T, error)) (T, error) {
	if specNamed(spec).modulus == 0 {
		return draw(c.Context)
	}
	return operation.Apart(c, func(ctx context.Context) (T, error) {
		ctx, cancel := context.WithTimeout(ctx, drawPatience)
		defer cancel()
		made, err := draw(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = errTimeout
		}
		return made, err
	})
}
