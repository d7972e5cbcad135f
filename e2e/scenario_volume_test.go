package e2e

import (
	"testing"
)

// The services of a database volume.
const (
	rds = "rds.amazonaws.com"
	ec2 = "ec2.amazonaws.com"
)

var (
	ofDatabase = pairs{"aws:rds:db-id": "db-1234"}
	ofVolume   = pairs{"aws:ebs:id": "vol-0987654321gfedcba"}
	ofBoth     = both(ofDatabase, ofVolume)
	ofAnother  = pairs{"aws:rds:db-id": "db-9999"}
)

const (
	customerActions = "kms:CreateGrant kms:GenerateDataKeyWithoutPlaintext kms:Decrypt kms:DescribeKey"
	volumeHolds     = "CreateGrant Decrypt GenerateDataKeyWithoutPlaintext"
	instance        = "i-1234567890abcdefg"
)

// A volume is the cast of the three grants of a database volume.
type volume struct {
	*stage
	key                      string
	customer, viaRDS         *caller
	rdsRole, hostRole        string
	rds, host, otherHost     *caller
	instanceRole, machineARN string
	machine                  *caller
	database, compute        *service
	g1, g2, g3               string
	blob                     []byte
}

// newVolume sets the stage; nothing is granted yet.
func newVolume(t *testing.T) *volume {
	t.Helper()
	v := &volume{stage: newStage(t)}
	v.customer = v.newUser(v.owner, "customer", "")
	v.key = v.newKey(statement(v.customer.arn, customerActions, ""))
	v.database = v.register(rds, kmsActions)
	v.compute = v.register(ec2, kmsActions, "--infrastructure")
	v.rdsRole = v.newRole(v.owner, "RDS-Service", trusts(rds), "")
	v.hostRole = v.newRole(v.owner, "RDS-Host-Role", trusts(ec2), "")
	v.instanceRole = v.newRole(v.owner, "EC2-Instance-Role", trusts(ec2), "")
	v.rds = v.assume(v.database.caller, v.rdsRole, "rds")
	v.host = v.assume(v.compute.caller, v.hostRole, instance)
	v.otherHost = v.assume(v.compute.caller, v.hostRole, "i-0000000000000000")
	v.machine = v.assume(v.compute.caller, v.instanceRole, instance)
	v.machineARN = v.machine.arn
	v.viaRDS = v.through(v.customer, v.database)
	return v
}

func (v *volume) first() granting {
	return granting{key: v.key, to: v.rdsRole, retirer: v.rdsRole, ops: volumeHolds, under: subset(ofDatabase), id: &v.g1}
}

func (v *volume) second() granting {
	return granting{key: v.key, to: v.host.arn, retirer: v.rdsRole, ops: volumeHolds, under: subset(ofDatabase), id: &v.g2}
}

func (v *volume) third() granting {
	return granting{key: v.key, to: v.machineARN, retirer: v.rdsRole, ops: "Decrypt", under: subset(ofBoth), id: &v.g3}
}

// create makes the three grants and the volume's key.
func (v *volume) create() {
	v.t.Helper()
	v.play("grant to RDS", allowed, v.viaRDS, v.first().call)
	v.play("grant to the host", allowed, v.rds, v.second().call)
	v.play("volume key", allowed, v.host, volumeKey(v.key, ofBoth, &v.blob))
	v.play("attachment grant", allowed, v.host, v.third().call)
}

