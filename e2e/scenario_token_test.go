package e2e

import (
	"strings"
	"testing"
)

// TestScenarioTokens is about duplicates, names and tokens of grants.
func TestScenarioTokens(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	key, other := s.newKey(), s.newKey()
	grantee, stranger := s.newUser(s.owner, "grantee", ""), s.newUser(s.owner, "stranger", "")
	var first, second, third, token1, token2, ofStranger string
	grant := granting{key: key, to: grantee.arn, retirer: s.owner.arn, ops: "GenerateDataKey"}
	with := func(name string, id, token *string) granting {
		g := grant
		g.name, g.id, g.token = name, id, token
		return g
	}
	s.play("E1", allowed, s.owner, with("", &first, nil).call)
	s.play("E1, again", allowed, s.owner, with("", &second, nil).call)
	if first == second {
		t.Error("E1: both grants have the same id")
	}
	s.play("E2", allowed, s.owner, retire(key, &first))
	s.play("E2, used", allowed, grantee, dataKey(key, nil, nil))
	s.play("E3", allowed, s.owner, revoke(key, &second))
	s.play("E3, used", denied, grantee, dataKey(key, nil, nil))

	s.play("E4", allowed, s.owner, with("n", &first, &token1).call)
	s.play("E4, again", allowed, s.owner, with("n", &second, &token2).call)
	if first != second || token1 == token2 {
		t.Errorf("E4: grants %s and %s, and the tokens are equal: %v", first, second, token1 == token2)
	}
	elsewhere := with("n", &third, nil)
	elsewhere.key = other
	s.play("E7", allowed, s.owner, elsewhere.call)
	s.play("E5", allowed, s.owner, retireByToken(&token1))
	s.play("E5, the second token", "NotFoundException", s.owner, retireByToken(&token2))
	s.play("E5, used", denied, grantee, dataKey(key, nil, nil))
	s.play("E5, with its token", denied, grantee, dataKey(key, nil, nil, token2))
	s.play("E7, untouched", allowed, grantee, dataKey(other, nil, nil))
	s.play("E6", allowed, s.owner, with("n", &second, nil).call)
	if first == second {
		t.Error("E6: the grant that was retired is back")
	}

	theirs := granting{key: key, to: stranger.arn, ops: "Decrypt", token: &ofStranger}
	s.play("E8, granted", allowed, s.owner, theirs.call)
	s.play("E8", denied, stranger, dataKey(key, nil, nil, ofStranger))
	s.play("E8, another's", denied, s.newUser(s.owner, "third", ""), dataKey(key, nil, nil, ofStranger))
	s.play("E8, for what another grant allows", allowed, grantee, dataKey(key, nil, nil, ofStranger))
	s.play("E9", "InvalidGrantTokenException", grantee, dataKey(key, nil, nil, "AQpAM2RhZT"))
	s.play("E10", "ValidationException", grantee, dataKey(key, nil, nil, strings.Fields(strings.Repeat("AQpAM2RhZT ", 11))...))
	s.checkTrail(t, 21)
	if n := strings.Count(s.everything(), ofStranger); n > 0 {
		t.Errorf("the trail shows a grant token %d times", n)
	}
}

// everything is the whole trail as it is printed.
func (s *stage) everything() string {
	s.t.Helper()
	out, errs, code := command(s.t, []string{"audit", "tail", "--socket", s.admin})
	if code != 0 {
		s.t.Fatalf("audit tail ended with %d: %s", code, errs)
	}
	return out
}
