package vault

import (
	"crypto/rand"
	"regexp"
)

// A state is how far the life of a vault has come.
type state string

const (
	creating state = "creating" // a grant may exist, and its id is not known yet
	ready    state = "ready"
	deleting state = "deleting" // only what is left of it remains to be removed
)

// A vault is what the service keeps of a vault. Nothing in it is secret: what
// opens documents is the customer's key, as long as the customer lets us.
type vault struct {
	Name    string
	Account string
	ARN     string `json:"Arn"`
	KeyARN  string `json:"KeyArn"`
	State   state

	// GrantName is drawn when the vault is made. A grant that is asked for twice
	// by one name is made once: so an answer that was lost is found again.
	GrantName  string
	GrantID    string `json:"GrantId"`
	GrantToken string
}

// names that the service accepts. They become parts of paths and ARNs.
var (
	vaultName    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	documentName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)
)

// arn is the name by which the customer's policies, the grant and the trail know a vault.
func arn(region, account, name string) string {
	return "arn:aws:vault:" + region + ":" + account + ":vault/" + name
}

func newVault(region, account, name, keyARN string) *vault {
	return &vault{
		Name:      name,
		Account:   account,
		ARN:       arn(region, account, name),
		KeyARN:    keyARN,
		State:     creating,
		GrantName: "vault-" + rand.Text(),
	}
}

// context is the encryption context under which a grant lets the service use
// the key: this vault, and whatever else is true of the document.
func (v *vault) context(document string) map[string]string {
	context := map[string]string{"vault:arn": v.ARN}
	if document != "" {
		context["vault:document"] = document
	}
	return context
}
