"""A round with boto3: pagination, blobs, errors, two Regions, a presigned call."""

import hashlib
import os
import urllib.request

import boto3
import botocore.exceptions
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]


def client(service, account="111122223333", region="us-east-1"):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name=region, aws_access_key_id=account,
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}))


def refused(code, message, call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as e:
        got = e.response["Error"]
        assert got["Code"] == code, got
        assert got.get("Message", "") == message, got
        assert e.response["ResponseMetadata"]["RequestId"], e.response
        return
    raise AssertionError("not refused: " + code)


kms = client("kms")
keys = [kms.create_key(Description="key %d" % n)["KeyMetadata"] for n in range(7)]
for n, key in enumerate(keys):
    kms.create_alias(AliasName="alias/k%d" % n, TargetKeyId=key["KeyId"])

listed = [k["KeyArn"] for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}) for k in page["Keys"]]
assert sorted(listed) == sorted(k["Arn"] for k in keys), listed
names = [a["AliasName"] for page in kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 3}) for a in page["Aliases"]]
predefined = [name for name in names if name.startswith("alias/aws/")]
assert "alias/aws/s3" in predefined and names == predefined + ["alias/k%d" % n for n in range(7)], names

context = {"Größe": "groß", "b": "2"}
sealed = kms.encrypt(KeyId="alias/k0", Plaintext=bytes(range(256)), EncryptionContext=context)
opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
assert opened["Plaintext"] == bytes(range(256)) and opened["KeyId"] == keys[0]["Arn"], opened
moved = kms.re_encrypt(CiphertextBlob=sealed["CiphertextBlob"], SourceEncryptionContext=context, DestinationKeyId=keys[1]["Arn"])
assert moved["SourceKeyId"] == keys[0]["Arn"] and moved["KeyId"] == keys[1]["Arn"], moved
assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == bytes(range(256))
refused("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.",
        kms.decrypt, CiphertextBlob=moved["CiphertextBlob"], KeyId=keys[0]["KeyId"])
refused("InvalidCiphertextException", "", kms.decrypt, CiphertextBlob=b"not a ciphertext")
assert len(kms.generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024

data = kms.generate_data_key(KeyId=keys[2]["KeyId"], NumberOfBytes=64)
assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=keys[2]["KeyId"], KeySpec="AES_128")
refused("ValidationException", "Please specify either number of bytes or key spec.", kms.generate_data_key, KeyId=keys[2]["KeyId"])

