package app

import (
	"encoding/base32"
	"maps"
	"strings"

	"claviger/internal/ground/totp"
	"claviger/internal/kernel/authz"
	"claviger/internal/service/iam"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/optional"
)

// Samples and limits of what belongs to users, roles and accounts beside their policies.
func init() {
	maps.Copy(samples, identitySamples)
	maps.Copy(limits, identityLimits)
	authors["iam:ChangePassword"] = func(w *world) *authz.Credential {
		name := w.fresh("changer")
		user := w.userWith(name, `"iam:ChangePassword"`)
		w.must(w.caller(owner), "iam:CreateLoginProfile", &iam.CreateLoginProfileInput{UserName: optional.Some(name), Password: secretText(samplePassword)})
		return user
	}
}

// mfaDevice makes a virtual MFA device, and returns its seed.
func (w *world) mfaDevice() (serial optional.Of[string], seed []byte) {
	out := w.must(w.caller(owner), "iam:CreateVirtualMFADevice", &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: optional.Some(w.fresh("sample"))})
	device := out.(*iam.CreateVirtualMFADeviceOutput).VirtualMFADevice
	seed, err := base32.StdEncoding.DecodeString(string(device.Base32StringSeed.Reveal(reveal.Token{})))
	if err != nil {
		w.t.Fatal(err)
	}
	return optional.Some(device.SerialNumber), seed
}

// codeOf is the code of a device some time steps from now.
func (w *world) codeOf(seed []byte, steps int64) confidential.Bytes {
	return codeAt(seed, totp.Step(w.server.now())+steps)
}

// codesOf are a code of a device some time steps from now, and the next one.
func (w *world) codesOf(seed []byte, steps int64) (first, second confidential.Bytes) {
	step := totp.Step(w.server.now()) + steps
	return codeAt(seed, step), codeAt(seed, step+1)
}

func codeAt(seed []byte, step int64) confidential.Bytes {
	code := totp.Code(seed, step)
	return confidential.New(code[:])
}

// mfaUser makes a user with an enabled device.
func (w *world) mfaUser() (user, serial optional.Of[string], seed []byte) {
	user = w.user()
	serial, seed = w.mfaDevice()
	first, second := w.codesOf(seed, -3)
	w.must(w.caller(owner), "iam:EnableMFADevice", &iam.EnableMFADeviceInput{
		UserName: user, SerialNumber: serial, AuthenticationCode1: first, AuthenticationCode2: second,
	})
	return user, serial, seed
}

func (w *world) serialOnly() optional.Of[string] {
	serial, _ := w.mfaDevice()
	return serial
}

// profile makes an instance profile, with a role where one is named.
func (w *world) profile(role optional.Of[string]) optional.Of[string] {
	name := optional.Some(w.fresh("sample"))
	w.must(w.caller(owner), "iam:CreateInstanceProfile", &iam.CreateInstanceProfileInput{InstanceProfileName: name})
	if role.Set {
		w.must(w.caller(owner), "iam:AddRoleToInstanceProfile", &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: role})
	}
	return name
}

func (w *world) emptyProfile() optional.Of[string] { return w.profile(optional.Of[string]{}) }

const samplePassword = "Canary-in-a-coal-mine-1"

// loginUser makes a user with a password.
func (w *world) loginUser() optional.Of[string] {
	user := w.user()
	w.must(w.caller(owner), "iam:CreateLoginProfile", &iam.CreateLoginProfileInput{UserName: user, Password: secretText(samplePassword)})
	return user
}

func secretText(s string) confidential.Bytes { return confidential.New([]byte(s)) }

// linkedRole makes the role of a service that can have several.
func (w *world) linkedRole() optional.Of[string] {
	out := w.must(w.caller(owner), "iam:CreateServiceLinkedRole", &iam.CreateServiceLinkedRoleInput{
		AWSServiceName: optional.Some("autoscaling.amazonaws.com"), CustomSuffix: optional.Some(w.fresh("sample")),
	})
	return optional.Some(out.(*iam.CreateServiceLinkedRoleOutput).Role.RoleName)
}

func (w *world) oidcProvider() optional.Of[string] {
	out := w.must(w.caller(owner), "iam:CreateOpenIDConnectProvider", &iam.CreateOpenIDConnectProviderInput{
		URL: optional.Some("https://" + w.fresh("sample") + ".example.com"), ClientIDList: []string{"sample"}, Tags: identityTags(),
	})
	return optional.Some(out.(*iam.CreateOpenIDConnectProviderOutput).OpenIDConnectProviderARN)
}

