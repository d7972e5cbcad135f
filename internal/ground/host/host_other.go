//go:build !linux && !darwin && !freebsd

package host

// DiskOf knows nothing here.
func DiskOf(string) (Disk, error) { return Disk{}, ErrUnknown }

// LimitsOf knows nothing here.
func LimitsOf() (Limits, error) { return Limits{}, ErrUnknown }

// ClockOf knows nothing here.
func ClockOf() (Clock, error) { return Clock{}, ErrUnknown }
