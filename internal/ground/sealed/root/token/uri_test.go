package token

import (
	"strings"
	"testing"
)

const rest = ";object=root?module-path=/m.so&pin-source=/pin"

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]key{
		"pkcs11:token=a" + rest: {token: "a", object: "root", module: "/m.so", pin: "/pin"},
		"pkcs11:object=root;token=a?pin-source=/pin&module-path=/m.so":           {token: "a", object: "root", module: "/m.so", pin: "/pin"},
		"pkcs11:token=a%20b+c%3b;id=%01%ff?module-path=/m.so&pin-source=file:/p": {token: "a b+c;", id: "\x01\xff", module: "/m.so", pin: "/p"},
		"pkcs11:serial=4711;object=r?module-path=/m%26.so&pin-source=file:///p":  {serial: "4711", object: "r", module: "/m&.so", pin: "/p"},
	} {
		if got, err := parse(text); got != want || err != nil {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"token=a" + rest:                                                     "begins with",
		"pkcs11:":                                                            "no token",
		"pkcs11:object=root":                                                 "no token",
		"pkcs11:token=" + rest:                                               "can't be",
		"pkcs11:token=%zz" + rest:                                            "can't be",
		"pkcs11:token=%00" + rest:                                            "can't be",
		"pkcs11:token=a;token=b" + rest:                                      "twice",
		"pkcs11:token=a;model=b" + rest:                                      "not known",
		"pkcs11:token=a;module-path=b" + rest:                                "not known",
		"pkcs11:token=a" + rest + "&module-name=x":                           "not known",
		"pkcs11:token=a" + rest + "&pin-value=1234":                          "does not belong on a command line",
		"pkcs11:token=a?module-path=/m.so&pin-source=/pin":                   "no key",
		"pkcs11:token=a;object=r":                                            "no module",
		"pkcs11:token=a;object=r?module-path=/m.so":                          "no file with the PIN",
		"pkcs11:token=a;object=r?module-path=m.so&pin-source=/pin":           "absolute",
		"pkcs11:token=a;object=r?module-path=/m.so&pin-source=|/bin/get-pin": "absolute",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		} else if strings.Contains(err.Error(), "1234") {
			t.Errorf("the error repeats the PIN: %v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("pkcs11:token=a" + rest)
	f.Add("pkcs11:token=%41;id=%ff?pin-value=1")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := parse(text)
		whole := (k.token != "" || k.serial != "") && (k.object != "" || k.id != "") && strings.HasPrefix(k.module, "/") && strings.HasPrefix(k.pin, "/")
		if whole != (err == nil) {
			t.Errorf("%q is read as %+v, %v", text, k, err)
		}
	})
}
