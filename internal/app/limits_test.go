package app

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// limit is a limit of the public model: on the characters or bytes of a member,
// the elements of a list, or the value of a number.
type limit struct {
	member   string
	min, max int
}

// Limits that several operations share.
var (
	limitKeyID    = limit{"KeyId", 1, 2048}
	limitTarget   = limit{"TargetKeyId", 1, 2048}
	limitAlias    = limit{"AliasName", 1, 256}
	limitTokens   = limit{"GrantTokens", 0, 10}
	limitCipher   = limit{"CiphertextBlob", 1, 6144}
	limitMessage  = limit{"Message", 1, 4096}
	limitBytes    = limit{"NumberOfBytes", 1, 1024}
	limitMaterial = limit{"KeyMaterialId", 64, 64}
	limitPolicy   = limit{"Policy", 1, 131072}
	limitPolName  = limit{"PolicyName", 1, 128}
	limitInline   = limit{"PolicyName", 0, 128}
	limitUser     = limit{"UserName", 0, 128}
	limitGroup    = limit{"GroupName", 0, 128}
	limitRole     = limit{"RoleName", 0, 64}
	limitInlDoc   = limit{"PolicyDocument", 1, 131072}
	limitDescr    = limit{"Description", 0, 1000}
	limitLongest  = limit{"MaxSessionDuration", 3600, 43200}
	limitTagKeys  = limit{"TagKeys", 0, 50}
	limitPolARN   = limit{"PolicyArn", 20, 2048}
	limitKey      = limit{"AccessKeyId", 16, 128}
	limitItems    = limit{"MaxItems", 1, 1000}
	limitPage     = limit{"Marker", 1, 320}
	limitMarker   = limit{"Marker", 1, 1024}
	limitStore    = limit{"CustomKeyStoreId", 1, 64}
	limitsService = []limit{{"UserName", 0, 64}, {"ServiceSpecificCredentialId", 20, 128}}
	limitsStore   = []limit{
		{"CloudHsmClusterId", 19, 24}, {"KeyStorePassword", 7, 32}, {"XksProxyUriEndpoint", 10, 128}, {"XksProxyUriPath", 10, 128},
		{"XksProxyVpcEndpointServiceName", 20, 64}, {"XksProxyVpcEndpointServiceOwner", 12, 12},
	}
)

