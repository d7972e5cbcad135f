# A round with the AWS CLI: two accounts, a user, a key policy, refusals.
# Each check says what it expected.

cd "$SCRATCH"

as() { # as KEY-ID SECRET COMMAND...: one call with these credentials
	AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	shift 2
	aws --endpoint-url "$AWS_ENDPOINT_URL" --output text "$@"
}
bank() { as 210987654321 test "$@"; }
partner() { as 123456789012 test "$@"; }

fail() { echo "$*" >&2; exit 1; }
equal() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }
refused() { # refused CODE TEXT COMMAND...
	code=$1 text=$2
	shift 2
	if out=$("$@" 2>&1); then fail "not refused: $*"; fi
	case $out in *"($code)"*"$text"*) ;; *) fail "refused with '$out', want $code: $text" ;; esac
}

equal "$(bank sts get-caller-identity --query Arn)" arn:aws:iam::210987654321:root

bank iam create-user --user-name teller >/dev/null
set -- $(bank iam create-access-key --user-name teller --query 'AccessKey.[AccessKeyId,SecretAccessKey]')
teller_id=$1 teller_secret=$2
teller() { as "$teller_id" "$teller_secret" "$@"; }
equal "$(teller sts get-caller-identity --query Arn)" arn:aws:iam::210987654321:user/teller

key=$(bank kms create-key --description ledger --tags TagKey=team,TagValue=ledger --query KeyMetadata.Arn)
bank kms create-alias --alias-name alias/ledger --target-key-id "$key"
equal "$(bank kms list-aliases --query 'Aliases[?!starts_with(AliasName, `alias/aws/`)].AliasName')" alias/ledger
equal "$(bank kms describe-key --key-id alias/aws/s3 --query KeyMetadata.KeyManager)" AWS
equal "$(bank kms list-resource-tags --key-id "$key" --query 'Tags[].TagValue')" ledger
equal "$(bank kms get-key-policy --key-id "$key" --policy-name default --query Policy | grep -c 'Enable IAM User Permissions')" 1

printf 'forty thousand' > plain
refused AccessDeniedException "because no identity-based policy allows the kms:Encrypt action" \
	teller kms encrypt --key-id alias/ledger --plaintext fileb://plain
bank iam put-user-policy --user-name teller --policy-name use --policy-document '{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"], "Resource": "'"$key"'",
                 "Condition": {"StringEquals": {"kms:EncryptionContext:purpose": "ledger", "aws:ResourceTag/team": "ledger"}}}]}'
teller kms encrypt --key-id alias/ledger --plaintext fileb://plain --encryption-context purpose=ledger \
	--query CiphertextBlob | base64 -d > sealed
teller kms decrypt --ciphertext-blob fileb://sealed --encryption-context purpose=ledger --query Plaintext | base64 -d > opened
cmp plain opened
refused InvalidCiphertextException "" teller kms decrypt --key-id "$key" --ciphertext-blob fileb://sealed --encryption-context purpose=ledger,more=x
refused AccessDeniedException "" teller kms decrypt --key-id "$key" --ciphertext-blob fileb://sealed
refused AccessDeniedException "The ciphertext refers to a customer master key that does not exist" \
	partner kms decrypt --ciphertext-blob fileb://sealed --encryption-context purpose=ledger
equal "$(teller kms generate-data-key --key-id "$key" --key-spec AES_256 --encryption-context purpose=ledger --query Plaintext | base64 -d | wc -c)" 32

rsa=$(bank kms create-key --key-spec RSA_2048 --key-usage SIGN_VERIFY --query KeyMetadata.KeyId)
bank kms sign --key-id "$rsa" --message fileb://plain --signing-algorithm RSASSA_PSS_SHA_256 --query Signature | base64 -d > signature
equal "$(bank kms verify --key-id "$rsa" --message fileb://plain --signature fileb://signature --signing-algorithm RSASSA_PSS_SHA_256 --query SignatureValid)" True
refused KMSInvalidSignatureException "" bank kms verify --key-id "$rsa" --message fileb://sealed --signature fileb://signature --signing-algorithm RSASSA_PSS_SHA_256

bank kms disable-key --key-id "$key"
refused DisabledException "$key is disabled." teller kms encrypt --key-id "$key" --plaintext fileb://plain --encryption-context purpose=ledger
bank kms enable-key --key-id "$key"
refused NotFoundException "Alias arn:aws:kms:us-east-1:210987654321:alias/none is not found." bank kms describe-key --key-id alias/none
refused MalformedPolicyDocumentException "The new key policy will not allow you to update the key policy in the future." \
	bank kms put-key-policy --key-id "$key" --policy-name default --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}]}'

bank iam attach-user-policy --user-name teller --policy-arn arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser
teller kms list-aliases >/dev/null
equal "$(bank iam list-attached-user-policies --user-name teller --query 'AttachedPolicies[].PolicyName')" AWSKeyManagementServicePowerUser
refused DeleteConflict "Cannot delete entity, must detach all policies first." bank iam delete-user --user-name teller
bank iam detach-user-policy --user-name teller --policy-arn arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser
refused AccessDeniedException "because no identity-based policy allows the kms:ListAliases action" teller kms list-aliases

bank iam delete-access-key --user-name teller --access-key-id "$teller_id"
refused UnrecognizedClientException "The security token included in the request is invalid." teller kms list-keys
refused DeleteConflict "" bank iam delete-user --user-name teller
bank iam delete-user-policy --user-name teller --policy-name use
bank iam delete-user --user-name teller
refused NoSuchEntity "The user with name teller cannot be found." bank iam get-user --user-name teller
