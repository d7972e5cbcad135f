package app

import (
	"errors"
	"slices"
	"testing"

	"claviger/internal/words/arn"
)

// TestPartition: a server's Regions are of one partition.
func TestPartition(t *testing.T) {
	t.Parallel()
	for region, partition := range map[string]string{"us-east-1": "aws", "eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-east-1": "aws-us-gov"} {
		c := common{Region: region}
		if err := c.check(); err != nil {
			t.Errorf("%s: %v", region, err)
		}
		if len(c.Regions) == 0 || slices.ContainsFunc(c.Regions, func(r string) bool { return arn.Partition(r) != partition }) {
			t.Errorf("%s: Regions %q, want those of %s", region, c.Regions, partition)
		}
	}
	if !slices.Contains(publicRegions, "cn-north-1") {
		t.Error("the list of public Regions was changed")
	}
	mixed := common{Region: "us-east-1", Regions: []string{"us-east-1", "cn-north-1"}}
	if err := mixed.check(); err == nil {
		t.Error("took Regions of two partitions")
	}
}

// TestEmptyDataDirectory: a variable that is set to nothing is not the directory at hand.
func TestEmptyDataDirectory(t *testing.T) {
	t.Parallel()
	l := location{Store: "sqlite:"}
	if err := l.check(); !errors.As(err, new(usageError)) {
		t.Errorf("an empty data directory: %v", err)
	}
}

// TestAddress: what can't be an address to listen on is a wrong setting, which starting
// again does not help.
func TestAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{"127.0.0.1:0": true, "[::1]:65535": true, "localhost:https": true, ":443": false, "0.0.0.0:443": false} {
		if local, err := loopback(address); err != nil || local != want {
			t.Errorf("%s: %v, %v", address, local, err)
		}
	}
	for _, address := range []string{"", "4566", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:no-such-service"} {
		if _, err := loopback(address); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