# Keys of other kinds.
signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
assert signer["SigningAlgorithms"] == ["ECDSA_SHA_256"] and "EncryptionAlgorithms" not in signer, signer
assert "CurrentKeyMaterialId" not in signer, signer
digest = hashlib.sha256(b"hello").digest()
signature = kms.sign(KeyId=signer["KeyId"], Message=b"hello", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
assert kms.verify(KeyId=signer["KeyId"], Message=digest, MessageType="DIGEST", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"]
refused("KMSInvalidSignatureException", "", kms.verify, KeyId=signer["KeyId"], Message=b"other", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")
refused("ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256.", kms.sign, KeyId=signer["KeyId"],
        Message=b"hello", MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
refused("InvalidKeyUsageException", signer["Arn"] + " key usage is SIGN_VERIFY which is not valid for Encrypt.", kms.encrypt,
        KeyId=signer["KeyId"], Plaintext=b"x")
public = kms.get_public_key(KeyId=signer["KeyId"])
assert public["PublicKey"][0] == 0x30 and public["SigningAlgorithms"] == ["ECDSA_SHA_256"], public
mac_key = kms.create_key(KeySpec="HMAC_384", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]
mac = kms.generate_mac(KeyId=mac_key["KeyId"], Message=b"hello", MacAlgorithm="HMAC_SHA_384")["Mac"]
assert len(mac) == 48 and kms.verify_mac(KeyId=mac_key["KeyId"], Message=b"hello", MacAlgorithm="HMAC_SHA_384", Mac=mac)["MacValid"]
refused("KMSInvalidMacException", "", kms.verify_mac, KeyId=mac_key["KeyId"], Message=b"hello", MacAlgorithm="HMAC_SHA_384", Mac=mac[:-1])
pair = kms.generate_data_key_pair(KeyId=keys[2]["KeyId"], KeyPairSpec="ECC_NIST_P384")
assert kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"] == pair["PrivateKeyPlaintext"]

# Regions are name spaces.
far = client("kms", region="eu-west-1")
assert far.list_keys()["Keys"] == []
refused("NotFoundException", "Invalid arn us-east-1", far.describe_key, KeyId=keys[0]["Arn"])

# But for multi-Region keys, which are related across them.
primary = kms.create_key(MultiRegion=True)["KeyMetadata"]
made = kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion="eu-west-1", Tags=[{"TagKey": "team", "TagValue": "far"}])
assert made["ReplicaKeyMetadata"]["KeyState"] == "Creating" and not made["ReplicaKeyMetadata"]["Enabled"], made
assert made["ReplicaTags"] == [{"TagKey": "team", "TagValue": "far"}] and "ReplicaPolicy" in made, made
blob = kms.encrypt(KeyId=primary["KeyId"], Plaintext=b"related")["CiphertextBlob"]
opened = far.decrypt(CiphertextBlob=blob)
assert opened["Plaintext"] == b"related" and opened["KeyId"] == primary["Arn"].replace("us-east-1", "eu-west-1"), opened
refused("UnsupportedOperationException", opened["KeyId"] + " is not a multi-region primary key.", far.replicate_key,
        KeyId=primary["KeyId"], ReplicaRegion="us-east-1")
kms.enable_key_rotation(KeyId=primary["KeyId"])
assert far.get_key_rotation_status(KeyId=primary["KeyId"])["KeyRotationEnabled"]
kms.update_primary_region(KeyId=primary["KeyId"], PrimaryRegion="eu-west-1")
related = far.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]["MultiRegionConfiguration"]
assert related == {"MultiRegionKeyType": "PRIMARY", "PrimaryKey": {"Arn": opened["KeyId"], "Region": "eu-west-1"},
                   "ReplicaKeys": [{"Arn": primary["Arn"], "Region": "us-east-1"}]}, related
waiting = far.schedule_key_deletion(KeyId=primary["KeyId"], PendingWindowInDays=7)
assert waiting["KeyState"] == "PendingReplicaDeletion" and "DeletionDate" not in waiting, waiting

# An emulator's favourite omission: a wrong secret is refused.
wrong = boto3.client("kms", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="111122223333", aws_secret_access_key="tEst",
                     config=Config(retries={"max_attempts": 1}))
refused("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.", wrong.list_keys)

# IAM: pages, percent-encoded documents, errors.
iam = client("iam")
for n in range(5):
    iam.create_user(UserName="user%d" % n, Path="/team/")
users = [u["UserName"] for page in iam.get_paginator("list_users").paginate(PathPrefix="/team/", PaginationConfig={"PageSize": 2}) for u in page["Users"]]
assert users == ["user%d" % n for n in range(5)], users
document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:List*","Resource":"*"}]}'
iam.put_user_policy(UserName="user0", PolicyName="list", PolicyDocument=document)
assert iam.get_user_policy(UserName="user0", PolicyName="list")["PolicyDocument"]["Statement"][0]["Action"] == "kms:List*"
refused("EntityAlreadyExists", "User with name USER1 already exists.", iam.create_user, UserName="USER1")
refused("MalformedPolicyDocument", "Syntax errors in policy.", iam.put_user_policy, UserName="user0", PolicyName="x", PolicyDocument="{")

# Managed policies, groups and boundaries: each is in force when its call is answered.
managed = iam.create_policy(PolicyName="keys", Path="/team/", Description="reads keys", PolicyDocument=document, Tags=[{"Key": "team", "Value": "red"}])["Policy"]
assert managed["DefaultVersionId"] == "v1" and managed["AttachmentCount"] == 0 and "Description" not in managed, managed
iam.create_group(GroupName="readers")
iam.add_user_to_group(GroupName="readers", UserName="user1")
unauthorized = "User: arn:aws:iam::111122223333:user/team/user1 is not authorized to perform: kms:ListKeys on resource: * "
key = iam.create_access_key(UserName="user1")["AccessKey"]
reader = boto3.client("kms", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
refused("AccessDeniedException", unauthorized + "because no identity-based policy allows the kms:ListKeys action", reader.list_keys)
iam.attach_group_policy(GroupName="readers", PolicyArn=managed["Arn"])
reader.list_keys()
denying = document.replace("Allow", "Deny")
assert iam.create_policy_version(PolicyArn=managed["Arn"], PolicyDocument=denying, SetAsDefault=True)["PolicyVersion"]["VersionId"] == "v2"
refused("AccessDeniedException", unauthorized + "with an explicit deny in an identity-based policy", reader.list_keys)
iam.set_default_policy_version(PolicyArn=managed["Arn"], VersionId="v1")
reader.list_keys()
iam.put_user_permissions_boundary(UserName="user1", PermissionsBoundary="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
refused("AccessDeniedException", unauthorized + "because no permissions boundary allows the kms:ListKeys action", reader.list_keys)
boundary = iam.get_user(UserName="user1")["User"]["PermissionsBoundary"]
assert boundary == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}, boundary
iam.delete_user_permissions_boundary(UserName="user1")
iam.update_user(UserName="user1", NewUserName="renamed")
reader.list_keys()
assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="renamed")["Groups"]] == ["readers"]
assert iam.get_policy_version(PolicyArn=managed["Arn"], VersionId="v2")["PolicyVersion"]["Document"]["Statement"][0]["Effect"] == "Deny"
entities = iam.list_entities_for_policy(PolicyArn=managed["Arn"])
assert [g["GroupName"] for g in entities["PolicyGroups"]] == ["readers"] and entities["PolicyUsers"] == [], entities
names = [p["PolicyName"] for page in iam.get_paginator("list_policies").paginate(Scope="All", PaginationConfig={"PageSize": 7}) for p in page["Policies"]]
assert names[0] == "keys" and "AdministratorAccess" in names and len(names) == len(set(names)), names
details = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 3}).build_full_result()
assert details["GroupDetailList"][0]["AttachedManagedPolicies"][0]["PolicyArn"] == managed["Arn"], details
refused("DeleteConflict", "Cannot delete a policy attached to entities.", iam.delete_policy, PolicyArn=managed["Arn"])
refused("DeleteConflict", "Cannot delete entity, must remove users from group first.", iam.delete_group, GroupName="readers")

# A presigned call: who signed it, years of tools rely on it.
request = AWSRequest(method="GET", url=ENDPOINT + "/?Action=GetCallerIdentity&Version=2011-06-15")
SigV4QueryAuth(Credentials("111122223333", "test"), "sts", "us-east-1", expires=60).add_auth(request)
with urllib.request.urlopen(request.url) as answer:
    body = answer.read().decode()
assert "<Arn>arn:aws:iam::111122223333:root</Arn>" in body, body
