package kms

import (
	"encoding/base64"
	"fmt"
	"strings"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/arn"
	"claviger/internal/words/fault"
	"claviger/internal/words/principal"
)

// A granteeForm is a form of principal that grants name. Rows of the store hold it.
type granteeForm uint8

// The forms of grantees.
const (
	granteeAccount granteeForm = 1
	granteeUser    granteeForm = 2
	granteeRole    granteeForm = 3
	granteeSession granteeForm = 4 // of a role that exists: bound to the role's unique id
	granteeByARN   granteeForm = 5 // federated users, and sessions of roles by convention
	granteeService granteeForm = 6
)

// A grantee is whom a grant names, by what identifies the principal for good: a
// namesake that comes later is somebody else.
type grantee struct {
	Form granteeForm `json:"form,omitempty"`
	ID   string      `json:"id,omitempty"` // account id, unique id, "AROA…:session", ARN, or name of a service
}

// digest is a keyed hash of a grantee, of a constraint or of a name, as columns hold it.
type digest string

// digestBytes is enough for no two to meet by chance; what is found by a digest
// is compared in full all the same.
const digestBytes = 16

func (s *Service) digest(b []byte) digest {
	sum := s.grantHash.Hash(b)
	return digest(base64.RawURLEncoding.EncodeToString(sum[:digestBytes]))
}

func (s *Service) granteeDigest(g grantee) digest {
	if g.Form == 0 {
		return ""
	}
	b := make([]byte, 0, 64)
	return s.digest(append(append(b, 'p', byte(g.Form)), g.ID...))
}

// A face is one of the grantees that a caller is, and how a grant to it lets the
// caller in.
type face struct {
	grantee
	grade policy.Grade
}

// facesMax is how many a caller has at most.
const facesMax = 3

// faces appends the grantees that caller is, the most specific first.
func faces(dst []face, caller *authz.Caller) []face {
	p := &caller.Principal
	switch p.Kind {
	case principal.User:
		dst = append(dst, face{grantee{granteeUser, p.ID}, policy.Direct})
	case principal.RoleSession:
		if strings.HasPrefix(p.IssuerID, "AROA") {
			dst = append(dst, face{grantee{granteeSession, p.ID}, policy.Direct}, face{grantee{granteeRole, p.IssuerID}, policy.Role})
		} else {
			dst = append(dst, face{grantee{granteeByARN, p.ARN}, policy.Direct})
		}
	case principal.FederatedUser:
		dst = append(dst, face{grantee{granteeByARN, p.ARN}, policy.Direct}, face{grantee{granteeUser, p.IssuerID}, policy.UserOf})
	case principal.Service:
		return append(dst, face{grantee{granteeService, p.Name}, policy.Direct})
	case principal.Root:
	default:
		return dst
	}
	return append(dst, face{grantee{granteeAccount, p.Account}, policy.Account})
}

// gradeOf returns how a grant to g lets caller in, None where caller is not g.
func gradeOf(g grantee, caller *authz.Caller) policy.Grade {
	var room [facesMax]face
	for _, f := range faces(room[:0], caller) {
		if f.grantee == g {
			return f.grade
		}
	}
	return policy.None
}

// infrastructure is the role name of sessions that services hold for their own
// machines; grantees name them in a short form too.
const infrastructure = ":aws:"

// nameGrantee finds whom text names, who must exist.
func (s *Service) nameGrantee(c *operation.Call, text string) (grantee, error) {
	a, ok := spellOut(c.Partition, text)
	if !ok {
		return s.nameService(c, text)
	}
	r, err := c.Reader()
	if err != nil {
		return grantee{}, err
	}
	id, exists, err := s.principals.Principal(c.Context, r, a.String())
	if fault.Is(err, InvalidARN) || err == nil && !exists {
		return grantee{}, invalidPrincipal(text)
	}
	if err != nil {
		return grantee{}, fmt.Errorf("resolving principal %s: %w", text, err)
	}
	g := boundTo(a, id)
	if g.ID == "" {
		return grantee{}, invalidPrincipal(text)
	}
	return g, nil
}

// spellOut returns the ARN that text is or stands for: an account may be named
// by its id alone, and 111122223333:aws:ec2-infrastructure:i-… is a session of
// the role aws:ec2-infrastructure of that account.
func spellOut(partition, text string) (arn.ARN, bool) {
	if arn.IsAccount(text) {
		return arn.Parse(arn.Root(partition, text))
	}
	if account, session, ok := strings.Cut(text, infrastructure); ok && arn.IsAccount(account) {
		role, name, ok := strings.Cut(session, ":")
		return arn.ARN{Partition: partition, Service: "sts", Account: account, Resource: "assumed-role/aws:" + role + "/" + name}, ok
	}
	return arn.Parse(text)
}

// spelling is how a condition sees a principal: by its ARN, however it is named,
// so that a condition on an account's ARN holds for its bare id too.
func spelling(partition, text string) string {
	if a, ok := spellOut(partition, text); ok {
		return a.String()
	}
	return text
}

// boundTo makes a grantee of an existing principal and its unique id. What can't
// be a grantee has no ID.
func boundTo(a arn.ARN, id string) grantee {
	kind, name, _ := strings.Cut(a.Resource, "/")
	switch {
	case kind == "root":
		return grantee{granteeAccount, a.Account}
	case kind == "user":
		return grantee{granteeUser, id}
	case kind == "role":
		return grantee{granteeRole, id}
	case kind == "assumed-role" && id != "":
		return grantee{granteeSession, id + ":" + name[strings.IndexByte(name, '/')+1:]}
	case kind == "assumed-role" || kind == "federated-user":
		return grantee{granteeByARN, a.String()}
	}
	return grantee{}
}

// nameService takes the name of a service, with or without a Region in it, in a
// call that this very service makes for its user. Nobody else can make a service
// a grantee.
func (s *Service) nameService(c *operation.Call, text string) (grantee, error) {
	via := c.Caller.Via
	if via == nil || text != via.Name && text != inRegion(via.Name, c.Region) {
		return grantee{}, invalidPrincipal(text)
	}
	return grantee{granteeService, via.Name}, nil
}

// inRegion is the name of a service in one Region, as kms:ViaService shows it:
// rds.amazonaws.com is rds.us-east-1.amazonaws.com there.
func inRegion(service, region string) string {
	label, rest, _ := strings.Cut(service, ".")
	return label + "." + region + "." + rest
}

func invalidPrincipal(text string) error {
	return fault.New(InvalidARN, "Invalid principal: %s", text)
}
