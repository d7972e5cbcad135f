package record

import (
	"reflect"

	"claviger/internal/ground/audit"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/ident"
)

// Echo renders the record that a call leaves in another Region: of the same
// request, by the same caller, through the service itself.
// https://docs.aws.amazon.com/kms/latest/developerguide/ct-update-primary-region.html
func (f *Frame) Echo(e *operation.Echo) audit.Entry {
	call, caller, echo := *f.Call, *f.Caller, *f
	call.Region = e.Region
	call.Record = operation.Details{Resources: e.Resources}
	caller.Principal.InvokedBy = f.Source
	echo.Name, echo.Call, echo.Caller = e.Name, &call, &caller
	echo.Request, echo.Response = shown(e.Request), shown(e.Response)
	account := caller.Principal.Account
	return audit.Entry{Account: account, Time: call.Time, Record: echo.render(account, ident.UUID(), "")}
}

// shown renders the shape to which from points. Its tags were found to be right
// when its operation was opened.
func shown(from any) []byte {
	if from == nil {
		return nil
	}
	return PlanOf(reflect.TypeOf(from).Elem()).Append(nil, from, nil)
}