// limits has the limits of every operation; an operation without any stands
// there too. Empty names of IAM are refused by their pattern, in IAM's words.
var limits = map[string][]limit{
	"kms:CancelKeyDeletion":     {limitKeyID},
	"kms:ConnectCustomKeyStore": {limitStore},
	"kms:CreateAlias":           {limitAlias, limitTarget},
	"kms:CreateCustomKeyStore":  append([]limit{{"CustomKeyStoreName", 1, 256}, {"TrustAnchorCertificate", 1, 5000}}, limitsStore...),
	"kms:CreateGrant": {
		limitKeyID, limitTokens, {"Name", 1, 256}, {"GranteePrincipal", 1, 256}, {"RetiringPrincipal", 1, 256},
		{"GranteeServicePrincipal", 1, 128}, {"RetiringServicePrincipal", 1, 128},
	},
	"kms:CreateKey":                           {limitPolicy, {"Description", 0, 8192}, {"CustomKeyStoreId", 1, 64}, {"XksKeyId", 1, 128}},
	"kms:Decapsulate":                         {limitKeyID, {"SharedSecretCiphertextBlob", 1, 6144}, limitTokens},
	"kms:Decrypt":                             {limitCipher, limitTokens, limitKeyID},
	"kms:DeleteAlias":                         {limitAlias},
	"kms:DeleteCustomKeyStore":                {limitStore},
	"kms:DeleteImportedKeyMaterial":           {limitKeyID, limitMaterial},
	"kms:DeriveSharedSecret":                  {limitKeyID, {"PublicKey", 1, 8192}, limitTokens},
	"kms:DescribeCustomKeyStores":             {limitStore, limitMarker, {"CustomKeyStoreName", 1, 256}, {"Limit", 1, 1000}},
	"kms:DescribeKey":                         {limitKeyID, limitTokens},
	"kms:DisableKey":                          {limitKeyID},
	"kms:DisableKeyRotation":                  {limitKeyID},
	"kms:DisconnectCustomKeyStore":            {limitStore},
	"kms:EnableKey":                           {limitKeyID},
	"kms:EnableKeyRotation":                   {limitKeyID, {"RotationPeriodInDays", 90, 2560}},
	"kms:Encapsulate":                         {limitKeyID, limitTokens},
	"kms:Encrypt":                             {limitKeyID, {"Plaintext", 1, 4096}, limitTokens},
	"kms:GenerateDataKey":                     {limitKeyID, limitBytes, limitTokens},
	"kms:GenerateDataKeyPair":                 {limitKeyID, limitTokens},
	"kms:GenerateDataKeyPairWithoutPlaintext": {limitKeyID, limitTokens},
	"kms:GenerateDataKeyWithoutPlaintext":     {limitKeyID, limitBytes, limitTokens},
	"kms:GenerateMac":                         {limitMessage, limitKeyID, limitTokens},
	"kms:GenerateRandom":                      {limitBytes, {"CustomKeyStoreId", 1, 64}},
	"kms:GetKeyLastUsage":                     {limitKeyID},
	"kms:GetKeyPolicy":                        {limitKeyID, limitPolName},
	"kms:GetKeyRotationStatus":                {limitKeyID},
	"kms:GetParametersForImport":              {limitKeyID},
	"kms:GetPublicKey":                        {limitKeyID, limitTokens},
	"kms:ImportKeyMaterial": {
		limitKeyID, {"ImportToken", 1, 6144}, {"EncryptedKeyMaterial", 1, 6144}, {"KeyMaterialDescription", 0, 256}, limitMaterial,
	},
	"kms:ListAliases":          {limitKeyID, limitMarker, {"Limit", 1, 100}},
	"kms:ListGrants":           {limitKeyID, limitMarker, {"Limit", 1, 100}, {"GrantId", 1, 128}, {"GranteePrincipal", 1, 256}, {"GranteeServicePrincipal", 1, 128}},
	"kms:ListKeyPolicies":      {limitKeyID, limitMarker, {"Limit", 1, 1000}},
	"kms:ListKeyRotations":     {limitKeyID, limitMarker, {"Limit", 1, 1000}},
	"kms:ListKeys":             {limitMarker, {"Limit", 1, 1000}},
	"kms:ListResourceTags":     {limitKeyID, limitMarker, {"Limit", 1, 50}},
	"kms:ListRetirableGrants":  {limitMarker, {"Limit", 1, 100}, {"RetiringPrincipal", 1, 256}, {"RetiringServicePrincipal", 1, 128}},
	"kms:PutKeyPolicy":         {limitKeyID, limitPolName, limitPolicy},
	"kms:ReEncrypt":            {limitCipher, {"SourceKeyId", 1, 2048}, {"DestinationKeyId", 1, 2048}, limitTokens},
	"kms:ReplicateKey":         {limitKeyID, {"ReplicaRegion", 1, 32}, limitPolicy, {"Description", 0, 8192}},
	"kms:RetireGrant":          {limitKeyID, {"GrantToken", 1, 8192}, {"GrantId", 1, 128}},
	"kms:RevokeGrant":          {limitKeyID, {"GrantId", 1, 128}},
	"kms:RotateKeyOnDemand":    {limitKeyID},
	"kms:ScheduleKeyDeletion":  {limitKeyID, {"PendingWindowInDays", 1, 365}},
	"kms:Sign":                 {limitKeyID, limitMessage, limitTokens},
	"kms:TagResource":          {limitKeyID},
	"kms:UntagResource":        {limitKeyID},
	"kms:UpdateAlias":          {limitAlias, limitTarget},
	"kms:UpdateCustomKeyStore": append([]limit{limitStore, {"NewCustomKeyStoreName", 1, 256}}, limitsStore...),
	"kms:UpdateKeyDescription": {limitKeyID, {"Description", 0, 8192}},
	"kms:UpdatePrimaryRegion":  {limitKeyID, {"PrimaryRegion", 1, 32}},
	"kms:Verify":               {limitKeyID, limitMessage, {"Signature", 1, 6144}, limitTokens},
	"kms:VerifyMac":            {limitMessage, limitKeyID, {"Mac", 1, 6144}, limitTokens},

	"iam:AttachRolePolicy":        {limitRole, limitPolARN},
	"iam:AttachUserPolicy":        {{"UserName", 0, 64}, limitPolARN},
	"iam:CreatePolicy":            {limitInline, {"Path", 0, 512}, limitInlDoc, limitDescr},
	"iam:CreatePolicyVersion":     {limitPolARN, limitInlDoc},
	"iam:DeletePolicy":            {limitPolARN},
	"iam:DeletePolicyVersion":     {limitPolARN},
	"iam:DetachRolePolicy":        {limitRole, limitPolARN},
	"iam:DetachUserPolicy":        {{"UserName", 0, 64}, limitPolARN},
	"iam:GetPolicy":               {limitPolARN},
	"iam:GetPolicyVersion":        {limitPolARN},
	"iam:ListPolicies":            {{"PathPrefix", 0, 512}, limitItems, limitPage},
	"iam:ListPolicyTags":          {limitPolARN, limitItems, limitPage},
	"iam:ListPolicyVersions":      {limitPolARN, limitItems, limitPage},
	"iam:SetDefaultPolicyVersion": {limitPolARN},
	"iam:TagPolicy":               {limitPolARN},
	"iam:UntagPolicy":             {limitPolARN, limitTagKeys},

	"iam:GetContextKeysForCustomPolicy":    {},
	"iam:GetContextKeysForPrincipalPolicy": {limitSource},
	"iam:SimulateCustomPolicy":             limitsSimulation,
	"iam:SimulatePrincipalPolicy":          append([]limit{limitSource}, limitsSimulation...),
	"iam:DeleteRolePermissionsBoundary":    {limitRole},
	"iam:DeleteUserPermissionsBoundary":    {{"UserName", 0, 64}},
	"iam:PutRolePermissionsBoundary":       {limitRole, {"PermissionsBoundary", 20, 2048}},
	"iam:PutUserPermissionsBoundary":       {{"UserName", 0, 64}, {"PermissionsBoundary", 20, 2048}},

	"iam:ListPoliciesGrantingServiceAccess": {{"Arn", 20, 2048}, {"ServiceNamespaces", 1, 200}, limitPage},
	"iam:GetAccountAuthorizationDetails":    {limitItems, limitPage},
	"iam:ListEntitiesForPolicy":             {limitPolARN, {"PathPrefix", 0, 512}, limitItems, limitPage},

	"iam:AddUserToGroup":            {limitGroup, limitUser},
	"iam:AttachGroupPolicy":         {limitGroup, limitPolARN},
	"iam:CreateGroup":               {limitGroup, {"Path", 0, 512}},
	"iam:DeleteGroup":               {limitGroup},
	"iam:DeleteGroupPolicy":         {limitGroup, limitInline},
	"iam:DetachGroupPolicy":         {limitGroup, limitPolARN},
	"iam:GetGroup":                  {limitGroup, limitItems, limitPage},
	"iam:GetGroupPolicy":            {limitGroup, limitInline},
	"iam:ListAttachedGroupPolicies": {limitGroup, {"PathPrefix", 0, 512}, limitItems, limitPage},
	"iam:ListGroupPolicies":         {limitGroup, limitItems, limitPage},
	"iam:ListGroups":                {{"PathPrefix", 0, 512}, limitItems, limitPage},
	"iam:PutGroupPolicy":            {limitGroup, limitInline, limitInlDoc},
	"iam:RemoveUserFromGroup":       {limitGroup, limitUser},
	"iam:UpdateGroup":               {limitGroup, {"NewPath", 0, 512}, {"NewGroupName", 0, 128}},
	"iam:UpdateUser":                {limitUser, {"NewPath", 0, 512}, {"NewUserName", 0, 64}},

	"iam:CreateServiceSpecificCredential": {{"UserName", 0, 64}, {"CredentialAgeDays", 1, 36600}},
	"iam:DeleteServiceSpecificCredential": limitsService,
	"iam:ListServiceSpecificCredentials":  {{"UserName", 0, 64}, limitItems, limitPage},
	"iam:ResetServiceSpecificCredential":  limitsService,
	"iam:UpdateServiceSpecificCredential": limitsService,

	"iam:CreateAccessKey":  {limitUser},
	"iam:CreateUser":       {{"UserName", 0, 64}, {"Path", 0, 512}, {"PermissionsBoundary", 20, 2048}},
	"iam:DeleteAccessKey":  {limitUser, limitKey},
	"iam:DeleteUser":       {limitUser},
	"iam:DeleteUserPolicy": {limitUser, limitInline},
	"iam:GetUser":          {limitUser},
	"iam:GetUserPolicy":    {limitUser, limitInline},
	"iam:ListAccessKeys":   {limitUser, limitItems, limitPage},
	"iam:ListUserPolicies": {limitUser, limitItems, limitPage},
	"iam:ListUsers":        {{"PathPrefix", 0, 512}, limitItems, limitPage},
	"iam:PutUserPolicy":    {limitUser, limitInline, limitInlDoc},
	"iam:UpdateAccessKey":  {limitUser, limitKey},

	"iam:CreateRole":                  {limitRole, {"Path", 0, 512}, {"AssumeRolePolicyDocument", 1, 131072}, limitDescr, limitLongest, {"PermissionsBoundary", 20, 2048}},
	"iam:DeleteRole":                  {limitRole},
	"iam:DeleteRolePolicy":            {limitRole, limitInline},
	"iam:GetRole":                     {limitRole},
	"iam:GetRolePolicy":               {limitRole, limitInline},
	"iam:ListAttachedRolePolicies":    {limitRole, {"PathPrefix", 0, 512}, limitItems, limitPage},
	"iam:ListAttachedUserPolicies":    {{"UserName", 0, 64}, {"PathPrefix", 0, 512}, limitItems, limitPage},
	"iam:ListGroupsForUser":           {limitUser, limitItems, limitPage},
	"iam:ListInstanceProfilesForRole": {limitRole, limitItems, limitPage},
	"iam:ListRolePolicies":            {limitRole, limitItems, limitPage},
	"iam:ListRoles":                   {{"PathPrefix", 0, 512}, limitItems, limitPage},
	"iam:ListRoleTags":                {limitRole, limitItems, limitPage},
	"iam:ListUserTags":                {limitUser, limitItems, limitPage},
	"iam:PutRolePolicy":               {limitRole, limitInline, limitInlDoc},
	"iam:TagRole":                     {limitRole},
	"iam:TagUser":                     {limitUser},
	"iam:UntagRole":                   {limitRole, limitTagKeys},
	"iam:UntagUser":                   {limitUser, limitTagKeys},
	"iam:UpdateAssumeRolePolicy":      {limitRole, limitInlDoc},
	"iam:UpdateRole":                  {limitRole, limitDescr, limitLongest},
	"iam:UpdateRoleDescription":       {limitRole, limitDescr},

	// Members of the proxy interface are told apart by what they are for: what is
	// too long is not supported, or does not open.
	"kms-xks-proxy:Decrypt":         {},
	"kms-xks-proxy:Encrypt":         {},
	"kms-xks-proxy:GetHealthStatus": {},
	"kms-xks-proxy:GetKeyMetadata":  {},

	"sts:AssumeRole": {
		{"RoleArn", 20, 2048}, {"RoleSessionName", 2, 64}, {"Policy", 1, 2048}, {"DurationSeconds", 900, 43200}, {"TransitiveTagKeys", 0, 50},
		{"ExternalId", 2, 1224}, {"SerialNumber", 9, 256}, {"TokenCode", 6, 6}, {"SourceIdentity", 2, 64},
		{"MinimumSessionTokenSize", 0, 4096},
	},
	"sts:CreateForwardAccessSession": {
		{"Method", 1, 16}, {"Uri", 1, 8192}, {"BodySha256", 64, 64}, {"DurationSeconds", 1, 300}, {"SourceIp", 2, 45}, {"PassRoleArn", 20, 2048},
	},
	"sts:DecodeAuthorizationMessage": {{"EncodedMessage", 1, 10240}},
	"sts:GetAccessKeyInfo":           {{"AccessKeyId", 16, 128}},
	"sts:GetCallerIdentity":          {},
	"sts:GetFederationToken": {
		{"Name", 2, 32}, {"Policy", 1, 2048}, {"DurationSeconds", 900, 129600}, {"MinimumSessionTokenSize", 0, 4096},
	},
	"sts:GetSessionToken": {{"DurationSeconds", 900, 129600}, {"SerialNumber", 9, 256}, {"TokenCode", 6, 6}, {"MinimumSessionTokenSize", 0, 4096}},
}

