package kms

import (
	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// checkSigned checks the members that Sign and Verify share.
func checkSigned(c *check.Checks, message confidential.Bytes, form, algorithm optional.Of[string]) {
	checkText(c, message)
	c.Enum("messageType", form, messageForm...)
	if c.Required("signingAlgorithm", algorithm.Set) {
		c.Enum("signingAlgorithm", algorithm, signingAlgorithmNames...)
	}
}

// checkText checks a message that is signed or authenticated.
func checkText(c *check.Checks, message confidential.Bytes) {
	c.Required("message", message.IsSet())
	c.Bytes("message", message.IsSet(), message.Len(), 1, plaintextMax)
}

// signingTarget finds the key of a Sign or a Verify.
func (s *Service) signingTarget(c *operation.Call, keyID string, form sealed.Form, algorithm string, tokens []string) (*target, error) {
	c.Show("messageType", string(form))
	t, err := s.keyOrAlias(c, keyID)
	if err != nil {
		return nil, err
	}
	t.signing, t.messageType = algorithm, string(form)
	return t, s.checkTokens(tokens)
}

// macTarget finds the key of a GenerateMac or a VerifyMac.
func (s *Service) macTarget(c *operation.Call, keyID, algorithm string, tokens []string) (*target, error) {
	t, err := s.keyOrAlias(c, keyID)
	if err != nil {
		return nil, err
	}
	t.mac = algorithm
	return t, s.checkTokens(tokens)
}

func formOf(messageType optional.Of[string]) sealed.Form {
	return sealed.Form(messageType.Or(string(sealed.Raw)))
}

// toUse takes an operation that uses the key's own material up to what only the
// operation can check: usage and algorithm, state, material.
func (k *Key) toUse(operation, usage, algorithm string) (*sealed.Material, error) {
	if err := k.does(operation, usage, algorithm); err != nil {
		return nil, err
	}
	if err := k.ready(toCrypt); err != nil {
		return nil, err
	}
	return k.material()
}

// toSign takes Sign and Verify up to their cryptography.
func (k *Key) toSign(operation, algorithm string, form sealed.Form, length int) (*sealed.Material, error) {
	m, err := k.toUse(operation, usageSignVerify, algorithm)
	if err != nil {
		return nil, err
	}
	return m, checkMessage(algorithm, form, length)
}
