package e2e

import (
	"slices"
	"testing"
	"time"
)

// ofAll is what every record of a call to KMS has.
func ofAll(name string, readOnly bool, key string) object {
	return object{
		"eventVersion": "1.11", "eventSource": "kms.amazonaws.com", "awsRegion": region, "eventType": "AwsApiCall",
		"managementEvent": true, "eventCategory": "Management", "recipientAccountId": house,
		"requestID": uuid, "eventID": uuid, "eventTime": instant, "errorCode": absent, "errorMessage": absent,
		"eventName": name, "readOnly": readOnly,
		"resources": []any{exactly{"accountId": house, "type": "AWS::KMS::Key", "ARN": key}},
	}
}

// TestVoiceIDRecords compares the records of a domain with the published ones:
// the grant through the service, and what the service did with the key. The
// anomalies of the published ones are repaired.
func TestVoiceIDRecords(t *testing.T) {
	t.Parallel()
	v := newVoiceDomain(t)
	v.play("F1", allowed, v.via, v.working(v.key1, &v.g1).call)
	v.play("F2", allowed, v.service.caller, describe("alias/sample-key-alias", forAccount(house)))
	v.play("F4", allowed, v.service.caller, objectKey(v.key1, ofDomain, &v.blob1))
	v.play("F3", allowed, v.service.caller, decrypt(v.key1, &v.blob1, ofDomain, 32))
	v.play("second key", allowed, v.via, v.working(v.key2, &v.g2).call)
	v.play("F5", allowed, v.service.caller, v.reEncrypt(&v.blob1, ofDomain, nil))
	trail := v.checkTrail(t, 6)

	context := exactly{"aws:voiceid:domain:arn": domain}
	holds(t, "F1", v.record(t, trail, "F1"), ofAll("CreateGrant", false, v.key1))
	holds(t, "F1", v.record(t, trail, "F1"), object{
		"userIdentity": exactly{
			"type":        "AssumedRole",
			"principalId": anything,
			"arn":         "arn:aws:sts::" + house + ":assumed-role/SampleRole/SampleUser",
			"accountId":   house,
			"accessKeyId": ashore,
			"invokedBy":   voiceID,
			"sessionContext": exactly{
				"sessionIssuer":       exactly{"type": "Role", "principalId": anything, "arn": v.role, "accountId": house, "userName": "SampleRole"},
				"webIdFederationData": exactly{},
				"attributes":          exactly{"creationDate": instant, "mfaAuthenticated": "false"},
			},
		},
		"sourceIPAddress": "192.0.2.17", "userAgent": "example/1.0",
		"requestParameters": exactly{
			"keyId": v.key1, "granteePrincipal": voiceID, "retiringPrincipal": voiceID,
			"constraints": exactly{"encryptionContextSubset": context},
			"operations": members{"CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey", "GenerateDataKeyPair",
				"GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"},
		},
		"responseElements": exactly{"grantId": grantID, "keyId": v.key1},
		"tlsDetails":       absent,
	})
	issued := v.record(t, trail, "F1")["userIdentity"].(object)["sessionContext"].(object)
	began := issued["attributes"].(object)["creationDate"].(string)
	if ended := v.record(t, trail, "F1")["eventTime"].(string); began > ended {
		t.Errorf("F1: the session began at %s, after its call at %s", began, ended)
	}
	if issuer := issued["sessionIssuer"].(object)["principalId"].(string); v.record(t, trail, "F1")["userIdentity"].(object)["principalId"] != issuer+":SampleUser" {
		t.Errorf("F1: the session of %s is %v", issuer, v.record(t, trail, "F1")["userIdentity"])
	}

	service := object{
		"userIdentity":    exactly{"type": "AWSService", "invokedBy": voiceID},
		"sourceIPAddress": voiceID, "userAgent": voiceID, "responseElements": nil, "tlsDetails": absent,
	}
	for row, want := range map[string]object{
		"F2": {"eventName": "DescribeKey", "sharedEventID": absent, "requestParameters": exactly{"keyId": "alias/sample-key-alias"}},
		"F3": {"eventName": "Decrypt", "sharedEventID": uuid,
			"requestParameters": exactly{"keyId": v.key1, "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": context}},
		"F4": {"eventName": "GenerateDataKeyWithoutPlaintext", "sharedEventID": uuid,
			"requestParameters": exactly{"keyId": v.key1, "keySpec": "AES_256", "encryptionContext": context}},
	} {
		record := v.record(t, trail, row)
		holds(t, row, record, ofAll(want["eventName"].(string), true, v.key1))
		holds(t, row, record, service)
		holds(t, row, record, want)
	}
	record := v.record(t, trail, "F5")
	common := ofAll("ReEncrypt", true, v.key1)
	common["resources"] = []any{
		exactly{"accountId": house, "type": "AWS::KMS::Key", "ARN": v.key1},
		exactly{"accountId": house, "type": "AWS::KMS::Key", "ARN": v.key2},
	}
	holds(t, "F5", record, common)
	holds(t, "F5", record, service)
	holds(t, "F5", record, object{"sharedEventID": uuid, "requestParameters": exactly{
		"sourceKeyId": v.key1, "destinationKeyId": v.key2,
		"sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT", "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
		"sourceEncryptionContext": context, "destinationEncryptionContext": context,
	}})
}

