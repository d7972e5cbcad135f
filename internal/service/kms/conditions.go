package kms

import (
	"strconv"

	"claviger/internal/ground/policy"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// conditions answers for the condition keys of the service. What an operation
// does not set is absent.
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
type conditions struct {
	caller string     // account; a service has none
	via    *authz.Via // the service that acts for the caller, of calls on keys
	alias  string     // as named in the request

	spec, usage, origin string
	multiRegion         string // PRIMARY, REPLICA, or empty for a single-Region key
	known               bool   // the four above say something

	tags    pairs.Map // of the key
	aliases []string  // of the key

	encryption pairs.Map // encryption context
	algorithm  string

	signing, messageType string // of Sign and Verify
	mac, agreement       string // algorithms
	pair                 string // spec of a data key pair

	sameKey optional.Of[bool]
	bypass  optional.Of[bool]
	window  int              // days until the key is to be destroyed; 0 for none
	idle    optional.Of[int] // days without a use, where it counts

	rotationDays int // asked for; 0 for none

	replicaRegion, primaryRegion string // that a multi-Region key is to get

	recipient *recipient // attested, to whom the call is answered; nil for the caller

	requestTags pairs.Map
	tagKeys     []string

	grant   *grantConditions  // of the operations on grants; nil elsewhere
	imports *importConditions // of those that import key material; nil elsewhere
}

// by has c answer for the caller of a call on a key.
func (c *conditions) by(call *operation.Call) {
	c.caller = call.Caller.Principal.Account
	c.via = call.Caller.Via
}

// onAccount are the conditions of a call that is about no key.
func onAccount(call *operation.Call) *conditions {
	return &conditions{caller: call.Caller.Principal.Account}
}

// of has c answer for the attributes of k.
func (c *conditions) of(k *keyRecord) {
	c.spec, c.usage, c.origin, c.multiRegion = k.Spec, k.Usage, k.Origin, k.MultiRegion
	c.known = true
	c.tags, c.aliases = k.Tags, k.Aliases
}

// Lookup implements policy.Context.
func (c *conditions) Lookup(k *policy.Key) policy.Values {
	switch k.Prefix {
	case "kms:encryptioncontext:":
		return policy.Named(c.encryption, k.Suffix)
	case "aws:resourcetag/":
		return policy.Named(c.tags, k.Suffix)
	case "aws:requesttag/":
		return policy.Named(c.requestTags, k.Suffix)
	case "kms:recipientattestation:":
		return c.recipient.measured(k.Suffix)
	}
	switch k.Name {
	case "kms:calleraccount":
		return policy.Text(c.caller)
	case "kms:viaservice":
		return c.viaService()
	case "kms:requestalias":
		return policy.Text(c.alias)
	case "kms:resourcealiases":
		return policy.Texts(c.aliases)
	case "kms:keyspec", "kms:customermasterkeyspec":
		return policy.Text(c.spec)
	case "kms:keyusage", "kms:customermasterkeyusage":
		return policy.Text(c.usage)
	case "kms:keyorigin":
		return policy.Text(c.origin)
	case "kms:multiregion":
		return truth(optional.Of[bool]{V: c.multiRegion != "", Set: c.known})
	case "kms:multiregionkeytype":
		return policy.Text(c.multiRegion)
	case "kms:replicaregion":
		return policy.Text(c.replicaRegion)
	case "kms:primaryregion":
		return policy.Text(c.primaryRegion)
	case "kms:encryptionalgorithm":
		return policy.Text(c.algorithm)
	case "kms:signingalgorithm":
		return policy.Text(c.signing)
	case "kms:messagetype":
		return policy.Text(c.messageType)
	case "kms:macalgorithm":
		return policy.Text(c.mac)
	case "kms:keyagreementalgorithm":
		return policy.Text(c.agreement)
	case "kms:datakeypairspec":
		return policy.Text(c.pair)
	case "kms:encryptioncontextkeys":
		return policy.Texts(c.encryption.Keys())
	case "kms:reencryptonsamekey":
		return truth(c.sameKey)
	case "kms:bypasspolicylockoutsafetycheck":
		return truth(c.bypass)
	case "kms:schedulekeydeletionpendingwindowindays":
		return policy.Values{Present: c.window != 0, One: strconv.Itoa(c.window)}
	case "kms:rotationperiodindays":
		return policy.Values{Present: c.rotationDays != 0, One: strconv.Itoa(c.rotationDays)}
	case "kms:trailingdayswithoutkeyusage":
		return policy.Values{Present: c.idle.Set, One: strconv.Itoa(c.idle.V)}
	case "aws:tagkeys":
		return policy.Texts(c.tagKeys)
	}
	if c.grant != nil {
		return c.grant.lookup(k)
	}
	if c.imports != nil {
		return c.imports.lookup(k)
	}
	return policy.Values{}
}

func (c *conditions) viaService() policy.Values {
	if c.via == nil {
		return policy.Values{}
	}
	return policy.Text(inRegion(c.via.Name, c.via.Region))
}

func truth(b optional.Of[bool]) policy.Values {
	if !b.Set {
		return policy.Values{}
	}
	return policy.Text(strconv.FormatBool(b.V))
}
