package memory_test

import (
	"testing"

	"claviger/internal/ground/store/driver"
	"claviger/internal/ground/store/memory"
	"claviger/internal/ground/store/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) driver.Driver { return memory.New() })
}