// TestForecastRecords compares the records of a passed role with the published
// ones, in which nothing tells of the service. They also have tlsDetails, which
// calls over plain HTTP don't.
func TestForecastRecords(t *testing.T) {
	t.Parallel()
	p := newPredictor(t)
	role := p.newRole(p.owner, "Admin", trusts(forecast), identityPolicy("kms:RetireGrant"))
	p.key = p.newKey(statement(role, passedActions, viaForecast(region, house)))
	as := p.throughIssuer(p.assume(p.service.caller, role, "Sampleuser01"))
	var blob []byte
	p.play("F6", allowed, as, describe(p.key))
	p.play("F7", allowed, as, p.working().call)
	p.play("GenerateDataKey", allowed, p.service.caller, dataKey(p.key, nil, &blob))
	p.play("Decrypt", allowed, p.service.caller, decrypt(p.key, &blob, nil, 32))
	p.play("F8", allowed, as, retire(p.key, &p.grant))
	p.play("Decrypt, after", denied, p.service.caller, decrypt(p.key, &blob, nil, 32))
	p.play("GenerateDataKey, after", denied, p.service.caller, dataKey(p.key, nil, nil))
	trail := p.checkTrail(t, 7)

	for row, want := range map[string]object{
		"F6": {"eventName": "DescribeKey", "readOnly": true, "requestParameters": exactly{"keyId": p.key}, "responseElements": nil, "additionalEventData": absent},
		"F7": {"eventName": "CreateGrant", "readOnly": false,
			"requestParameters": exactly{"keyId": p.key, "operations": []any{"Decrypt", "GenerateDataKey"}, "granteePrincipal": forecast},
			"responseElements":  exactly{"grantId": p.grant, "keyId": p.key}, "additionalEventData": absent},
		"F8": {"eventName": "RetireGrant", "readOnly": false, "requestParameters": nil,
			"responseElements": exactly{"keyId": p.key}, "additionalEventData": exactly{"grantId": p.grant}},
	} {
		record := p.record(t, trail, row)
		holds(t, row, record, ofAll(want["eventName"].(string), want["readOnly"].(bool), p.key))
		holds(t, row, record, want)
		holds(t, row, record, object{"userIdentity": exactly{
			"type": "AssumedRole", "principalId": anything, "arn": "arn:aws:sts::" + house + ":assumed-role/Admin/Sampleuser01",
			"accountId": house, "accessKeyId": ashore,
			"sessionContext": exactly{
				"sessionIssuer":       exactly{"type": "Role", "principalId": anything, "arn": role, "accountId": house, "userName": "Admin"},
				"webIdFederationData": exactly{},
				"attributes":          exactly{"creationDate": instant, "mfaAuthenticated": "false"},
			},
		}})
	}
	holds(t, "after F8", p.record(t, trail, "Decrypt, after"), object{"errorCode": "AccessDenied", "responseElements": nil})
}

