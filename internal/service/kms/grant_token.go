package kms

import (
	"encoding/json"

	"claviger/internal/words/fault"
)

// A grantToken names a grant. It stands for nothing: whether the grant is live,
// and whose it is, is read from the store.
type grantToken struct {
	Region   string `json:"r"`
	KeyID    string `json:"k"`
	GrantID  string `json:"g"`
	Position uint64 `json:"p"` // of the store when the token was made: the grant is there from then on
}

// seal makes a token. No two are alike, also not for the same grant.
func (s *Service) sealToken(t grantToken) string {
	plain, err := json.Marshal(t)
	if err != nil {
		panic("kms: encoding a grant token: " + err.Error()) // strings and a number
	}
	return s.tokens.Seal(nil, plain)
}

// openToken reads a token that this installation has made, in a time that it
// still knows of.
func (s *Service) openToken(token string) (grantToken, error) {
	var t grantToken
	plain, err := s.tokens.Open(nil, token)
	if err == nil {
		err = json.Unmarshal(plain, &t)
	}
	if err != nil || s.lost != nil && s.lost(t.Position) {
		return t, errGrantToken
	}
	return t, nil
}

// checkTokens refuses grant tokens that were not made here. Those that were have
// no effect: every grant is in force from the answer that made it.
func (s *Service) checkTokens(tokens []string) error {
	for _, token := range tokens {
		if _, err := s.openToken(token); err != nil {
			return err
		}
	}
	return nil
}

var errGrantToken = &fault.Fault{Code: InvalidGrantToken, Message: "The grant token is not valid."}