// limitSource and limitsSimulation are of what is simulated; the limits of the
// elements of lists are tested where the operations are.
var (
	limitSource      = limit{"PolicySourceArn", 20, 2048}
	limitsSimulation = []limit{
		{"ResourcePolicy", 1, 131072}, {"ResourceOwner", 1, 2048}, {"CallerArn", 1, 2048}, {"ResourceHandlingOption", 1, 64}, limitItems, limitPage,
	}
)

// TestLimits: each limit of the model, one below, on, and one above.
func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, e := range w.entrances {
		list, ok := limits[name]
		if !ok {
			t.Errorf("%s has no limits", name)
		}
		for _, l := range list {
			for _, n := range []int{l.min - 1, l.min, l.max, l.max + 1} {
				if n < 0 {
					continue
				}
				refused := refusesLimit(t, &e.Operation, l.member, n)
				if want := n < l.min || n > l.max; refused != want {
					t.Errorf("%s of %s with %d (limits %d and %d): refused is %v", l.member, name, n, l.min, l.max, refused)
				}
			}
		}
	}
}

// refusesLimit reports whether an input is refused because a member has the
// length or the value n. Whatever else may be wrong with it does not count.
func refusesLimit(t *testing.T, op *operation.Operation, member string, n int) bool {
	t.Helper()
	in := op.NewIn()
	field := fieldOf(reflect.ValueOf(in).Elem(), member)
	if !field.IsValid() {
		t.Fatalf("%s has no member %s", op.Name, member)
	}
	kind := "length"
	switch v := field.Addr().Interface().(type) {
	case *optional.Of[string]:
		*v = optional.Some(strings.Repeat("a", n))
	case *optional.Of[int]:
		*v, kind = optional.Some(n), "value"
	case *confidential.Bytes:
		*v = confidential.New(make([]byte, n))
	case *[]byte:
		*v = make([]byte, n)
	case *[]string:
		*v = make([]string, n)
		for i := range *v {
			(*v)[i] = "a"
		}
	default:
		t.Fatalf("%s of %s has the type %s", member, op.Name, field.Type())
	}
	err := op.Validate(in)
	if err == nil {
		return false
	}
	for _, text := range []string{"longer than allowed", "shorter than allowed", "larger value than allowed", "smaller value than allowed"} {
		if fault.Is(err, "InvalidInputException") && strings.Contains(err.Error(), text) {
			return true // Organizations does not say of which member
		}
	}
	path := strings.ToLower(member[:1]) + member[1:]
	return strings.Contains(err.Error(), fmt.Sprintf("at '%s' failed to satisfy constraint: Member must have %s ", path, kind))
}

// fieldOf finds a member by its name on the wire.
func fieldOf(v reflect.Value, member string) reflect.Value {
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("aws"), ",")
		if name == member {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}
