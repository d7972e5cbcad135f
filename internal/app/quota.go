package app

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"claviger/internal/kernel/operation"
	"claviger/internal/kernel/pipeline"
	"claviger/internal/service/kms"
)

// quotas are those of a server.
type quotas struct {
	resources kms.Quotas
	requests  map[string]int // a second; nil where there are none
}

// quotas reads the settings of quotas.
func (c *common) quotas() (quotas, error) {
	var l quotas
	resources := map[string]*int{
		"keys": &l.resources.Keys, "aliases": &l.resources.Aliases,
		"grants": &l.resources.Grants, "custom-key-stores": &l.resources.CustomKeyStores,
	}
	for _, text := range c.Quotas {
		if text == "aws" { // AWS's others are in force anyway
			l.resources.Grants = cmp.Or(l.resources.Grants, kms.QuotasAWS.Grants)
			continue
		}
		name, n, err := quota(text)
		if err != nil {
			return l, err
		}
		if resources[name] == nil {
			return l, usage("%q is not a quota: there are %s", name, strings.Join(slices.Sorted(maps.Keys(resources)), ", "))
		}
		*resources[name] = n
	}
	for _, text := range c.RequestQuotas {
		if l.requests == nil {
			l.requests = make(map[string]int)
		}
		if text == "aws" {
			for name, n := range kms.RequestQuotasAWS() {
				if _, given := l.requests[name]; !given {
					l.requests[name] = n
				}
			}
			continue
		}
		name, n, err := quota(text)
		if err != nil {
			return l, err
		}
		if !slices.Contains(kms.RequestQuotaNames(), name) {
			return l, usage("%q is not a request quota: there are %s", name, strings.Join(kms.RequestQuotaNames(), ", "))
		}
		l.requests[name] = n
	}
	return l, nil
}

// quota reads a setting such as keys=1000.
func quota(text string) (name string, n int, err error) {
	name, number, _ := strings.Cut(text, "=")
	if n, err = strconv.Atoi(number); err != nil || n < 1 {
		return "", 0, usage("%q does not set a quota: it must be NAME=N with N from 1 on", text)
	}
	return name, n, nil
}

// admission returns what admits calls by their rate, nil where all are.
func (l *quotas) admission() func(*operation.Call, *pipeline.Entrance, any) error {
	if l.requests == nil {
		return nil
	}
	rates := kms.NewRequestQuotas(l.requests)
	return func(c *operation.Call, e *pipeline.Entrance, in any) error {
		// A service that calls in its own name has no account to be charged.
		if account := c.Caller.Principal.Account; account != "" && e.Source == kms.EventSource {
			return rates.Admit(account, c.Region, e.Operation.Name, in, c.Time)
		}
		return nil
	}
}
