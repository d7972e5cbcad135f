package kms

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
)

// AWS managed keys belong to an account, and their policy to nobody: it lets the
// account's principals use the key through one service, and look at it. So there
// is no need to refuse changes of such a key anywhere: no policy allows them.
//
// A key is made with its alias when a call that its policy allows names the alias first.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk

// A managedService has an AWS managed key in each account and Region.
type managedService struct {
	name     string // of the alias: alias/aws/<name>
	host     string // first label of the service's name in kms:ViaService; name by default
	title    string // in the key's policy
	protects string // in the key's description
	policy   string // id of the key's policy; auto-<name>-1 by default
	uses     []string
}

// Actions that the policies of AWS managed keys allow through their service.
var (
	usesAlone  = []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"}
	usesGrants = []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"}
	usesOfRDS  = []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:ListGrants", "kms:DescribeKey"}
	usesOfSNS  = []string{"kms:Decrypt", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:ListGrants", "kms:DescribeKey"}
	usesOfCopy = []string{"kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey*"}
)

// managedServices are those whose aliases accounts are known to have, from what
// DescribeKey, GetKeyPolicy and ListAliases answer on AWS; by name. Descriptions
// and policies that are not known follow the others.
var managedServices = []managedService{
	{name: "acm", title: "ACM", protects: "ACM private keys", uses: usesGrants},
	{name: "backup", title: "Backup", protects: "Backup data", uses: usesOfCopy},
	{name: "cloud9", title: "Cloud9", protects: "Cloud9 data", uses: usesGrants},
	{name: "codecommit", title: "CodeCommit", protects: "CodeCommit repositories", uses: usesAlone},
	{name: "connect", title: "Connect", protects: "Connect data", uses: usesGrants},
	{name: "dynamodb", title: "Amazon DynamoDB", protects: "DynamoDB data", policy: "auto-dynamodb-3", uses: usesGrants},
	{name: "ebs", host: "ec2", title: "EBS", protects: "EBS volumes", policy: "auto-ebs-2", uses: usesGrants},
	{name: "elasticfilesystem", title: "EFS", protects: "EFS filesystems", uses: usesGrants},
	{name: "es", title: "Elasticsearch", protects: "Elasticsearch data", uses: usesGrants},
	{name: "fsx", title: "FSx", protects: "FSx resources", uses: usesGrants},
	{name: "glue", title: "Glue", protects: "Glue data", uses: usesAlone},
	{name: "kafka", title: "Kafka", protects: "Kafka data", uses: usesGrants},
	{name: "kinesis", title: "Kinesis", protects: "Kinesis data", uses: usesAlone},
	{name: "kinesisvideo", title: "kinesis video", protects: "kinesis video data", uses: usesAlone},
	{name: "lambda", title: "AWS Lambda", protects: "Lambda functions", policy: "auto-awslambda", uses: usesGrants},
	{name: "lex", title: "Lex", protects: "Lex data", uses: usesGrants},
	{name: "lightsail", title: "Lightsail", protects: "Lightsail data", uses: usesGrants},
	{name: "rds", title: "RDS", protects: "RDS database volumes", policy: "auto-rds-2", uses: usesOfRDS},
	{name: "redshift", title: "Redshift", protects: "Redshift clusters", uses: usesGrants},
	{name: "s3", title: "S3", protects: "S3 objects", policy: "auto-s3-2", uses: usesAlone},
	{name: "secretsmanager", title: "AWS Secrets Manager", protects: "Secrets Manager data", policy: "auto-secretsmanager-2", uses: usesGrants},
	{name: "sns", title: "SNS", protects: "SNS data", uses: usesOfSNS},
	{name: "sqs", title: "SQS", protects: "SQS messages", uses: usesAlone},
	{name: "ssm", title: "SSM", protects: "SSM parameters", uses: usesAlone},
	{name: "workspaces", title: "WorkSpaces", protects: "WorkSpaces volumes", uses: usesGrants},
	{name: "xray", title: "X-Ray", protects: "X-Ray data", uses: usesAlone},
}

// managedPrefix begins the names of aliases that no customer can make.
const managedPrefix = aliasPrefix + "aws/"

// managedAliases finds a service by the name of its alias.
var managedAliases = func() map[string]*managedService {
	found := make(map[string]*managedService, len(managedServices))
	for i := range managedServices {
		found[managedServices[i].alias()] = &managedServices[i]
	}
	return found
}()

// managedNames are the names of their aliases, in order.
var managedNames = slices.Sorted(maps.Keys(managedAliases))

func (m *managedService) alias() string { return managedPrefix + m.name }

// keyPolicy is the policy of the service's key in an account.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html is one of them
func (m *managedService) keyPolicy(k *keyRecord) (string, error) {
	type statement struct {
		Sid       string
		Effect    string
		Principal map[string]string
		Action    []string
		Resource  string
		Condition map[string]map[string]string `json:",omitempty"`
	}
	id, host := m.policy, m.host
	if id == "" {
		id = "auto-" + m.name + "-1"
	}
	if host == "" {
		host = m.name
	}
	text, err := json.MarshalIndent(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []statement
	}{"2012-10-17", id, []statement{
		{
			Sid:       fmt.Sprintf("Allow access through %s for all principals in the account that are authorized to use %[1]s", m.title),
			Effect:    "Allow",
			Principal: map[string]string{"AWS": "*"},
			Action:    m.uses,
			Resource:  "*",
			Condition: map[string]map[string]string{"StringEquals": {
				"kms:CallerAccount": k.Account,
				"kms:ViaService":    inRegion(host+".amazonaws.com", k.Region),
			}},
		},
		{
			Sid:       "Allow direct access to key metadata to the account",
			Effect:    "Allow",
			Principal: map[string]string{"AWS": arn.Root(k.Partition, k.Account)},
			Action:    []string{"kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"},
			Resource:  "*",
		},
	}}, "", "  ")
	return string(text), err
}

