package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"claviger/internal/ground/policy"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/pairs"
)

// What took rights away is made again on a store that was put back as it was
// earlier, from the records of the trail; see package kms, which does the same.

// eventSource is that of the API's records, operatorSource that of the operator's.
const (
	eventSource    = "iam.amazonaws.com"
	operatorSource = "claviger"
)

// A replay makes a change again. It reports false where there is nothing to do.
type replay struct {
	source string
	about  string   // what kind of thing the change was about
	names  []string // members of the record that name it, in the account
	whose  []string // those of them that are names of users, roles and groups
	make   func(s *Service, ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error)
}

// replays lists what is made again. CreateUser and the like take nothing away; of
// changes before them they tell that those were about somebody else. What UpdateUser
// renames is the same user under either name.
var replays = map[string]replay{
	"UpdateAccessKey":        {eventSource, "access-key", []string{"accessKeyId"}, nil, (*Service).deactivateAgain},
	"DeleteAccessKey":        {eventSource, "access-key-row", []string{"accessKeyId"}, nil, (*Service).deleteAccessKeyAgain},
	"DeleteUser":             {eventSource, "user", []string{"userName"}, []string{"userName"}, (*Service).deleteUserAgain},
	"CreateUser":             {eventSource, "user-made", []string{"userName"}, []string{"userName"}, nothingAgain},
	"PutUserPolicy":          {eventSource, "user-policy", []string{"userName", "policyName"}, []string{"userName"}, (*Service).putUserPolicyAgain},
	"DeleteUserPolicy":       {eventSource, "user-policy", []string{"userName", "policyName"}, []string{"userName"}, (*Service).deleteUserPolicyAgain},
	"DeleteRole":             {eventSource, "role", []string{"roleName"}, []string{"roleName"}, (*Service).deleteRoleAgain},
	"CreateRole":             {eventSource, "role-made", []string{"roleName"}, []string{"roleName"}, nothingAgain},
	"PutRolePolicy":          {eventSource, "role-policy", []string{"roleName", "policyName"}, []string{"roleName"}, (*Service).putRolePolicyAgain},
	"DeleteRolePolicy":       {eventSource, "role-policy", []string{"roleName", "policyName"}, []string{"roleName"}, (*Service).deleteRolePolicyAgain},
	"UpdateAssumeRolePolicy": {eventSource, "trust", []string{"roleName"}, []string{"roleName"}, (*Service).putTrustAgain},

	// Of managed policies, groups and boundaries, see replay_managed.go.
	"AttachUserPolicy":              {eventSource, "attached", []string{"userName", "policyArn"}, []string{"userName"}, nothingAgain},
	"DetachUserPolicy":              {eventSource, "attached", []string{"userName", "policyArn"}, []string{"userName"}, (*Service).detachUserPolicyAgain},
	"AttachRolePolicy":              {eventSource, "attached-role", []string{"roleName", "policyArn"}, []string{"roleName"}, nothingAgain},
	"DetachRolePolicy":              {eventSource, "attached-role", []string{"roleName", "policyArn"}, []string{"roleName"}, (*Service).detachRolePolicyAgain},
	"AttachGroupPolicy":             {eventSource, "attached-group", []string{"groupName", "policyArn"}, []string{"groupName"}, nothingAgain},
	"DetachGroupPolicy":             {eventSource, "attached-group", []string{"groupName", "policyArn"}, []string{"groupName"}, (*Service).detachGroupPolicyAgain},
	"PutGroupPolicy":                {eventSource, "group-policy", []string{"groupName", "policyName"}, []string{"groupName"}, (*Service).putGroupPolicyAgain},
	"DeleteGroupPolicy":             {eventSource, "group-policy", []string{"groupName", "policyName"}, []string{"groupName"}, (*Service).deleteGroupPolicyAgain},
	"AddUserToGroup":                {eventSource, "member", []string{"groupName", "userName"}, []string{"groupName", "userName"}, nothingAgain},
	"RemoveUserFromGroup":           {eventSource, "member", []string{"groupName", "userName"}, []string{"groupName", "userName"}, (*Service).removeFromGroupAgain},
	"PutUserPermissionsBoundary":    {eventSource, "boundary", []string{"userName"}, []string{"userName"}, (*Service).boundUserAgain},
	"DeleteUserPermissionsBoundary": {eventSource, "boundary", []string{"userName"}, []string{"userName"}, nothingAgain},
	"PutRolePermissionsBoundary":    {eventSource, "boundary-role", []string{"roleName"}, []string{"roleName"}, (*Service).boundRoleAgain},
	"DeleteRolePermissionsBoundary": {eventSource, "boundary-role", []string{"roleName"}, []string{"roleName"}, nothingAgain},

	"DeleteServiceLinkedRole": {eventSource, "role", []string{"roleName"}, []string{"roleName"}, (*Service).deleteRoleAgain},
	"CreateServiceLinkedRole": {eventSource, "role-made", []string{"roleName"}, []string{"roleName"}, nothingAgain},
	"UpdateRole":              {eventSource, "longest-session", []string{"roleName"}, []string{"roleName"}, (*Service).limitSessionsAgain},
	"TagRole":                 {eventSource, "role-tags", []string{"roleName"}, []string{"roleName"}, (*Service).tagRoleAgain},
	"UntagRole":               {eventSource, "role-tags", []string{"roleName"}, []string{"roleName"}, (*Service).tagRoleAgain},
	"TagUser":                 {eventSource, "user-tags", []string{"userName"}, []string{"userName"}, (*Service).tagUserAgain},
	"UntagUser":               {eventSource, "user-tags", []string{"userName"}, []string{"userName"}, (*Service).tagUserAgain},

	"AddRoleToInstanceProfile":      {eventSource, "profile", []string{"instanceProfileName", "roleName"}, []string{"roleName"}, nothingAgain},
	"RemoveRoleFromInstanceProfile": {eventSource, "profile", []string{"instanceProfileName", "roleName"}, []string{"roleName"}, (*Service).leaveProfileAgain},

	"CreateGroup": {eventSource, "group-made", []string{"groupName"}, []string{"groupName"}, nothingAgain},
	"DeleteGroup": {eventSource, "group", []string{"groupName"}, []string{"groupName"}, (*Service).deleteGroupAgain},
	"UpdateGroup": {eventSource, "group-name", []string{"groupName"}, []string{"groupName"}, nothingAgain},
	"UpdateUser":  {eventSource, "user-name", []string{"userName"}, []string{"userName"}, nothingAgain},

	// What makes a version and puts it in force is about what is in force.
	"CreatePolicyVersion":                     {eventSource, "version", []string{"policyArn", "versionId"}, nil, (*Service).createVersionAgain},
	"DeletePolicyVersion":                     {eventSource, "version", []string{"policyArn", "versionId"}, nil, (*Service).deleteVersionAgain},
	"SetDefaultPolicyVersion":                 {eventSource, inForce, []string{"policyArn"}, nil, (*Service).setDefaultAgain},
	"CreatePolicy":                            {eventSource, "policy", []string{"policyArn"}, nil, nothingAgain},
	"DeletePolicy":                            {eventSource, "policy", []string{"policyArn"}, nil, (*Service).deletePolicyAgain},
	"DeleteOpenIDConnectProvider":             {eventSource, "oidc-provider", []string{"openIDConnectProviderArn"}, nil, (*Service).deleteOIDCAgain},
	"CreateOpenIDConnectProvider":             {eventSource, "oidc-provider", []string{"openIDConnectProviderArn"}, nil, nothingAgain},
	"DeleteSAMLProvider":                      {eventSource, "saml-provider", []string{"sAMLProviderArn"}, nil, (*Service).deleteSAMLAgain},
	"CreateSAMLProvider":                      {eventSource, "saml-provider", []string{"sAMLProviderArn"}, nil, nothingAgain},
	"DeleteLoginProfile":                      {eventSource, "login", []string{"userName"}, []string{"userName"}, (*Service).deleteLoginAgain},
	"CreateLoginProfile":                      {eventSource, "login", []string{"userName"}, []string{"userName"}, (*Service).passwordAgain},
	"UpdateLoginProfile":                      {eventSource, "login", []string{"userName"}, []string{"userName"}, (*Service).passwordAgain},
	"ChangePassword":                          {eventSource, "login", []string{"userName"}, []string{"userName"}, (*Service).passwordAgain},
	"UpdateAccountPasswordPolicy":             {eventSource, "password-policy", nil, nil, (*Service).passwordPolicyAgain},
	"DeleteAccountPasswordPolicy":             {eventSource, "password-policy", nil, nil, nothingAgain},
	"EnableMFADevice":                         {eventSource, "device", []string{"userName", "serialNumber"}, []string{"userName"}, nothingAgain},
	"DeactivateMFADevice":                     {eventSource, "device", []string{"userName", "serialNumber"}, []string{"userName"}, (*Service).deactivateDeviceAgain},
	"AddClientIDToOpenIDConnectProvider":      {eventSource, "oidc-client", []string{"openIDConnectProviderArn", "clientID"}, nil, nothingAgain},
	"RemoveClientIDFromOpenIDConnectProvider": {eventSource, "oidc-client", []string{"openIDConnectProviderArn", "clientID"}, nil, (*Service).removeClientAgain},
	"UpdateOpenIDConnectProviderThumbprint":   {eventSource, "oidc-thumbprint", []string{"openIDConnectProviderArn"}, nil, (*Service).putThumbprintsAgain},
	"UpdateSAMLProvider":                      {eventSource, "saml-metadata", []string{"sAMLProviderArn"}, nil, (*Service).putMetadataAgain},
	"ResetServiceSpecificCredential":          {eventSource, "service-credential-secret", []string{"userName", "serviceSpecificCredentialId"}, []string{"userName"}, (*Service).resetServiceCredentialAgain},
	"UpdateServiceSpecificCredential":         {eventSource, "service-credential", []string{"userName", "serviceSpecificCredentialId"}, []string{"userName"}, (*Service).deactivateServiceCredentialAgain},
	"DeleteServiceSpecificCredential":         {eventSource, "service-credential-row", []string{"userName", "serviceSpecificCredentialId"}, []string{"userName"}, (*Service).deleteServiceCredentialAgain},

	"DisableOrganizationsRootSessions":              {eventSource, rootSessions, []string{"organizationId"}, nil, disableRootAgain(rootSessions)},
	"EnableOrganizationsRootSessions":               {eventSource, rootSessions, []string{"organizationId"}, nil, nothingAgain},
	"DisableOrganizationsRootCredentialsManagement": {eventSource, rootCredentialsManagement, []string{"organizationId"}, nil, disableRootAgain(rootCredentialsManagement)},
	"EnableOrganizationsRootCredentialsManagement":  {eventSource, rootCredentialsManagement, []string{"organizationId"}, nil, nothingAgain},

	"DisableServicePrincipal": {operatorSource, "service", []string{"name"}, nil, (*Service).disableServiceAgain},
	"ResetRootCredentials":    {operatorSource, "root-access-keys", []string{"accountId", "accessKeyId"}, nil, (*Service).resetRootAgain}, // each has deleted others
}

