package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

const dublin, sydney = "eu-west-1", "ap-southeast-2"

// rootIn is the root user of a durable server, who calls a Region.
func (p *process) rootIn(region string) *kms.Client { return p.asIn(region, rootKeyID, rootSecret).kms }

// TestTwoRegions is the life of a key in two Regions: what one seals the other
// opens, also after a power cut and when the first of the two is long gone.
func TestTwoRegions(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), filepath.Join(t.TempDir(), "data")
	p := serve(t, dir)
	here, there := p.root().kms, p.rootIn(dublin)

	created := must[*kms.CreateKeyOutput](t)(here.CreateKey(ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true)})).KeyMetadata
	id, arn := *created.KeyId, *created.Arn
	replica := strings.Replace(arn, "us-east-1", dublin, 1)
	sealed := must[*kms.EncryptOutput](t)(here.Encrypt(ctx, &kms.EncryptInput{KeyId: &id, Plaintext: []byte("travels")}))
	_, err := there.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	refused(t, err, "NotFoundException", "Key '"+replica+"' does not exist")

	made := must[*kms.ReplicateKeyOutput](t)(here.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &id, ReplicaRegion: aws.String(dublin)}))
	m := made.ReplicaKeyMetadata
	if *m.Arn != replica || m.KeyState != types.KeyStateCreating || m.Enabled || m.CurrentKeyMaterialId != nil || made.ReplicaTags != nil ||
		m.MultiRegionConfiguration.MultiRegionKeyType != types.MultiRegionKeyTypeReplica || *m.MultiRegionConfiguration.PrimaryKey.Arn != arn ||
		len(m.MultiRegionConfiguration.ReplicaKeys) != 1 || *m.MultiRegionConfiguration.ReplicaKeys[0].Arn != replica || made.ReplicaPolicy == nil {
		t.Errorf("the replica is %+v, with %v and %v", m, made.ReplicaTags, made.ReplicaPolicy)
	}
	_, err = here.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &id, ReplicaRegion: aws.String(dublin)})
	refused(t, err, "AlreadyExistsException", "The key "+replica+" already exists.")
	_, err = there.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &id, ReplicaRegion: aws.String("us-east-1")})
	refused(t, err, "UnsupportedOperationException", replica+" is not a multi-region primary key.")
	_, err = here.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &id, ReplicaRegion: aws.String("cn-north-1")})
	refused(t, err, "UnsupportedOperationException", "The Region cn-north-1 is not supported.")

	p.kill()
	p = serve(t, dir)
	here, there = p.root().kms, p.rootIn(dublin)
	if m := must[*kms.DescribeKeyOutput](t)(there.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})).KeyMetadata; m.KeyState != types.KeyStateEnabled ||
		!m.Enabled || *m.CurrentKeyMaterialId != *created.CurrentKeyMaterialId {
		t.Errorf("the replica is described as %+v", m)
	}
	opened := must[*kms.DecryptOutput](t)(there.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}))
	if string(opened.Plaintext) != "travels" || *opened.KeyId != replica {
		t.Errorf("%s opened %q", *opened.KeyId, opened.Plaintext)
	}

	// A replica lives by its own policy.
	reader := p.user(p.root(), "reader", "")
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%[1]s:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%[1]s:user/reader"},"Action":"kms:Decrypt","Resource":"*"}]}`, rootAccount)
	must[*kms.PutKeyPolicyOutput](t)(there.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &id, Policy: &policy}))
	decrypt := &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, KeyId: &id}
	_, err = reader.kms.Decrypt(ctx, decrypt)
	refused(t, err, "AccessDeniedException", "User: arn:aws:iam::"+rootAccount+":user/reader is not authorized to perform: kms:Decrypt on resource: "+arn+
		" because no identity-based policy allows the kms:Decrypt action")
	must[*kms.DecryptOutput](t)(reader.kms.Decrypt(ctx, decrypt, func(o *kms.Options) { o.Region = dublin }))

	// The primary key moves, and what was the primary key may go.
	must[*kms.UpdatePrimaryRegionOutput](t)(here.UpdatePrimaryRegion(ctx, &kms.UpdatePrimaryRegionInput{KeyId: &id, PrimaryRegion: aws.String(dublin)}))
	waits := must[*kms.ScheduleKeyDeletionOutput](t)(there.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(7)}))
	if waits.KeyState != types.KeyStatePendingReplicaDeletion || waits.DeletionDate != nil || *waits.PendingWindowInDays != 7 {
		t.Errorf("the primary key is %+v", waits)
	}
	must[*kms.CancelKeyDeletionOutput](t)(there.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &id}))
	goes := must[*kms.ScheduleKeyDeletionOutput](t)(here.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(7)}))
	if goes.KeyState != types.KeyStatePendingDeletion || goes.DeletionDate == nil {
		t.Errorf("the replica is %+v", goes)
	}
	must[*kms.EnableKeyOutput](t)(there.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &id}))
	must[*kms.DecryptOutput](t)(there.Decrypt(ctx, decrypt))

	events := make(map[string]int)
	for _, r := range p.records() {
		if r.ErrorCode == "" {
			events[r.EventName]++
		}
	}
	if events["ReplicateKey"] != 1 || events["CreateKey"] != 2 || events["UpdatePrimaryRegion"] != 2 {
		t.Errorf("the trail has %v", events)
	}
}

