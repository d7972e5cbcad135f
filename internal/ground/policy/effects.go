package policy

import (
	"encoding/json"
	"slices"
)

// Effects reports whether a stored document has a statement that allows, and one
// that denies. Of a document that can't be read both are true.
func Effects(document string) (allows, denies bool) {
	type statement struct{ Effect string }
	var one struct{ Statement statement }
	var many struct{ Statement []statement }
	if json.Unmarshal([]byte(document), &one) == nil {
		many.Statement = []statement{one.Statement}
	} else if json.Unmarshal([]byte(document), &many) != nil {
		return true, true
	}
	not := func(effect string) bool {
		return slices.ContainsFunc(many.Statement, func(s statement) bool { return s.Effect != effect })
	}
	return not("Deny"), not("Allow")
}
