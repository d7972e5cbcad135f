package installation

import "claviger/internal/kernel/operation"

// describeStore asks for what the store holds and takes.
func describeStore() operation.Operation {
	return operation.Use[Nothing, operation.None, struct{}, *Nothing]{
		Name:    "DescribeStore",
		Actions: []string{"claviger:DescribeStore"},
		Asks:    asks("claviger:DescribeStore"),
		Run:     answer,
	}.Operation()
}