// TestScenarioVolume is the chain of three grants, each narrower than the one
// under which it was made, and everything that must fail on the way.
func TestScenarioVolume(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	var alien []byte
	var strict string
	v.play("A1", allowed, v.viaRDS, v.first().call)
	v.play("A2", allowed, v.rds, volumeKey(v.key, ofDatabase, nil))
	v.play("A3", denied, v.rds, volumeKey(v.key, nil, nil))
	v.play("A4, the blob", allowed, v.customer, volumeKey(v.key, ofAnother, &alien))
	v.play("A4", denied, v.rds, decrypt(v.key, &alien, ofAnother, 64))
	v.play("A5", denied, v.rds, dataKey(v.key, ofDatabase, nil))
	v.play("A6", denied, v.rds, encrypt(v.key, ofDatabase))
	v.play("A7", allowed, v.rds, v.second().call)
	v.play("A8", denied, v.rds, granting{key: v.key, to: v.host.arn, ops: "Decrypt Encrypt", under: subset(ofDatabase)}.call)
	v.play("A8, ReEncryptFrom", denied, v.rds, granting{key: v.key, to: v.host.arn, ops: "Decrypt ReEncryptFrom", under: subset(ofDatabase)}.call)
	v.play("A9", denied, v.rds, granting{key: v.key, to: v.host.arn, ops: "Decrypt"}.call)
	v.play("A10", denied, v.rds, granting{key: v.key, to: v.host.arn, ops: "Decrypt", under: subset(ofAnother)}.call)
	v.play("A11", allowed, v.rds, granting{key: v.key, to: v.host.arn, ops: "Decrypt", under: equals(ofDatabase), id: &strict}.call)
	v.play("A11, revoked", allowed, v.owner, revoke(v.key, &strict))
	v.play("A12", allowed, v.host, volumeKey(v.key, ofBoth, &v.blob))
	v.play("A13", denied, v.otherHost, decrypt(v.key, &v.blob, ofBoth, 64))
	v.play("A14", allowed, v.host, v.third().call)
	v.play("A15", denied, v.host, granting{key: v.key, to: v.machineARN, ops: "Decrypt", under: subset(ofVolume)}.call)
	v.play("A16", allowed, v.machine, decrypt(v.key, &v.blob, ofBoth, 64))
	v.play("A17", denied, v.machine, decrypt(v.key, &v.blob, ofDatabase, 64))
	v.play("A18", "InvalidCiphertextException", v.machine, decrypt(v.key, &v.blob, both(ofBoth, pairs{"x": "y"}), 64))
	v.play("A19", denied, v.machine, volumeKey(v.key, ofBoth, nil))
	v.play("A20", denied, v.machine, v.third().call)
	v.play("A21", allowed, v.owner, lists(v.key, &v.g1, &v.g2, &v.g3))
	v.play("A22", allowed, v.customer, decrypt(v.key, &v.blob, ofBoth, 64))
	v.play("A27, disabled", allowed, v.owner, disable(v.key))
	v.play("A27", "DisabledException", v.machine, decrypt(v.key, &v.blob, ofBoth, 64))
	v.play("A27, enabled", allowed, v.owner, enable(v.key))
	v.play("A27, again", allowed, v.machine, decrypt(v.key, &v.blob, ofBoth, 64))
	v.play("A23", allowed, v.rds, retire(v.key, &v.g3))
	v.play("A23, after", denied, v.machine, decrypt(v.key, &v.blob, ofBoth, 64))
	v.play("A24", allowed, v.rds, retire(v.key, &v.g1))
	v.play("A24, after", allowed, v.host, volumeKey(v.key, ofBoth, nil))
	v.play("A25", allowed, v.rds, retire(v.key, &v.g2))
	v.play("A25, after", denied, v.host, volumeKey(v.key, ofBoth, nil))
	v.play("A25, nor open", denied, v.host, decrypt(v.key, &v.blob, ofBoth, 64))
	v.play("A26, taken away", allowed, v.owner, putKeyPolicy(v.key, statement(v.customer.arn, "kms:GenerateDataKeyWithoutPlaintext kms:Decrypt kms:DescribeKey", "")))
	v.play("A26", denied, v.viaRDS, v.first().call)
	v.play("none left", allowed, v.owner, lists(v.key))
	v.checkTrail(t, 39)
}

// TestScenarioVolumeOfUser is a volume of a user's own, whose grantee is the
// instance's infrastructure in the short form.
func TestScenarioVolumeOfUser(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	disk, machine := pairs{"aws:ebs:id": "vol-f67bafb2"}, "i-81e2f56c"
	role := "arn:aws:iam::" + house + ":role/aws:ec2-infrastructure"
	infrastructure := v.assume(v.compute.caller, role, machine)
	neighbour := v.assume(v.compute.caller, role, "i-00000000")
	viaEC2 := v.through(v.customer, v.compute)
	grant := granting{key: v.key, to: house + ":aws:ec2-infrastructure:" + machine, ops: "Decrypt", under: subset(disk), id: &v.g1}
	v.play("CreateVolume", allowed, viaEC2, volumeKey(v.key, disk, &v.blob))
	v.play("before", denied, infrastructure, decrypt(v.key, &v.blob, disk, 64))
	v.play("RunInstances", allowed, viaEC2, grant.call)
	v.play("attach", allowed, infrastructure, decrypt(v.key, &v.blob, disk, 64))
	v.play("another instance", denied, neighbour, decrypt(v.key, &v.blob, disk, 64))
	v.play("another volume", denied, infrastructure, decrypt(v.key, &v.blob, pairs{"aws:ebs:id": "vol-00000000"}, 64))
	trail := v.checkTrail(t, 6)

	made := v.record(t, trail, "RunInstances")
	holds(t, "RunInstances", made, object{
		"requestParameters": object{"granteePrincipal": house + ":aws:ec2-infrastructure:" + machine,
			"constraints": exactly{"encryptionContextSubset": exactly{"aws:ebs:id": "vol-f67bafb2"}}},
	})
	holds(t, "attach", v.record(t, trail, "attach"), object{
		"userIdentity": object{
			"type":        "AssumedRole",
			"principalId": house + ":aws:ec2-infrastructure:" + machine,
			"arn":         "arn:aws:sts::" + house + ":assumed-role/aws:ec2-infrastructure/" + machine,
			"accountId":   house,
			"invokedBy":   absent,
		},
		"requestParameters": object{"encryptionContext": exactly{"aws:ebs:id": "vol-f67bafb2"}},
	})
}