// inForce is what changes are about that put a version of a policy in force.
const inForce = "version-in-force"

// Trace says what a change was about, for Replay.
func (s *Service) Trace(l *operation.Lost) operation.Trace {
	r, known := replays[l.Name]
	if !known || r.source != l.Source {
		return operation.Trace{}
	}
	spell(l)
	if l.Name == "CreatePolicyVersion" && l.Members["setAsDefault"] == "true" {
		r.about, r.names = inForce, []string{"policyArn"}
	}
	t := operation.Trace{Subject: r.about}
	if !slices.Contains(r.names, "organizationId") { // that has several accounts
		t.Subject += "/" + l.Account
	}
	for _, name := range r.names {
		value := l.Members[name]
		switch {
		case value == "":
			return operation.Trace{}
		case name != "clientID" && !strings.HasSuffix(name, "ProviderArn"): // they may differ in case alone
			value = fold(value)
		}
		t.Subject += "/" + value
	}
	t.Names = r.whose
	switch l.Name {
	case "CreateUser":
		t.Created, t.Gives = l.Members["user.userId"], true
	case "CreateRole", "CreateServiceLinkedRole":
		t.Created, t.Gives = l.Members["role.roleId"], true
	case "CreateGroup":
		t.Created, t.Gives = l.Members["group.groupId"], true
	case "UpdateUser":
		t.Renamed, t.Gives = l.Members["newUserName"], true
	case "UpdateGroup":
		t.Renamed, t.Gives = l.Members["newGroupName"], true
	case "AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy", "AddUserToGroup", "DeleteUserPermissionsBoundary", "DeleteRolePermissionsBoundary",
		"CreateOpenIDConnectProvider", "CreateSAMLProvider", "CreateLoginProfile", "EnableOrganizationsRootSessions", "EnableOrganizationsRootCredentialsManagement",
		"AddRoleToInstanceProfile", "CreatePolicy", "DeleteAccountPasswordPolicy", "EnableMFADevice", "AddClientIDToOpenIDConnectProvider":
		t.Gives = true
	case "UpdateLoginProfile", "UpdateAccountPasswordPolicy", "ResetServiceSpecificCredential":
		t.Unseen = true
	case "TagUser", "UntagUser", "TagRole", "UntagRole":
		t.Partial = true
	case "UpdateAccessKey", "UpdateServiceSpecificCredential":
		t.Gives = l.Members["status"] != inactive
	case "DeleteAccessKey", "ResetRootCredentials":
		t.Final = true
	}
	return t
}

