package forwardaccess

import "net/url"

// Parse reads an answer.
var Parse = parse

// Form is what a trade of e sends.
func Form(e *Evidence) url.Values {
	form, err := new(Options).form(e)
	if err != nil {
		panic("forwardaccess: " + err.Error()) // the zero Options are in order
	}
	return form
}
