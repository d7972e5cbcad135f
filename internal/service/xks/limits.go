package xks

import (
	"regexp"

	"claviger/internal/words/check"
)

// Limits say for whom the external keys of a key store may be used. A list that
// is empty limits nothing; of one that is not, the request must have an element.
//
// Accounts and Regions are those of the KMS key; a request must also be signed
// for one of the Regions. Both hold for metadata too, as far as a KMS key is
// named there. The others hold where a key is used: Principals are patterns of
// awsPrincipalArn, with * and ?, the others values of kmsOperation, kmsViaService
// and awsSourceVpc, which AWS KMS does not send of everybody.
type Limits struct {
	Accounts    []string `aws:"Accounts" audit:"accounts" json:"accounts,omitempty"`
	Regions     []string `aws:"Regions" audit:"regions" json:"regions,omitempty"`
	Principals  []string `aws:"Principals" audit:"principals" json:"principals,omitempty"`
	Operations  []string `aws:"Operations" audit:"operations" json:"operations,omitempty"`
	ViaServices []string `aws:"ViaServices" audit:"viaServices" json:"viaServices,omitempty"`
	VPCs        []string `aws:"Vpcs" audit:"vpcs" json:"vpcs,omitempty"`
}

// What the lists may have. They fit into a policy.
const (
	limitsMax      = 100 // elements of a list
	accountShown   = `\d{12}`
	regionShown    = `[a-z0-9\-]+`
	operationShown = `[A-Za-z]+`
	viaShown       = `[A-Za-z0-9.\-]+`
	vpcShown       = `vpc-[0-9a-f]+`
)

var (
	accountPattern   = regexp.MustCompile(`^` + accountShown + `$`)
	regionPattern    = regexp.MustCompile(`^` + regionShown + `$`)
	operationPattern = regexp.MustCompile(`^` + operationShown + `$`)
	viaPattern       = regexp.MustCompile(`^` + viaShown + `$`)
	vpcPattern       = regexp.MustCompile(`^` + vpcShown + `$`)
)

func (l *Limits) check(c *check.Checks) {
	for _, list := range []struct {
		path     string
		elements []string
		min, max int
		pattern  *regexp.Regexp
		shown    string
	}{
		{"limits.accounts", l.Accounts, 12, 12, accountPattern, accountShown},
		{"limits.regions", l.Regions, 1, 64, regionPattern, regionShown},
		{"limits.principals", l.Principals, 1, 256, nil, ""},
		{"limits.operations", l.Operations, 1, 64, operationPattern, operationShown},
		{"limits.viaServices", l.ViaServices, 1, 128, viaPattern, viaShown},
		{"limits.vpcs", l.VPCs, 1, 64, vpcPattern, vpcShown},
	} {
		c.Items(list.path, true, len(list.elements), 0, limitsMax)
		c.Each(list.path, list.elements, list.min, list.max, list.pattern, list.shown)
	}
}
