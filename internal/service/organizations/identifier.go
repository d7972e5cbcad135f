package organizations

import "crypto/rand"

// draw returns n random lower-case letters and digits, each equally likely.
func draw(n int) string {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	drawn := make([]byte, 0, n)
	var b [64]byte
	for {
		_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
		for _, c := range b {
			if c >= 252 { // the bytes above would favour some characters
				continue
			}
			if drawn = append(drawn, alphabet[c%36]); len(drawn) == n {
				return string(drawn)
			}
		}
	}
}
