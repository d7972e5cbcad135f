"""Makes the calls that it reads, a line of JSON each, with boto3, and prints what they were answered."""

import base64
import functools
import json
import os
import sys

import boto3
import botocore.exceptions
from botocore import xform_name
from botocore.config import Config

SDK = boto3.Session()
CONFIG = Config(retries={"max_attempts": 1})


def plain(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat()


@functools.cache
def client_of(service, key, secret, token):
    return SDK.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1", config=CONFIG,
                      aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token)


def play(call):
    client = client_of(call["service"], call["id"], call["secret"], call.get("token"))
    name, given = xform_name(call["operation"]), call["input"]
    if not hasattr(client, name):
        return {"unknown": True}
    try:
        if call.get("waiter"):
            client.get_waiter(xform_name(call["waiter"])).wait(WaiterConfig={"Delay": 1, "MaxAttempts": 2}, **given)
            return {"pages": []}
        if call.get("pageSize"):
            pages = client.get_paginator(name).paginate(PaginationConfig={"PageSize": call["pageSize"]}, **given)
            return {"pages": list(pages)}
        output = getattr(client, name)(**given)
    except botocore.exceptions.ClientError as e:
        modelled = type(e) is not botocore.exceptions.ClientError
        assert not modelled or isinstance(e, getattr(client.exceptions, type(e).__name__))
        about = e.response["ResponseMetadata"]
        return {"code": e.response["Error"]["Code"], "message": e.response["Error"].get("Message", ""),
                "type": type(e).__name__ if modelled else "", "requestId": about.get("RequestId", ""),
                "encoded": about["HTTPHeaders"].get("x-claviger-authorization-message", "")}
    request = output.pop("ResponseMetadata")["RequestId"]
    return {"pages": [output], "requestId": request}


for line in sys.stdin:
    print(json.dumps(play(json.loads(line)), default=plain), flush=True)
