package operation

import "time"

// An Event is what a service did by itself, such as destroying a key whose time
// had come. Its record says no more than this.
type Event struct {
	Name      string // such as DeleteKey
	Time      time.Time
	Region    string
	Account   string // whose trail receives the record
	Resources []Resource
	Details   []Member // serviceEventDetails
}
