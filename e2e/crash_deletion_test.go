package e2e

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// deletionLedger is what one client knows of a key whose deletion it schedules
// and cancels in turns. The deletion itself, a week later, is tested where there
// is a clock to turn.
type deletionLedger struct {
	key     string
	pending bool // as far as was answered
	unknown bool // a call was cut off that would have changed it
	blob    []byte
}

func (d *deletionLedger) begin(t *testing.T, root *client) {
	t.Helper()
	d.key = *must[*kms.CreateKeyOutput](t)(root.kms.CreateKey(t.Context(), &kms.CreateKeyInput{})).KeyMetadata.KeyId
	d.blob = must[*kms.EncryptOutput](t)(root.kms.Encrypt(t.Context(), &kms.EncryptInput{KeyId: &d.key, Plaintext: []byte("kept")})).CiphertextBlob
}

// turn schedules the deletion, or cancels it.
func (d *deletionLedger) turn(ctx context.Context, l *ledger, root *client) bool {
	name, next := "ScheduleKeyDeletion", !d.pending
	var err error
	if next {
		_, err = root.kms.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &d.key, PendingWindowInDays: aws.Int32(7)})
	} else {
		name = "CancelKeyDeletion"
		_, err = root.kms.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &d.key})
	}
	return l.note(err, name, "", func() {
		l.answered = l.answered[:len(l.answered)-1] // it has no name of its own in the trail
		d.pending, d.unknown = next, false
	}, func() { d.unknown = true })
}

// check holds the key to what was answered. A key that is kept after all
// decrypts; its next deletion would fail if the timer of the last were left.
func (d *deletionLedger) check(t *testing.T, root *client) {
	t.Helper()
	ctx := t.Context()
	state := must[*kms.DescribeKeyOutput](t)(root.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &d.key})).KeyMetadata.KeyState
	pending := state == types.KeyStatePendingDeletion
	if pending != d.pending && !d.unknown {
		t.Errorf("the key is %s, and pending deletion by the answers: %v", state, d.pending)
	}
	if _, err := root.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: d.blob}); pending && err == nil {
		t.Error("a key that is pending deletion decrypts")
	}
	if pending {
		must[*kms.CancelKeyDeletionOutput](t)(root.kms.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &d.key}))
	}
	must[*kms.EnableKeyOutput](t)(root.kms.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &d.key}))
	if got := must[*kms.DecryptOutput](t)(root.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: d.blob})); string(got.Plaintext) != "kept" {
		t.Errorf("decrypted %q", got.Plaintext)
	}
	d.pending, d.unknown = false, false
}
