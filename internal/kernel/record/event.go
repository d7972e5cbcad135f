package record

import (
	"claviger/internal/ground/audit"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/ident"
)

// itself stands in records where a caller, an address or an agent would, had
// there been a call.
const itself = "AWS Internal"

// Event renders the record of what the service with an event source did by
// itself. It has no request id, since nobody requested it.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/non-api-aws-service-events.html
func Event(source string, e *operation.Event) audit.Entry {
	w := writer{b: make([]byte, 0, frameBytes)}
	w.open()
	w.text("eventVersion", version)
	w.key("userIdentity")
	w.open()
	w.text("accountId", e.Account)
	w.text("invokedBy", itself)
	w.close()
	w.time("eventTime", e.Time)
	w.text("eventSource", source)
	w.text("eventName", e.Name)
	w.text("awsRegion", e.Region)
	w.text("sourceIPAddress", itself)
	w.text("userAgent", itself)
	w.raw("requestParameters", bounded(nil))
	w.raw("responseElements", bounded(nil))
	w.text("eventID", ident.UUID())
	w.bool("readOnly", false)
	resources(&w, e.Resources, e.Account, true)
	w.text("eventType", "AwsServiceEvent")
	w.bool("managementEvent", true)
	w.text("recipientAccountId", e.Account)
	if len(e.Details) > 0 {
		w.key("serviceEventDetails")
		w.open()
		for _, m := range e.Details {
			w.member(m)
		}
		w.close()
	}
	w.text("eventCategory", "Management")
	w.close()
	return audit.Entry{Account: e.Account, Time: e.Time, Record: w.b}
}
