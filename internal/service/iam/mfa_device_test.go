package iam_test

import (
	"bytes"
	"encoding/base32"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"rsc.io/qr"

	"claviger/internal/ground/store"
	"claviger/internal/ground/totp"
	"claviger/internal/kernel/operation"
	"claviger/internal/service/iam"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/principal"
)

// A device shows codes, as somebody's telephone does. Its clock may be off.
type device struct {
	w      *world
	serial string
	seed   []byte
	off    time.Duration
}

// createDevice makes a virtual MFA device of the first account.
func (w *world) createDevice(name string) *device {
	w.t.Helper()
	out := do[iam.CreateVirtualMFADeviceOutput](w.t, w.root(), "CreateVirtualMFADevice", &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some(name)})
	seed, err := base32.StdEncoding.DecodeString(plain(out.VirtualMFADevice.Base32StringSeed))
	if err != nil {
		w.t.Fatal(err)
	}
	return &device{w: w, serial: out.VirtualMFADevice.SerialNumber, seed: seed}
}

func plain(b confidential.Bytes) string { return string(b.Reveal(reveal.Token{})) }

// code is what the device shows some steps from now.
func (d *device) code(steps int64) confidential.Bytes {
	code := totp.Code(d.seed, totp.Step(start.Add(d.w.later+d.off))+steps)
	return confidential.New(code[:])
}

// enable gives a user the device.
func (d *device) enable(name string) *iam.EnableMFADeviceInput {
	return &iam.EnableMFADeviceInput{UserName: some(name), SerialNumber: some(d.serial), AuthenticationCode1: d.code(-1), AuthenticationCode2: d.code(0)}
}

// check tells whether a code of a user's device is right; use takes it.
func (w *world) check(id, serial string, code confidential.Bytes) error {
	return w.store.View(w.t.Context(), func(r store.Reader) error {
		return w.iam.CheckCode(w.t.Context(), r, userPrincipal(id), serial, code, start.Add(w.later))
	})
}

func (w *world) use(id, serial string, code confidential.Bytes) error {
	return w.iam.UseCode(w.t.Context(), userPrincipal(id), serial, code, start.Add(w.later))
}

func userPrincipal(id string) *principal.Principal {
	return &principal.Principal{Kind: principal.User, Account: account, ID: id}
}

func TestCreateVirtualMFADevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some("Phone"), Path: some("/team/"), Tags: []iam.Tag{tag("k", "v")}}
	d := do[iam.CreateVirtualMFADeviceOutput](t, w.root(), "CreateVirtualMFADevice", in).VirtualMFADevice
	if d.SerialNumber != "arn:aws:iam::111122223333:mfa/team/Phone" || len(d.Tags) != 1 || d.User != nil || d.EnableDate.Set {
		t.Errorf("%+v", d)
	}
	if seed, err := base32.StdEncoding.DecodeString(plain(d.Base32StringSeed)); err != nil || len(seed) != 40 {
		t.Errorf("a seed of %d bytes, %v", len(seed), err)
	}
	drawn, err := qr.Encode("otpauth://totp/Phone@111122223333?secret="+plain(d.Base32StringSeed)+"&issuer=Claviger", qr.M)
	if err != nil {
		t.Fatal(err)
	}
	if plain(d.QRCodePNG) != string(drawn.PNG()) {
		t.Error("the picture shows something else")
	}
	if _, err := png.Decode(bytes.NewReader([]byte(plain(d.QRCodePNG)))); err != nil {
		t.Error(err)
	}
	other := do[iam.CreateVirtualMFADeviceOutput](t, w.root(), "CreateVirtualMFADevice", &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some("phone")})
	if plain(other.VirtualMFADevice.Base32StringSeed) == plain(d.Base32StringSeed) || other.VirtualMFADevice.SerialNumber != "arn:aws:iam::111122223333:mfa/phone" {
		t.Errorf("%+v", other.VirtualMFADevice)
	}

	const exists = "MFADevice entity at the same path and name already exists."
	refuse(t, w.root(), "CreateVirtualMFADevice", in, iam.EntityAlreadyExists, exists)
	refuse(t, w.root(), "CreateVirtualMFADevice", &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some("PHONE"), Path: some("/TEAM/")}, iam.EntityAlreadyExists, exists)
	do[iam.CreateVirtualMFADeviceOutput](t, w.otherRoot(), "CreateVirtualMFADevice", in)

	for _, tt := range []struct {
		in      iam.CreateVirtualMFADeviceInput
		message string
	}{
		{iam.CreateVirtualMFADeviceInput{}, "1 validation error detected: Value null at 'virtualMFADeviceName' failed to satisfy constraint: Member must not be null"},
		{iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some("a b")}, "The specified value for virtualMFADeviceName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"},
		{iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some("a"), Path: some("team")}, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."},
		{iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some(strings.Repeat("a", 225)), Path: some("/a/")}, "The serial number of the device would have more than 256 characters."},
		{iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some(strings.Repeat("a", 227))}, "1 validation error detected: Value at 'virtualMFADeviceName' failed to satisfy constraint: Member must have length less than or equal to 226"},
	} {
		refuse(t, w.root(), "CreateVirtualMFADevice", &tt.in, fault.Validation, tt.message)
	}
	do[iam.CreateVirtualMFADeviceOutput](t, w.root(), "CreateVirtualMFADevice", &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some(strings.Repeat("a", 226))})
	do[iam.CreateVirtualMFADeviceOutput](t, w.root(), "CreateVirtualMFADevice", &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some(strings.Repeat("a", 224)), Path: some("/a/")})
}

func TestVirtualMFADeviceQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.update(func(tx store.Txn) error { return iam.SetMFADevices(t.Context(), tx, account, 4999) })
	w.createDevice("last")
	more := &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some("more")}
	refuse(t, w.root(), "CreateVirtualMFADevice", more, fault.LimitExceeded, "Cannot exceed quota for VirtualMFADevicesPerAccount: 5000")
	do[operation.None](t, w.root(), "DeleteVirtualMFADevice", &iam.DeleteVirtualMFADeviceInput{SerialNumber: some("arn:aws:iam::111122223333:mfa/last")})
	do[iam.CreateVirtualMFADeviceOutput](t, w.root(), "CreateVirtualMFADevice", more)
}

// The life of a device: nobody's, a user's, nobody's again.
func TestMFADevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("ann")
	d := w.createDevice("phone")
	w.createDevice("spare")
	listed := func(status string) (serials []string) {
		out := do[iam.ListVirtualMFADevicesOutput](t, w.root(), "ListVirtualMFADevices", &iam.ListVirtualMFADevicesInput{AssignmentStatus: optional.Of[string]{V: status, Set: status != ""}})
		for _, v := range out.VirtualMFADevices {
			if v.Base32StringSeed.IsSet() || v.QRCodePNG.IsSet() || v.Tags != nil {
				t.Errorf("a list shows %+v", v)
			}
			if (v.User != nil) != v.EnableDate.Set || v.User != nil && v.User.UserID != ann.UserID {
				t.Errorf("a list shows the user %+v", v.User)
			}
			serials = append(serials, v.SerialNumber)
		}
		slices.Sort(serials)
		return serials
	}
	spare := "arn:aws:iam::111122223333:mfa/spare"
	expect := func(about, status string, want ...string) {
		t.Helper()
		if got := listed(status); !slices.Equal(got, want) {
			t.Errorf("%s, %q: %v, want %v", about, status, got, want)
		}
	}
	expect("at first", "", d.serial, spare)
	expect("at first", "Assigned")

	const wrong = "Authentication code for device is not valid."
	for about, spoil := range map[string]func(*iam.EnableMFADeviceInput){
		"the same code twice": func(in *iam.EnableMFADeviceInput) { in.AuthenticationCode1 = in.AuthenticationCode2 },
		"in the wrong order": func(in *iam.EnableMFADeviceInput) {
			in.AuthenticationCode1, in.AuthenticationCode2 = d.code(0), d.code(-1)
		},
		"with one left out": func(in *iam.EnableMFADeviceInput) { in.AuthenticationCode1 = d.code(-2) },
		"of long ago": func(in *iam.EnableMFADeviceInput) {
			in.AuthenticationCode1, in.AuthenticationCode2 = d.code(-21), d.code(-20)
		},
		"of far in the future": func(in *iam.EnableMFADeviceInput) {
			in.AuthenticationCode1, in.AuthenticationCode2 = d.code(21), d.code(22)
		},
	} {
		in := d.enable("ann")
		spoil(in)
		if _, err := w.root().call("EnableMFADevice", in); !fault.Is(err, iam.InvalidAuthenticationCode) || fault.From(err).Message != wrong {
			t.Errorf("%s: %v", about, err)
		}
	}
	do[operation.None](t, w.root(), "EnableMFADevice", d.enable("ANN"))
	expect("enabled", "Assigned", d.serial)
	expect("enabled", "Unassigned", spare)
	expect("enabled", "Any", d.serial, spare)
	w.createUser("bob")
	refuse(t, w.root(), "EnableMFADevice", d.enable("bob"), iam.EntityAlreadyExists, "MFA Device is already in use.")
	got := do[iam.GetMFADeviceOutput](t, w.root(), "GetMFADevice", &iam.GetMFADeviceInput{UserName: some("ann"), SerialNumber: some(d.serial)})
	if got.UserName.V != "ann" || got.SerialNumber != d.serial || !got.EnableDate.Equal(start.Truncate(time.Second)) {
		t.Errorf("%+v", got)
	}
	devices := do[iam.ListMFADevicesOutput](t, w.root(), "ListMFADevices", &iam.ListMFADevicesInput{UserName: some("ann")})
	if len(devices.MFADevices) != 1 || devices.MFADevices[0] != (iam.MFADevice{UserName: "ann", SerialNumber: d.serial, EnableDate: start.Truncate(time.Second).UTC()}) {
		t.Errorf("%+v", devices)
	}

	bob := some("bob")
	refuse(t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")}, iam.DeleteConflict, "Cannot delete entity, must delete MFA device first.")
	refuse(t, w.root(), "DeleteVirtualMFADevice", &iam.DeleteVirtualMFADeviceInput{SerialNumber: some(d.serial)}, iam.DeleteConflict, "MFA VirtualDevice in use. Must deactivate first.")
	refuse(t, w.root(), "GetMFADevice", &iam.GetMFADeviceInput{UserName: bob, SerialNumber: some(d.serial)}, iam.NoSuchEntity, "MFA Device invalid for user.")
	refuse(t, w.root(), "GetMFADevice", &iam.GetMFADeviceInput{SerialNumber: some(d.serial)}, iam.NoSuchEntity, "MFA Device invalid for user.")
	refuse(t, w.root(), "DeactivateMFADevice", &iam.DeactivateMFADeviceInput{UserName: bob, SerialNumber: some(d.serial)}, iam.NoSuchEntity, "MFA Device invalid for user.")
	refuse(t, w.root(), "DeactivateMFADevice", &iam.DeactivateMFADeviceInput{UserName: bob, SerialNumber: some("GAHT12345678")}, iam.NoSuchEntity, "VirtualMFADevice with serial number GAHT12345678 doesn't exist.")
	refuse(t, w.otherRoot(), "DeleteVirtualMFADevice", &iam.DeleteVirtualMFADeviceInput{SerialNumber: some(d.serial)}, iam.NoSuchEntity, "VirtualMFADevice with serial number "+d.serial+" doesn't exist.")
	if root := do[iam.ListMFADevicesOutput](t, w.root(), "ListMFADevices", &iam.ListMFADevicesInput{}); root.MFADevices == nil || len(root.MFADevices) != 0 {
		t.Errorf("the root user has %+v", root)
	}

	do[operation.None](t, w.root(), "DeactivateMFADevice", &iam.DeactivateMFADeviceInput{UserName: some("ann"), SerialNumber: some(d.serial)})
	expect("deactivated", "Unassigned", d.serial, spare)
	if _, err := w.root().call("EnableMFADevice", d.enable("ann")); !fault.Is(err, iam.InvalidAuthenticationCode) {
		t.Errorf("with codes that were used: %v", err)
	}
	do[operation.None](t, w.root(), "DeleteVirtualMFADevice", &iam.DeleteVirtualMFADeviceInput{SerialNumber: some(d.serial)})
	do[operation.None](t, w.root(), "DeleteUser", &iam.DeleteUserInput{UserName: some("ann")})
	expect("deleted", "", spare)
}

func TestMFADevicesPerUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser("ann")
	for _, name := range []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"} {
		do[operation.None](t, w.root(), "EnableMFADevice", w.createDevice(name).enable("ann"))
	}
	refuse(t, w.root(), "EnableMFADevice", w.createDevice("a9").enable("ann"), fault.LimitExceeded, "Cannot exceed quota for MFADevicesPerUser: 8")
	var serials []string
	var marker optional.Of[string]
	for pages := 1; ; pages++ {
		out := do[iam.ListMFADevicesOutput](t, w.root(), "ListMFADevices", &iam.ListMFADevicesInput{UserName: some("ann"), MaxItems: optional.Some(3), Marker: marker})
		for _, d := range out.MFADevices {
			serials = append(serials, d.SerialNumber)
		}
		if marker = out.Marker; !out.IsTruncated {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
	}
	var all []string
	marker = optional.Of[string]{}
	for {
		out := do[iam.ListVirtualMFADevicesOutput](t, w.root(), "ListVirtualMFADevices", &iam.ListVirtualMFADevicesInput{AssignmentStatus: some("Assigned"), MaxItems: optional.Some(3), Marker: marker})
		for _, d := range out.VirtualMFADevices {
			all = append(all, d.SerialNumber)
		}
		if marker = out.Marker; !out.IsTruncated {
			break
		}
	}
	slices.Sort(serials)
	slices.Sort(all)
	if len(serials) != 8 || !slices.Equal(serials, all) {
		t.Errorf("%v and %v", serials, all)
	}
}