// TestRegionsThatExist: a key is replicated where the server has a Region.
func TestRegionsThatExist(t *testing.T) {
	t.Parallel()
	p := dev(t, "--regions", "us-east-1,"+dublin)
	root := p.account(rootAccount).kms
	key := must[*kms.CreateKeyOutput](t)(root.CreateKey(t.Context(), &kms.CreateKeyInput{MultiRegion: aws.Bool(true)})).KeyMetadata
	_, err := root.ReplicateKey(t.Context(), &kms.ReplicateKeyInput{KeyId: key.KeyId, ReplicaRegion: aws.String(sydney)})
	refused(t, err, "UnsupportedOperationException", "The Region "+sydney+" is not supported.")
	must[*kms.ReplicateKeyOutput](t)(root.ReplicateKey(t.Context(), &kms.ReplicateKeyInput{KeyId: key.KeyId, ReplicaRegion: aws.String(dublin)}))
}

// TestKillRelated kills a server while keys are replicated and their primary key
// moves, and holds the next one to it: what was answered is so, and related keys
// agree about each other, whatever was cut off.
func TestKillRelated(t *testing.T) {
	t.Parallel()
	rounds := 4
	if long() {
		rounds = 60
	}
	dir := filepath.Join(t.TempDir(), "data")
	f := &families{replicas: make(map[string][]string)}
	for range rounds {
		p := serve(t, dir)
		f.load(t, p)
		p = serve(t, dir)
		f.check(t, p)
		p.kill()
		if t.Failed() {
			return
		}
	}
	if f.replicated < rounds || f.moved == 0 {
		t.Errorf("in %d rounds %d keys were replicated and %d moved", rounds, f.replicated, f.moved)
	}
}

// families is what was answered of multi-Region keys.
type families struct {
	mu                sync.Mutex
	replicas          map[string][]string // by key id: Regions other than the first
	replicated, moved int
}

// load makes keys, replicates them and moves them, until the server is killed.
func (f *families) load(t *testing.T, p *process) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var calls atomic.Int64
	enough := 25 + rand.Int64N(60)
	here := p.root().kms
	step := func(do func() error) bool {
		err := do()
		var refusal smithy.APIError
		if errors.As(err, &refusal) {
			t.Errorf("refused: %v", err)
		}
		if calls.Add(1) == enough {
			p.kill()
		}
		return err == nil
	}
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil && f.one(ctx, here, step) {
			}
		})
	}
	clients.Wait()
	p.kill()
}

// one takes a key through a short life. It reports false when the server is gone.
func (f *families) one(ctx context.Context, here *kms.Client, step func(func() error) bool) bool {
	var id string
	ok := step(func() error {
		out, err := here.CreateKey(ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true)})
		if err == nil {
			id = *out.KeyMetadata.KeyId
		}
		return err
	})
	for _, region := range []string{dublin, sydney} {
		ok = ok && step(func() error {
			_, err := here.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &id, ReplicaRegion: &region})
			if err == nil {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.replicas[id] = append(f.replicas[id], region)
				f.replicated++
			}
			return err
		})
	}
	ok = ok && step(func() error {
		_, err := here.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &id})
		return err
	})
	return ok && step(func() error {
		_, err := here.UpdatePrimaryRegion(ctx, &kms.UpdatePrimaryRegionInput{KeyId: &id, PrimaryRegion: aws.String(dublin)})
		if err == nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.moved++
		}
		return err
	})
}

// check asks every Region about every key.
func (f *families) check(t *testing.T, p *process) {
	t.Helper()
	ctx := t.Context()
	clients := map[string]*kms.Client{"us-east-1": p.root().kms, dublin: p.rootIn(dublin), sydney: p.rootIn(sydney)}
	count := make(map[string]int)
	pages := kms.NewListKeysPaginator(clients["us-east-1"], &kms.ListKeysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page.Keys {
			described := must[*kms.DescribeKeyOutput](t)(clients["us-east-1"].DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: k.KeyId})).KeyMetadata
			want := shared(described)
			sealed := must[*kms.EncryptOutput](t)(clients["us-east-1"].Encrypt(ctx, &kms.EncryptInput{KeyId: k.KeyId, Plaintext: []byte(*k.KeyId)}))
			for region, client := range clients {
				if !strings.Contains(want, region) {
					_, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: k.KeyId})
					var missing *types.NotFoundException
					if !errors.As(err, &missing) {
						t.Errorf("key %s in %s, of which the others know nothing: %v", *k.KeyId, region, err)
					}
					continue
				}
				m := must[*kms.DescribeKeyOutput](t)(client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: k.KeyId})).KeyMetadata
				if got := shared(m); got != want {
					t.Errorf("key %s in %s says %s, want %s", *k.KeyId, region, got, want)
				}
				if out, err := client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}); err != nil || string(out.Plaintext) != *k.KeyId {
					t.Errorf("key %s in %s does not open what another has sealed: %v", *k.KeyId, region, err)
				}
				count[region]++
			}
			for _, region := range f.replicas[*k.KeyId] {
				if !strings.Contains(want, region) {
					t.Errorf("key %s has lost its replica in %s", *k.KeyId, region)
				}
			}
		}
	}
	for region, client := range clients {
		listed := 0
		pages := kms.NewListKeysPaginator(client, &kms.ListKeysInput{})
		for pages.HasMorePages() {
			listed += len(must[*kms.ListKeysOutput](t)(pages.NextPage(ctx)).Keys)
		}
		if listed != count[region] {
			t.Errorf("%d keys are listed in %s, %d are related to others", listed, region, count[region])
		}
	}
}

// shared names the Regions of related keys, that of the primary key first, and
// their current material.
func shared(m *types.KeyMetadata) string {
	list := *m.MultiRegionConfiguration.PrimaryKey.Region
	for _, k := range m.MultiRegionConfiguration.ReplicaKeys {
		list += " " + *k.Region
	}
	return list + " with " + *m.CurrentKeyMaterialId
}
