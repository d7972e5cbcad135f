package app

import (
	"bytes"
	"testing"

	"claviger/internal/service/kms"
	"claviger/internal/words/optional"
)

// TestManagedKey: the first call that names a predefined alias has its key made
// before, and recorded before; later calls and servers find it.
func TestManagedKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newDurableWorld(t, dir)
	describe := func() string {
		out := w.must(w.caller(owner), "kms:DescribeKey", &kms.DescribeKeyInput{KeyID: optional.Some("alias/aws/s3")})
		return out.(*kms.DescribeKeyOutput).KeyMetadata.ARN
	}
	_, next := w.records(1)
	key := describe()
	records, last := w.records(next)
	if len(records) != 2 || !bytes.Contains(records[0].Record, []byte(`"eventName":"CreateKey"`)) ||
		!bytes.Contains(records[0].Record, []byte(`"eventType":"AwsServiceEvent"`)) || !bytes.Contains(records[0].Record, []byte(key)) ||
		!bytes.Contains(records[1].Record, []byte(`"eventName":"DescribeKey"`)) {
		t.Errorf("%d records: %s", len(records), records)
	}
	w.restarted(dir, nil)
	if again := describe(); again != key {
		t.Errorf("the key was %s and is %s", key, again)
	}
	if records, _ := w.records(last); len(records) != 1 {
		t.Errorf("%d records of the second call", len(records))
	}
}