// Replay makes a change again that the trail has and the store may not have. It
// returns what its record shall say, nil where there is nothing to do: because
// the store is as the change left it, or what it was about is not there.
func (s *Service) Replay(ctx context.Context, tx store.Txn, l *operation.Lost, now time.Time) (*operation.Event, error) {
	r := replays[l.Name]
	done, err := r.make(s, ctx, tx, l)
	if err != nil || !done {
		return nil, err
	}
	e := l.Again(now, append(slices.Clone(r.names), "status", "policyDocument", "permissionsBoundary", "versionId", "setAsDefault", "maxSessionDuration")...)
	for _, name := range []string{tagged, "thumbprintList", deletedKeys} {
		if m := l.Pairs(name); m != nil {
			e.Details = append(e.Details, operation.Member{Name: name, Pairs: m})
		}
	}
	return e, nil
}

// spell puts in the place of what a request says what only the answer or the caller
// says, and spells tags so that changes of them add up.
func spell(l *operation.Lost) {
	said := func(name, instead string) {
		if l.Members[name] == "" && instead != "" {
			l.Members[name] = instead
		}
	}
	switch l.Name {
	case "CreatePolicyVersion":
		said("versionId", l.Members["policyVersion.versionId"])
	case "CreatePolicy":
		said("policyArn", l.Members["policy.arn"])
	case "CreateServiceLinkedRole":
		said("roleName", l.Members["role.roleName"])
	case "UpdateRole": // as the operation does
		said("maxSessionDuration", strconv.Itoa(sessionDefault))
	case "ChangePassword", "DeleteLoginProfile", "DeactivateMFADevice", "EnableMFADevice",
		"UpdateServiceSpecificCredential", "DeleteServiceSpecificCredential", "ResetServiceSpecificCredential":
		said("userName", l.User)
	case "TagUser", "UntagUser", "TagRole", "UntagRole":
		spellTags(l)
	}
}

