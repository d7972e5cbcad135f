package iam

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// credentialServices are the services that take a user name and password of their
// own. Those that take API keys instead are not among them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html
var credentialServices = []string{"cassandra.amazonaws.com", "codecommit.amazonaws.com"}

// serviceCredentialsMax is the quota of credentials of a user for one service.
const serviceCredentialsMax = 2

// credentialAgeDaysMax is the longest life that the model lets one ask for.
const credentialAgeDaysMax = 36600

// A serviceCredential is a user name and password for one service. It stands in the
// record of its user.
type serviceCredential struct {
	ID       string `json:"id"` // ACCA…
	Service  string `json:"service"`
	UserName string `json:"userName"` // for the service
	Status   string `json:"status"`
	Created  int64  `json:"created"`  // seconds since 1970
	Password []byte `json:"password"` // its SHA-256; as it has 240 bits, that suffices. Nothing here takes the password yet
}

// A ServiceSpecificCredential as it is shown once, when it is made or reset.
type ServiceSpecificCredential struct {
	CreateDate                  time.Time          `aws:"CreateDate" audit:"createDate"`
	ServiceName                 string             `aws:"ServiceName" audit:"serviceName"`
	ServiceUserName             string             `aws:"ServiceUserName" audit:"serviceUserName"`
	ServicePassword             confidential.Bytes `aws:"ServicePassword,text"`
	ServiceSpecificCredentialID string             `aws:"ServiceSpecificCredentialId" audit:"serviceSpecificCredentialId"`
	UserName                    string             `aws:"UserName" audit:"userName"`
	Status                      string             `aws:"Status" audit:"status"`
}

// ServiceSpecificCredentialMetadata is what can be known of such a credential afterwards.
type ServiceSpecificCredentialMetadata struct {
	UserName                    string    `aws:"UserName"`
	Status                      string    `aws:"Status"`
	ServiceUserName             string    `aws:"ServiceUserName"`
	CreateDate                  time.Time `aws:"CreateDate"`
	ServiceSpecificCredentialID string    `aws:"ServiceSpecificCredentialId"`
	ServiceName                 string    `aws:"ServiceName"`
}

// draw gives v a new password and returns it.
func (v *serviceCredential) draw() confidential.Bytes {
	plain := drawSecret()
	sum := sha256.Sum256(plain.Reveal(reveal.Token{}))
	v.Password = sum[:]
	return plain
}

func (v *serviceCredential) shown(user string, plain confidential.Bytes) ServiceSpecificCredential {
	return ServiceSpecificCredential{
		CreateDate:                  seconds(v.Created),
		ServiceName:                 v.Service,
		ServiceUserName:             v.UserName,
		ServicePassword:             plain,
		ServiceSpecificCredentialID: v.ID,
		UserName:                    user,
		Status:                      v.Status,
	}
}

func (v *serviceCredential) metadata(user string) ServiceSpecificCredentialMetadata {
	return ServiceSpecificCredentialMetadata{
		UserName:                    user,
		Status:                      v.Status,
		ServiceUserName:             v.UserName,
		CreateDate:                  seconds(v.Created),
		ServiceSpecificCredentialID: v.ID,
		ServiceName:                 v.Service,
	}
}

// serviceCredentialsInOrder returns the credentials of u in the order of their ids.
func (u *user) serviceCredentialsInOrder() []serviceCredential {
	return slices.SortedFunc(slices.Values(u.ServiceCredentials), func(a, b serviceCredential) int { return strings.Compare(a.ID, b.ID) })
}

// supports refuses a service that takes no such credentials.
func supports(service string) error {
	if !slices.Contains(credentialServices, service) {
		return fault.New(NoSuchEntity, "No such service %s is supported for Service Specific Credentials", service)
	}
	return nil
}

// checkServiceCredential checks the members that name a credential.
func checkServiceCredential(c *check.Checks, user, id optional.Of[string]) {
	c.HideValues()
	checkName(c, "userName", user, newUserNameMax)
	if c.Required("serviceSpecificCredentialId", id.Set) {
		c.Length("serviceSpecificCredentialId", id, 20, 128)
		c.Pattern("serviceSpecificCredentialId", id, wordPattern, `[\w]+`)
	}
}

// ofUser refuses a target that has no such credentials, as the root user has none.
func (t *target) ofUser() error {
	if t.root != nil {
		return nameRequired()
	}
	return t.exists()
}

// changeServiceCredential replaces one of t's credentials by what change makes of it,
// and removes it where change returns false.
func (t *target) changeServiceCredential(c *operation.Call, tx store.Txn, id string, change func(*serviceCredential) bool) error {
	if err := t.ofUser(); err != nil {
		return err
	}
	i := slices.IndexFunc(t.user.ServiceCredentials, func(v serviceCredential) bool { return v.ID == id })
	if i < 0 {
		return fault.New(NoSuchEntity, "No such credential %s exists", id)
	}
	u := *t.user
	u.ServiceCredentials = slices.Clone(u.ServiceCredentials)
	if !change(&u.ServiceCredentials[i]) {
		u.ServiceCredentials = slices.Delete(u.ServiceCredentials, i, i+1)
	}
	return putUser(c.Context, tx, u, t.rev)
}