func (w *world) samlProvider() optional.Of[string] {
	out := w.must(w.caller(owner), "iam:CreateSAMLProvider", &iam.CreateSAMLProviderInput{
		Name: optional.Some(w.fresh("sample")), SAMLMetadataDocument: optional.Some(sampleMetadata), Tags: identityTags(),
	})
	return optional.Some(out.(*iam.CreateSAMLProviderOutput).SAMLProviderARN)
}

var sampleMetadata = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">
<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` + strings.Repeat("MIIC", 200) + `</X509Certificate></X509Data></KeyInfo>
</KeyDescriptor></IDPSSODescriptor></EntityDescriptor>`

// accountAlias gives the owner's account an alias.
func (w *world) accountAlias() optional.Of[string] {
	alias := optional.Some(w.fresh("sample"))
	w.must(w.caller(owner), "iam:CreateAccountAlias", &iam.CreateAccountAliasInput{AccountAlias: alias})
	return alias
}

var identitySamples = map[string]func(w *world) any{
	"iam:GenerateCredentialReport": func(w *world) any { return &iam.GenerateCredentialReportInput{} },
	"iam:GetCredentialReport": func(w *world) any {
		w.must(w.caller(owner), "iam:GenerateCredentialReport", &iam.GenerateCredentialReportInput{})
		return &iam.GetCredentialReportInput{}
	},
	"iam:GetAccessKeyLastUsed": func(w *world) any {
		_, id := w.accessKey()
		return &iam.GetAccessKeyLastUsedInput{AccessKeyID: id}
	},
	"iam:CreateAccountAlias": func(*world) any { return &iam.CreateAccountAliasInput{AccountAlias: optional.Some("new")} },
	"iam:DeleteAccountAlias": func(w *world) any { return &iam.DeleteAccountAliasInput{AccountAlias: w.accountAlias()} },
	"iam:GetAccountSummary":  func(*world) any { return &iam.GetAccountSummaryInput{} },
	"iam:ListAccountAliases": func(w *world) any {
		w.accountAlias()
		return &iam.ListAccountAliasesInput{}
	},
	"iam:ListServerCertificates":  func(*world) any { return &iam.ListServerCertificatesInput{} },
	"iam:ListSigningCertificates": func(w *world) any { return &iam.ListSigningCertificatesInput{UserName: w.user()} },
	"iam:ListSSHPublicKeys":       func(w *world) any { return &iam.ListSSHPublicKeysInput{UserName: w.user()} },

	"iam:AddClientIDToOpenIDConnectProvider": func(w *world) any {
		return &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderARN: w.oidcProvider(), ClientID: optional.Some("new")}
	},
	"iam:CreateOpenIDConnectProvider": func(*world) any {
		return &iam.CreateOpenIDConnectProviderInput{URL: optional.Some("https://new.example.com"), ThumbprintList: []string{strings.Repeat("a", 40)}}
	},
	"iam:CreateSAMLProvider": func(*world) any {
		return &iam.CreateSAMLProviderInput{Name: optional.Some("new"), SAMLMetadataDocument: optional.Some(sampleMetadata)}
	},
	"iam:DeleteOpenIDConnectProvider": func(w *world) any {
		return &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderARN: w.oidcProvider()}
	},
	"iam:DeleteSAMLProvider": func(w *world) any { return &iam.DeleteSAMLProviderInput{SAMLProviderARN: w.samlProvider()} },
	"iam:GetOpenIDConnectProvider": func(w *world) any {
		return &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderARN: w.oidcProvider()}
	},
	"iam:GetSAMLProvider":            func(w *world) any { return &iam.GetSAMLProviderInput{SAMLProviderARN: w.samlProvider()} },
	"iam:ListOpenIDConnectProviders": func(*world) any { return &iam.ListOpenIDConnectProvidersInput{} },
	"iam:ListOpenIDConnectProviderTags": func(w *world) any {
		return &iam.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderARN: w.oidcProvider()}
	},
	"iam:ListSAMLProviders":    func(*world) any { return &iam.ListSAMLProvidersInput{} },
	"iam:ListSAMLProviderTags": func(w *world) any { return &iam.ListSAMLProviderTagsInput{SAMLProviderARN: w.samlProvider()} },
	"iam:RemoveClientIDFromOpenIDConnectProvider": func(w *world) any {
		return &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderARN: w.oidcProvider(), ClientID: optional.Some("sample")}
	},
	"iam:TagOpenIDConnectProvider": func(w *world) any {
		return &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderARN: w.oidcProvider(), Tags: identityTags()}
	},
	"iam:TagSAMLProvider": func(w *world) any {
		return &iam.TagSAMLProviderInput{SAMLProviderARN: w.samlProvider(), Tags: identityTags()}
	},
	"iam:UntagOpenIDConnectProvider": func(w *world) any {
		return &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderARN: w.oidcProvider(), TagKeys: []string{"team"}}
	},
	"iam:UntagSAMLProvider": func(w *world) any {
		return &iam.UntagSAMLProviderInput{SAMLProviderARN: w.samlProvider(), TagKeys: []string{"team"}}
	},
	"iam:UpdateOpenIDConnectProviderThumbprint": func(w *world) any {
		return &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderARN: w.oidcProvider(), ThumbprintList: []string{strings.Repeat("b", 40)}}
	},
	"iam:UpdateSAMLProvider": func(w *world) any {
		return &iam.UpdateSAMLProviderInput{SAMLProviderARN: w.samlProvider(), SAMLMetadataDocument: optional.Some(sampleMetadata)}
	},

	"iam:CreateServiceLinkedRole": func(*world) any {
		return &iam.CreateServiceLinkedRoleInput{AWSServiceName: optional.Some("mrk.kms.amazonaws.com")}
	},
	"iam:DeleteServiceLinkedRole": func(w *world) any { return &iam.DeleteServiceLinkedRoleInput{RoleName: w.linkedRole()} },
	"iam:GetServiceLinkedRoleDeletionStatus": func(w *world) any {
		out := w.must(w.caller(owner), "iam:DeleteServiceLinkedRole", &iam.DeleteServiceLinkedRoleInput{RoleName: w.linkedRole()})
		return &iam.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskID: optional.Some(out.(*iam.DeleteServiceLinkedRoleOutput).DeletionTaskID)}
	},

	"iam:ChangePassword": func(w *world) any {
		return &iam.ChangePasswordInput{OldPassword: secretText(samplePassword), NewPassword: secretText("Canary-in-a-coal-mine-2")}
	},
	"iam:CreateLoginProfile": func(w *world) any {
		return &iam.CreateLoginProfileInput{UserName: w.user(), Password: secretText(samplePassword), PasswordResetRequired: optional.Some(true)}
	},
	"iam:DeleteAccountPasswordPolicy": func(w *world) any {
		w.must(w.caller(owner), "iam:UpdateAccountPasswordPolicy", &iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: optional.Some(8)})
		return &iam.DeleteAccountPasswordPolicyInput{}
	},
	"iam:DeleteLoginProfile": func(w *world) any { return &iam.DeleteLoginProfileInput{UserName: w.loginUser()} },
	"iam:GetAccountPasswordPolicy": func(w *world) any {
		w.must(w.caller(owner), "iam:UpdateAccountPasswordPolicy", &iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: optional.Some(8)})
		return &iam.GetAccountPasswordPolicyInput{}
	},
	"iam:GetLoginProfile": func(w *world) any { return &iam.GetLoginProfileInput{UserName: w.loginUser()} },
	"iam:UpdateAccountPasswordPolicy": func(*world) any {
		return &iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: optional.Some(8), PasswordReusePrevention: optional.Some(2)}
	},
	"iam:UpdateLoginProfile": func(w *world) any {
		return &iam.UpdateLoginProfileInput{UserName: w.loginUser(), Password: secretText("Canary-in-a-coal-mine-2")}
	},

	"iam:AddRoleToInstanceProfile": func(w *world) any {
		return &iam.AddRoleToInstanceProfileInput{InstanceProfileName: w.emptyProfile(), RoleName: w.bareRole()}
	},
	"iam:CreateInstanceProfile": func(*world) any {
		return &iam.CreateInstanceProfileInput{InstanceProfileName: optional.Some("new"), Tags: identityTags()}
	},
	"iam:DeleteInstanceProfile": func(w *world) any { return &iam.DeleteInstanceProfileInput{InstanceProfileName: w.emptyProfile()} },
	"iam:GetInstanceProfile": func(w *world) any {
		return &iam.GetInstanceProfileInput{InstanceProfileName: w.profile(w.bareRole())}
	},
	"iam:ListInstanceProfiles": func(w *world) any {
		w.profile(w.bareRole())
		return &iam.ListInstanceProfilesInput{}
	},
	"iam:ListInstanceProfileTags": func(w *world) any { return &iam.ListInstanceProfileTagsInput{InstanceProfileName: w.emptyProfile()} },
	"iam:RemoveRoleFromInstanceProfile": func(w *world) any {
		role := w.bareRole()
		return &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: w.profile(role), RoleName: role}
	},
	"iam:TagInstanceProfile": func(w *world) any {
		return &iam.TagInstanceProfileInput{InstanceProfileName: w.emptyProfile(), Tags: identityTags()}
	},
	"iam:UntagInstanceProfile": func(w *world) any {
		name := w.emptyProfile()
		w.must(w.caller(owner), "iam:TagInstanceProfile", &iam.TagInstanceProfileInput{InstanceProfileName: name, Tags: identityTags()})
		return &iam.UntagInstanceProfileInput{InstanceProfileName: name, TagKeys: []string{"team"}}
	},

	"iam:CreateVirtualMFADevice": func(*world) any {
		return &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: optional.Some("new"), Tags: identityTags()}
	},
	"iam:DeactivateMFADevice": func(w *world) any {
		user, serial, _ := w.mfaUser()
		return &iam.DeactivateMFADeviceInput{UserName: user, SerialNumber: serial}
	},
	"iam:DeleteVirtualMFADevice": func(w *world) any { return &iam.DeleteVirtualMFADeviceInput{SerialNumber: w.serialOnly()} },
	"iam:EnableMFADevice": func(w *world) any {
		serial, seed := w.mfaDevice()
		first, second := w.codesOf(seed, -1)
		return &iam.EnableMFADeviceInput{UserName: w.user(), SerialNumber: serial, AuthenticationCode1: first, AuthenticationCode2: second}
	},
	"iam:GetMFADevice": func(w *world) any {
		user, serial, _ := w.mfaUser()
		return &iam.GetMFADeviceInput{UserName: user, SerialNumber: serial}
	},
	"iam:ListMFADevices": func(w *world) any {
		user, _, _ := w.mfaUser()
		return &iam.ListMFADevicesInput{UserName: user}
	},
	"iam:ListMFADeviceTags": func(w *world) any { return &iam.ListMFADeviceTagsInput{SerialNumber: w.serialOnly()} },
	"iam:ListVirtualMFADevices": func(w *world) any {
		w.mfaUser()
		return &iam.ListVirtualMFADevicesInput{}
	},
	"iam:ResyncMFADevice": func(w *world) any {
		user, serial, seed := w.mfaUser()
		first, second := w.codesOf(seed, -1)
		return &iam.ResyncMFADeviceInput{UserName: user, SerialNumber: serial, AuthenticationCode1: first, AuthenticationCode2: second}
	},
	"iam:TagMFADevice": func(w *world) any {
		return &iam.TagMFADeviceInput{SerialNumber: w.serialOnly(), Tags: identityTags()}
	},
	"iam:UntagMFADevice": func(w *world) any {
		serial := w.serialOnly()
		w.must(w.caller(owner), "iam:TagMFADevice", &iam.TagMFADeviceInput{SerialNumber: serial, Tags: identityTags()})
		return &iam.UntagMFADeviceInput{SerialNumber: serial, TagKeys: []string{"team"}}
	},
}

var (
	limitSerial  = limit{"SerialNumber", 9, 256}
	limitOIDC    = limit{"OpenIDConnectProviderArn", 20, 2048}
	limitSAML    = limit{"SAMLProviderArn", 20, 2048}
	limitProfile = limit{"InstanceProfileName", 0, 128}
	limitPath    = limit{"Path", 0, 512}
	limitCode1   = limit{"AuthenticationCode1", 6, 6}
	limitCode2   = limit{"AuthenticationCode2", 6, 6}
)

var identityLimits = map[string][]limit{
	"iam:GenerateCredentialReport": {},
	"iam:GetCredentialReport":      {},
	"iam:GetAccessKeyLastUsed":     {limitKey},
	"iam:CreateAccountAlias":       {{"AccountAlias", 3, 63}},
	"iam:DeleteAccountAlias":       {{"AccountAlias", 3, 63}},
	"iam:GetAccountSummary":        {},
	"iam:ListAccountAliases":       {limitItems, limitPage},
	"iam:ListServerCertificates":   {{"PathPrefix", 0, 512}, limitItems, limitPage},
	"iam:ListSigningCertificates":  {limitUser, limitItems, limitPage},
	"iam:ListSSHPublicKeys":        {{"UserName", 0, 64}, limitItems, limitPage},

	"iam:AddClientIDToOpenIDConnectProvider":      {limitOIDC, {"ClientID", 1, 255}},
	"iam:CreateOpenIDConnectProvider":             {{"Url", 1, 255}},
	"iam:CreateSAMLProvider":                      {{"SAMLMetadataDocument", 1000, 10_000_000}, {"Name", 1, 128}, {"AddPrivateKey", 1, 16384}},
	"iam:DeleteOpenIDConnectProvider":             {limitOIDC},
	"iam:DeleteSAMLProvider":                      {limitSAML},
	"iam:GetOpenIDConnectProvider":                {limitOIDC},
	"iam:GetSAMLProvider":                         {limitSAML},
	"iam:ListOpenIDConnectProviders":              {},
	"iam:ListOpenIDConnectProviderTags":           {limitOIDC, limitItems, limitPage},
	"iam:ListSAMLProviders":                       {},
	"iam:ListSAMLProviderTags":                    {limitSAML, limitItems, limitPage},
	"iam:RemoveClientIDFromOpenIDConnectProvider": {limitOIDC, {"ClientID", 1, 255}},
	"iam:TagOpenIDConnectProvider":                {limitOIDC},
	"iam:TagSAMLProvider":                         {limitSAML},
	"iam:UntagOpenIDConnectProvider":              {limitOIDC, limitTagKeys},
	"iam:UntagSAMLProvider":                       {limitSAML, limitTagKeys},
	"iam:UpdateOpenIDConnectProviderThumbprint":   {limitOIDC},
	"iam:UpdateSAMLProvider":                      {limitSAML, {"SAMLMetadataDocument", 1000, 10_000_000}, {"AddPrivateKey", 1, 16384}},

	"iam:CreateServiceLinkedRole":            {{"AWSServiceName", 0, 128}, {"CustomSuffix", 0, 64}, limitDescr},
	"iam:DeleteServiceLinkedRole":            {limitRole},
	"iam:GetServiceLinkedRoleDeletionStatus": {{"DeletionTaskId", 1, 1000}},

	"iam:ChangePassword":              {{"OldPassword", 1, 128}, {"NewPassword", 1, 128}},
	"iam:CreateLoginProfile":          {{"UserName", 0, 64}, {"Password", 1, 128}},
	"iam:DeleteAccountPasswordPolicy": {},
	"iam:DeleteLoginProfile":          {{"UserName", 0, 64}},
	"iam:GetAccountPasswordPolicy":    {},
	"iam:GetLoginProfile":             {{"UserName", 0, 64}},
	"iam:UpdateAccountPasswordPolicy": {{"MinimumPasswordLength", 6, 128}, {"MaxPasswordAge", 1, 1095}, {"PasswordReusePrevention", 1, 24}},
	"iam:UpdateLoginProfile":          {{"UserName", 0, 64}, {"Password", 1, 128}},

	"iam:AddRoleToInstanceProfile":      {limitProfile, limitRole},
	"iam:CreateInstanceProfile":         {limitProfile, limitPath},
	"iam:DeleteInstanceProfile":         {limitProfile},
	"iam:GetInstanceProfile":            {limitProfile},
	"iam:ListInstanceProfiles":          {{"PathPrefix", 0, 512}, limitItems, limitPage},
	"iam:ListInstanceProfileTags":       {limitProfile, limitItems, limitPage},
	"iam:RemoveRoleFromInstanceProfile": {limitProfile, limitRole},
	"iam:TagInstanceProfile":            {limitProfile},
	"iam:UntagInstanceProfile":          {limitProfile, limitTagKeys},

	"iam:CreateVirtualMFADevice": {limitPath, {"VirtualMFADeviceName", 0, 226}},
	"iam:DeactivateMFADevice":    {limitUser, limitSerial},
	"iam:DeleteVirtualMFADevice": {limitSerial},
	"iam:EnableMFADevice":        {limitUser, limitSerial, limitCode1, limitCode2},
	"iam:GetMFADevice":           {{"UserName", 0, 64}, limitSerial},
	"iam:ListMFADevices":         {limitUser, limitItems, limitPage},
	"iam:ListMFADeviceTags":      {limitSerial, limitItems, limitPage},
	"iam:ListVirtualMFADevices":  {limitItems, limitPage},
	"iam:ResyncMFADevice":        {limitUser, limitSerial, limitCode1, limitCode2},
	"iam:TagMFADevice":           {limitSerial},
	"iam:UntagMFADevice":         {limitSerial, limitTagKeys},
}