func nothingAgain(*Service, context.Context, store.Txn, *operation.Lost) (bool, error) {
	return false, nil
}

// lostKey returns an access key of the change's account, nil where there is none.
func lostKey(ctx context.Context, tx store.Txn, l *operation.Lost) (*accessKey, store.Rev, error) {
	k, rev, err := getAccessKey(ctx, tx, l.Members["accessKeyId"])
	if errors.Is(err, store.ErrNotFound) || err == nil && k.Account != l.Account {
		return nil, 0, nil
	}
	return k, rev, err
}

func (s *Service) deactivateAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	k, rev, err := lostKey(ctx, tx, l)
	if err != nil || k == nil || k.Status == inactive || l.Members["status"] != inactive {
		return false, err
	}
	k.Status = inactive
	if err := accessKeys.Put(ctx, tx, k, rev); err != nil {
		return false, fmt.Errorf("writing access key %s: %w", k.ID, err)
	}
	tx.Touch(accessKeyEntity(k.ID))
	return true, nil
}

func (s *Service) deleteAccessKeyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	k, _, err := lostKey(ctx, tx, l)
	if err != nil || k == nil {
		return false, err
	}
	var t target
	if k.User == "" {
		t.root, t.rev, err = getAccount(ctx, tx, k.Account)
	} else {
		t.user, t.rev, err = users.Get(ctx, tx, userKey(k.User))
	}
	if err != nil {
		return false, fmt.Errorf("reading the owner of access key %s: %w", k.ID, err)
	}
	if err := dropAccessKey(ctx, tx, k.ID); err != nil {
		return false, err
	}
	isIt := func(id string) bool { return id == k.ID }
	return true, t.putAccessKeys(ctx, tx, slices.DeleteFunc(slices.Clone(t.accessKeys()), isIt))
}

