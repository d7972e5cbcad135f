// Package optional tells an absent member of a request from an empty one.
package optional

// Of is a value that may be absent. The zero value is absent.
type Of[T any] struct {
	V   T
	Set bool
}

// Some returns a present value.
func Some[T any](v T) Of[T] { return Of[T]{V: v, Set: true} }

// Or returns the value, or def where it is absent.
func (o Of[T]) Or(def T) T {
	if o.Set {
		return o.V
	}
	return def
}
