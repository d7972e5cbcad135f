package organizations

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// A serviceAccess says that a service may act in all accounts of the organization.
type serviceAccess struct {
	Service string    `json:"service"` // principal, such as "sso.amazonaws.com"
	Since   time.Time `json:"since"`
}

var servicePattern = regexp.MustCompile(`^[\w+=,.@-]*$`)

// checkPrincipal demands the name of a service, where one is present.
func checkPrincipal(c *check.Checks, name optional.Of[string]) {
	may(c, name, 1, 128, servicePattern)
	if name.Set && !strings.HasSuffix(name.V, ".amazonaws.com") {
		c.Refuse(invalid("UNRECOGNIZED_SERVICE_PRINCIPAL", "You specified an unrecognized service principal."))
	}
}

// access returns the place of a service among those that have access, -1 where it has none.
func (o *organization) access(service string) int {
	return slices.IndexFunc(o.Services, func(a serviceAccess) bool { return a.Service == service })
}