// deletedKeys is the member of ResetRootCredentials that lists what it deleted.
const deletedKeys = "deletedAccessKeyIds"

// resetRootAgain deletes access keys of a root user again. The one that took their place
// is lost: nothing but the store has had its secret.
func (s *Service) resetRootAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	a, rev, err := getAccount(ctx, tx, l.Members["accountId"])
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var kept []string
	deleted := l.List(deletedKeys)
	for _, id := range a.AccessKeys {
		if !slices.Contains(deleted, id) {
			kept = append(kept, id)
		} else if err := dropAccessKey(ctx, tx, id); err != nil {
			return false, err
		}
	}
	if len(kept) == len(a.AccessKeys) {
		return false, nil
	}
	t := target{root: a, rev: rev}
	return true, t.putAccessKeys(ctx, tx, kept)
}

// lostUser returns the user that a change was about, nil where there is none.
func lostUser(ctx context.Context, tx store.Txn, l *operation.Lost) (*user, store.Rev, error) {
	u, rev, err := findUser(ctx, tx, l.Account, l.Members["userName"])
	if err != nil || u == nil || !l.About("userName", u.ID) {
		return nil, 0, err
	}
	return u, rev, nil
}

// deleteUserAgain deletes a user with the policies and access keys of which it
// had been stripped before, if they are back.
func (s *Service) deleteUserAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil {
		return false, err
	}
	for _, id := range u.AccessKeys {
		if err := dropAccessKey(ctx, tx, id); err != nil {
			return false, err
		}
	}
	if err := releaseHeld(ctx, tx, u.Account, u.Attached, u.Boundary, u.Groups); err != nil {
		return false, err
	}
	if err := releaseSignIn(ctx, tx, u); err != nil {
		return false, err
	}
	if err := users.Delete(ctx, tx, userKey(u.ID), rev); err != nil {
		return false, fmt.Errorf("deleting user %s: %w", u.ID, err)
	}
	tx.Touch(userEntity(u.ID))
	a, rev, err := getAccount(ctx, tx, u.Account)
	if err != nil {
		return false, err
	}
	counted := *a
	counted.MFADevicesInUse -= len(u.MFADevices)
	return true, countUser(ctx, tx, counted, rev, -1)
}

func (s *Service) putUserPolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil {
		return false, err
	}
	changed := *u
	var done bool
	if changed.Policies, done, err = withPolicy(u.Policies, l); err != nil || !done {
		return false, err
	}
	return true, putUser(ctx, tx, changed, rev)
}

func (s *Service) deleteUserPolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	u, rev, err := lostUser(ctx, tx, l)
	if err != nil || u == nil {
		return false, err
	}
	if there, err := removable(u.Policies, l); err != nil || !there {
		return false, err
	}
	changed := *u
	changed.Policies = u.Policies.Without(l.Members["policyName"])
	return true, putUser(ctx, tx, changed, rev)
}

// lostRole returns the role that a change was about, nil where there is none.
func lostRole(ctx context.Context, tx store.Txn, l *operation.Lost) (*role, store.Rev, error) {
	o, rev, err := findRole(ctx, tx, l.Account, l.Members["roleName"])
	if err != nil || o == nil || !l.About("roleName", o.ID) {
		return nil, 0, err
	}
	return o, rev, nil
}

