package app

import "net"

// notify tells the service manager that started this process, if one did that
// wants to know, what it does now. The protocol is that of sd_notify(3): a
// datagram with lines of assignments, to the socket that NOTIFY_SOCKET names,
// where @ stands for the zero byte of an abstract name. Nobody waits for it, and
// a manager that has gone is no reason to stop.
func notify(getenv func(string) string, state string) {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