// unmade returns the AWS managed key of an alias of the caller's account that
// nothing has named yet: as it will be, and without material. It is nil where
// there is no such alias. The call rests on there being none.
func (s *Service) unmade(c *operation.Call, name string) (*Key, error) {
	m, known := managedAliases[name]
	if !known {
		return nil, nil
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	k := &Key{keyRecord: keyRecord{
		Region:      c.Region,
		ID:          s.managedID(c.Account(), c.Region, name),
		Account:     c.Account(),
		Partition:   c.Partition,
		Created:     moment(c),
		Description: "Default key that protects my " + m.protects + " when no other key is defined",
		Spec:        symmetricDefault,
		Usage:       usageEncryptDecrypt,
		Origin:      originKMS,
		State:       stateEnabled,
		Manager:     managerAWS,
		Aliases:     []string{name},
	}}
	k.Rotation = &rotation{Days: managedRotation, Next: k.Created.AddDate(0, 0, managedRotation)}
	k.ARN = k.arn()
	text, err := m.keyPolicy(&k.keyRecord)
	if err != nil {
		return nil, fmt.Errorf("writing the policy of %s: %w", name, err)
	}
	k.unmade = &policyRecord{Region: k.Region, KeyID: k.ID, Account: k.Account, Text: text, Bound: map[string]string{}}
	if k.policy, err = policy.Compile(policy.KeyPolicy, k.ARN, []byte(text), k.unmade.Bound); err != nil {
		return nil, fmt.Errorf("compiling the policy of %s: %w", name, err)
	}
	k.stamp = s.stamp(r, aliasEntity(k.Account, k.Region, name))
	c.RestOn(k.stamp)
	return k, nil
}

// managedRotation is after how many days AWS managed keys are rotated, always.
// https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
const managedRotation = 365

// managedID is the id of an AWS managed key. It follows from the alias, so that
// whoever is refused before the key is made is refused the key that will be.
func (s *Service) managedID(account, region, alias string) string {
	var of []byte
	for _, part := range []string{account, region, alias} {
		of = binary.BigEndian.AppendUint32(of, uint32(len(part)))
		of = append(of, part...)
	}
	b := s.managedIDs.Hash(of)
	b[6] = b[6]&0x0f | 0x80 // version 8 of RFC 9562: for purposes of one's own
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// makeManaged has an AWS managed key made apart from the call that named its
// alias first. The call is then walked again, with the key.
func (s *Service) makeManaged(c *operation.Call, k *Key) error {
	c.Forget() // the key of another alias that the call names
	_, err := operation.Apart(c, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.carryOut(ctx, func(tx store.Txn) (*operation.Event, error) { return s.insertManaged(c, tx, k) })
	})
	return err
}

// insertManaged makes the key and its alias, unless somebody was faster.
func (s *Service) insertManaged(c *operation.Call, tx store.Txn, k *Key) (*operation.Event, error) {
	name := k.Aliases[0]
	_, _, err := aliasTable.Get(c.Context, tx, aliasKey(k.Account, k.Region, name))
	if err == nil {
		return nil, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	rec := k.keyRecord
	m, wrapped, err := s.keyring.Generate(c.Context, rec.binding())
	if err != nil {
		return nil, fmt.Errorf("generating material of key %s: %w", rec.ID, err)
	}
	rec.Material = m.ID()
	rec.Materials = []string{rec.Material}
	if err := insertKey(c, tx, &rec, k.unmade, wrapped); err != nil {
		return nil, fmt.Errorf("storing key %s: %w", rec.ID, err)
	}
	alias := &aliasRecord{Account: rec.Account, Region: rec.Region, Name: name, KeyID: rec.ID, Created: rec.Created, Updated: rec.Created}
	if err := aliasTable.Insert(c.Context, tx, alias); err != nil {
		return nil, fmt.Errorf("storing alias %s: %w", name, err)
	}
	alias.touch(tx)
	return &operation.Event{
		Name:    "CreateKey",
		Time:    c.Time,
		Region:  rec.Region,
		Account: rec.Account,
		Resources: []operation.Resource{
			{Type: keyResource, ARN: k.ARN, Account: rec.Account},
			{Type: aliasResource, ARN: c.ARN("kms", name), Account: rec.Account},
		},
	}, nil
}