// TestVolumeRecords follows the three grants of a database volume through the trail.
func TestVolumeRecords(t *testing.T) {
	t.Parallel()
	v := newVolume(t)
	v.play("F10", allowed, v.viaRDS, v.first().call)
	v.play("F11", allowed, v.rds, v.second().call)
	v.play("F12", allowed, v.host, volumeKey(v.key, ofBoth, &v.blob))
	v.play("F13", allowed, v.host, v.third().call)
	v.play("F14", allowed, v.machine, decrypt(v.key, &v.blob, ofBoth, 64))
	v.play("F15, g3", allowed, v.rds, retire(v.key, &v.g3))
	v.play("F15, g2", allowed, v.rds, retire(v.key, &v.g2))
	v.play("F15, g1", allowed, v.rds, retire(v.key, &v.g1))
	v.play("F16", denied, v.machine, decrypt(v.key, &v.blob, ofBoth, 64))
	trail := v.checkTrail(t, 9)

	database := exactly{"aws:rds:db-id": "db-1234"}
	both := exactly{"aws:rds:db-id": "db-1234", "aws:ebs:id": "vol-0987654321gfedcba"}
	hold := members{"CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext"}
	granted := func(to string, context exactly, ops members, id string) object {
		return object{
			"requestParameters": exactly{"keyId": v.key, "granteePrincipal": to, "retiringPrincipal": v.rdsRole,
				"operations": ops, "constraints": exactly{"encryptionContextSubset": context}},
			"responseElements": exactly{"grantId": id, "keyId": v.key},
		}
	}
	for _, fixture := range []struct {
		row, name string
		readOnly  bool
		want      object
	}{
		{"F10", "CreateGrant", false, object{"userIdentity": object{"type": "IAMUser", "userName": "customer", "invokedBy": rds}}},
		{"F10", "CreateGrant", false, granted(v.rdsRole, database, hold, v.g1)},
		{"F11", "CreateGrant", false, object{"userIdentity": object{"type": "AssumedRole", "arn": v.rds.arn, "invokedBy": absent}}},
		{"F11", "CreateGrant", false, granted(v.host.arn, database, hold, v.g2)},
		{"F12", "GenerateDataKeyWithoutPlaintext", true, object{
			"userIdentity":      object{"type": "AssumedRole", "arn": "arn:aws:sts::" + house + ":assumed-role/RDS-Host-Role/" + instance},
			"requestParameters": exactly{"keyId": v.key, "numberOfBytes": 64.0, "encryptionContext": both}, "responseElements": nil}},
		{"F13", "CreateGrant", false, object{"userIdentity": object{"type": "AssumedRole", "arn": v.host.arn}}},
		{"F13", "CreateGrant", false, granted(v.machineARN, both, members{"Decrypt"}, v.g3)},
		{"F14", "Decrypt", true, object{
			"userIdentity":      object{"type": "AssumedRole", "arn": v.machine.arn},
			"requestParameters": exactly{"keyId": v.key, "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": both}, "responseElements": nil}},
		{"F15, g1", "RetireGrant", false, object{"requestParameters": nil, "additionalEventData": exactly{"grantId": v.g1}}},
		{"F15, g2", "RetireGrant", false, object{"requestParameters": nil, "additionalEventData": exactly{"grantId": v.g2}}},
		{"F15, g3", "RetireGrant", false, object{"requestParameters": nil, "additionalEventData": exactly{"grantId": v.g3}}},
	} {
		holds(t, fixture.row, v.record(t, trail, fixture.row), ofAll(fixture.name, fixture.readOnly, v.key))
		holds(t, fixture.row, v.record(t, trail, fixture.row), fixture.want)
	}
	holds(t, "F16", v.record(t, trail, "F16"), object{"eventName": "Decrypt", "errorCode": "AccessDenied", "responseElements": nil,
		"userIdentity": object{"arn": v.machine.arn}})
}

// order lists the calls to KMS on a key as the trail has them, with how they ended.
func (s *stage) order(t *testing.T, key string, since int) []string {
	t.Helper()
	var calls []string
	for _, r := range s.inOrder() {
		list, _ := r["resources"].([]any)
		if r["eventSource"] != "kms.amazonaws.com" || !slices.ContainsFunc(list, func(v any) bool { return v.(object)["ARN"] == key }) {
			continue
		}
		name := r["eventName"].(string)
		if code, failed := r["errorCode"].(string); failed {
			name += " " + code
		}
		calls = append(calls, name)
	}
	return calls[min(since, len(calls)):]
}

// before is a time at which evidence is too old.
func before() time.Time { return time.Now().Add(-20 * time.Minute) }