// A code counts from one step before its own to one after, and once.
func TestCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.createUser("ann").UserID, w.createUser("bob").UserID
	d := w.createDevice("phone")
	do[operation.None](t, w.root(), "EnableMFADevice", d.enable("ann"))
	w.later = time.Hour
	const wrong = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
	for steps := int64(-3); steps <= 3; steps++ {
		err := w.check(ann, d.serial, d.code(steps))
		if in := -1 <= steps && steps <= 1; in != (err == nil) {
			t.Errorf("a code of %d steps from now: %v", steps, err)
		}
	}
	const stranger = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
	checkFault(t, "another's device", w.check(bob, d.serial, d.code(0)), fault.AccessDenied, stranger)
	checkFault(t, "no device", w.check(ann, "arn:aws:iam::111122223333:mfa/none", d.code(0)), fault.AccessDenied, stranger)
	checkFault(t, "nobody", w.check("AIDANOBODY", d.serial, d.code(0)), fault.AccessDenied, stranger)

	if err := w.use(ann, d.serial, d.code(0)); err != nil {
		t.Fatal(err)
	}
	checkFault(t, "used", w.use(ann, d.serial, d.code(0)), fault.AccessDenied, wrong)
	checkFault(t, "older than what was used", w.use(ann, d.serial, d.code(-1)), fault.AccessDenied, wrong)
	if err := w.use(ann, d.serial, d.code(1)); err != nil {
		t.Errorf("the next one: %v", err)
	}

	// A clock that has gone wrong is told by two codes in a row.
	w.later, d.off = 2*time.Hour, 9*time.Minute
	checkFault(t, "a clock that is off", w.use(ann, d.serial, d.code(0)), fault.AccessDenied, wrong)
	resync := iam.ResyncMFADeviceInput(*d.enable("ann"))
	resync.UserName = some("bob")
	refuse(t, w.root(), "ResyncMFADevice", &resync, iam.NoSuchEntity, "MFA Device invalid for user.")
	resync.UserName = some("ann")
	do[operation.None](t, w.root(), "ResyncMFADevice", &resync)
	refuse(t, w.root(), "ResyncMFADevice", &resync, iam.InvalidAuthenticationCode, "Authentication code for device is not valid.")
	w.later += time.Minute
	if err := w.use(ann, d.serial, d.code(0)); err != nil {
		t.Errorf("in step again: %v", err)
	}

	do[operation.None](t, w.root(), "DeactivateMFADevice", &iam.DeactivateMFADeviceInput{UserName: some("ann"), SerialNumber: some(d.serial)})
	w.later += time.Minute
	checkFault(t, "deactivated", w.use(ann, d.serial, d.code(0)), fault.AccessDenied, stranger)
}