func (s *Service) deleteRoleAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, rev, err := lostRole(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	if err := releaseHeld(ctx, tx, o.Account, o.Attached, o.Boundary, nil); err != nil {
		return false, err
	}
	if err := releaseProfiles(ctx, tx, o); err != nil {
		return false, err
	}
	if err := roles.Delete(ctx, tx, roleKey(o.ID), rev); err != nil {
		return false, fmt.Errorf("deleting role %s: %w", o.ID, err)
	}
	tx.Touch(roleEntity(o.ID))
	a, rev, err := getAccount(ctx, tx, o.Account)
	if err != nil {
		return false, err
	}
	return true, countRole(ctx, tx, *a, rev, -1)
}

func (s *Service) putRolePolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, rev, err := lostRole(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	changed := *o
	var done bool
	if changed.Policies, done, err = withPolicy(o.Policies, l); err != nil || !done {
		return false, err
	}
	return true, putRole(ctx, tx, changed, rev)
}

func (s *Service) deleteRolePolicyAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, rev, err := lostRole(ctx, tx, l)
	if err != nil || o == nil {
		return false, err
	}
	if there, err := removable(o.Policies, l); err != nil || !there {
		return false, err
	}
	changed := *o
	changed.Policies = o.Policies.Without(l.Members["policyName"])
	return true, putRole(ctx, tx, changed, rev)
}

// putTrustAgain puts the whole trust policy. Users and roles that are not here
// are let in by nothing.
func (s *Service) putTrustAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	o, rev, err := lostRole(ctx, tx, l)
	text := l.Members["policyDocument"]
	if err != nil || o == nil || text == "" || o.Trust.Text == text {
		return false, err
	}
	named, err := policy.Compile(policy.Trust, o.ID, []byte(text), nil)
	if err != nil {
		return false, fmt.Errorf("the trust policy of record %d: %w", l.Sequence, err)
	}
	bound := make(map[string]string)
	for _, p := range named.Principals() {
		if mustExist, err := s.trustable(p); err != nil || !mustExist {
			continue
		}
		id, exists, err := s.Principal(ctx, tx, p.Name)
		if err != nil {
			return false, fmt.Errorf("resolving principal %s: %w", p.Name, err)
		}
		if exists && id != "" {
			bound[p.Name] = id
		}
	}
	changed := *o
	changed.Trust.Text, changed.Trust.Bound = text, bound
	return true, putRole(ctx, tx, changed, rev)
}

func (s *Service) disableServiceAgain(ctx context.Context, tx store.Txn, l *operation.Lost) (bool, error) {
	p, rev, err := findServicePrincipal(ctx, tx, l.Members["name"])
	if err != nil || p == nil || p.Disabled || seconds(p.Created).After(l.Time) { // registered anew since
		return false, err
	}
	for _, id := range p.AccessKeys {
		if err := dropAccessKey(ctx, tx, id); err != nil {
			return false, err
		}
	}
	p.Disabled, p.AccessKeys = true, nil
	if err := servicePrincipals.Put(ctx, tx, p, rev); err != nil {
		return false, fmt.Errorf("writing service principal %s: %w", p.Name, err)
	}
	tx.Touch(servicePrincipalEntity(p.Name))
	return true, nil
}

// withPolicy puts the document of a change in place of the one of its name.
func withPolicy(policies pairs.Map, l *operation.Lost) (pairs.Map, bool, error) {
	name, text := l.Members["policyName"], l.Members["policyDocument"]
	if now, ok := policies.Get(name); text == "" || ok && now == text {
		return policies, false, nil
	}
	if err := wellFormed(name, text); err != nil {
		return policies, false, fmt.Errorf("the policy of record %d: %w", l.Sequence, err)
	}
	return policies.With(name, text), true, nil
}

// errDenies keeps a policy that takes rights as well as it gives some.
var errDenies = fmt.Errorf("the policy also denies, and taking it away would give rights: %w", operation.ErrNotAgain)

// removable reports whether the policy that a change deleted is there. It is
// errDenies where that one denies anything.
func removable(policies pairs.Map, l *operation.Lost) (bool, error) {
	text, there := policies.Get(l.Members["policyName"])
	if there && denies(text) {
		return false, errDenies
	}
	return there, nil
}

// denies reports whether a document has a statement that denies, or can't be read.
func denies(document string) bool {
	_, denies := policy.Effects(document)
	return denies
}
