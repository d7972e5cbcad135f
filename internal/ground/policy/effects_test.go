package policy_test

import (
	"testing"

	"claviger/internal/ground/policy"
)

func TestEffects(t *testing.T) {
	t.Parallel()
	for document, want := range map[string][2]bool{
		`{"Statement":{"Effect":"Allow"}}`:                     {true, false},
		`{"Statement":{"Effect":"Deny"}}`:                      {false, true},
		`{"Statement":[{"Effect":"Allow"}]}`:                   {true, false},
		`{"Statement":[{"Effect":"Allow"},{"Effect":"Deny"}]}`: {true, true},
		`{"Statement":[]}`:                                     {false, false},
		`{"Statement":{"Effect":"Both"}}`:                      {true, true},
		`{"Statement":"Deny"}`:                                 {true, true},
		``:                                                     {true, true},
	} {
		if allows, denies := policy.Effects(document); [2]bool{allows, denies} != want {
			t.Errorf("%s: allows %v, denies %v, want %v", document, allows, denies, want)
		}
	}
}