// Who guesses gets one try for each time step after five, until a code is right.
func TestGuesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.createUser("ann").UserID
	d := w.createDevice("phone")
	do[operation.None](t, w.root(), "EnableMFADevice", d.enable("ann"))
	w.later = time.Hour
	for range 5 {
		if err := w.check(ann, d.serial, d.code(7)); err == nil {
			t.Fatal("a wrong code is right")
		}
	}
	if err := w.check(ann, d.serial, d.code(0)); err == nil {
		t.Error("the sixth guess in one step was looked at")
	}
	w.later += 30 * time.Second
	if err := w.check(ann, d.serial, d.code(7)); err == nil {
		t.Error("a wrong code is right")
	}
	if err := w.check(ann, d.serial, d.code(0)); err == nil {
		t.Error("the second guess in the next step was looked at")
	}
	w.later += 30 * time.Second
	if err := w.check(ann, d.serial, d.code(0)); err != nil {
		t.Errorf("the first guess in a step: %v", err)
	}
	for range 5 {
		_ = w.check(ann, d.serial, d.code(7))
	}
	if err := w.check(ann, d.serial, d.code(0)); err == nil {
		t.Error("after a right one six guesses were looked at")
	}
}

// A user may be let manage devices that have its own name.
func TestMFADeviceAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.actorNamed("ann", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["iam:CreateVirtualMFADevice","iam:DeleteVirtualMFADevice"],"Resource":"arn:aws:iam::*:mfa/${aws:username}"},
		{"Effect":"Allow","Action":["iam:EnableMFADevice","iam:ResyncMFADevice","iam:ListMFADevices","iam:GetMFADevice"],"Resource":"arn:aws:iam::*:user/${aws:username}"}]}`)
	in := &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some("ann")}
	out := do[iam.CreateVirtualMFADeviceOutput](t, ann, "CreateVirtualMFADevice", in)
	refuse(t, ann, "CreateVirtualMFADevice", &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: some("bob")}, fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:CreateVirtualMFADevice on resource: arn:aws:iam::111122223333:mfa/bob because no identity-based policy allows the iam:CreateVirtualMFADevice action")
	in.VirtualMFADeviceName, in.Tags = some("Ann"), []iam.Tag{tag("k", "v")}
	if _, err := ann.call("CreateVirtualMFADevice", in); !fault.Is(err, fault.AccessDenied) {
		t.Errorf("with a tag: %v", err)
	}
	seed, _ := base32.StdEncoding.DecodeString(plain(out.VirtualMFADevice.Base32StringSeed))
	d := &device{w: w, serial: out.VirtualMFADevice.SerialNumber, seed: seed}
	do[operation.None](t, ann, "EnableMFADevice", d.enable("ann"))
	if own := do[iam.ListMFADevicesOutput](t, ann, "ListMFADevices", &iam.ListMFADevicesInput{}); len(own.MFADevices) != 1 {
		t.Errorf("ann has %+v", own)
	}
	do[iam.GetMFADeviceOutput](t, ann, "GetMFADevice", &iam.GetMFADeviceInput{SerialNumber: some(d.serial)})
	refuse(t, ann, "ListVirtualMFADevices", &iam.ListVirtualMFADevicesInput{}, fault.AccessDenied,
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ListVirtualMFADevices on resource: arn:aws:iam::111122223333:mfa/ because no identity-based policy allows the iam:ListVirtualMFADevices action")
}
