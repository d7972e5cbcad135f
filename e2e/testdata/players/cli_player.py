"""Makes the calls that it reads, a line of JSON each, with the AWS CLI, and prints what they were answered.

The program is run as its own script runs it, but once for all calls: to start it takes longer than they do.
"""

import base64
import contextlib
import io
import json
import os
import re
import sys

from awscli.clidriver import create_clidriver
from botocore import xform_name

driver = create_clidriver()

REFUSED = re.compile(r"\s*An error occurred \((\w+)\) when calling the (\w+) operation: ?(.*)\s*", re.DOTALL)


def run(arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = driver.main(arguments)
        except SystemExit as e:  # the parser's way to refuse an argument
            status = e.code
    return status, out.getvalue(), err.getvalue()


def options(given):
    return [word for name, value in given.items() for word in ("--" + xform_name(name, "-"), value)]


def play(call):
    driver.session.set_credentials(call["id"], call["secret"], call.get("token"))
    arguments = ["--endpoint-url", os.environ["AWS_ENDPOINT_URL"], "--output", "json", call["service"]]
    seed = None
    if call.get("waiter"):
        arguments += ["wait", xform_name(call["waiter"], "-")] + options(call["input"])
    elif call["operation"] == "CreateVirtualMFADevice":  # the CLI writes the seed to a file
        seed = os.path.join(os.environ["HOME"], "seed")
        arguments += ["create-virtual-mfa-device", "--outfile", seed, "--bootstrap-method", "Base32StringSeed"] + options(call["input"])
    else:
        arguments += [xform_name(call["operation"], "-"), "--cli-input-json", json.dumps(call["input"])]
        if call.get("pageSize"):
            arguments += ["--page-size", str(call["pageSize"])]
    status, out, err = run(arguments)
    if status == 0:
        output = json.loads(out) if out.strip() else {}
        if seed:
            with open(seed, "rb") as f:
                output["VirtualMFADevice"]["Base32StringSeed"] = base64.b64encode(f.read()).decode()
        return {"pages": [output]}
    refused = REFUSED.fullmatch(err)
    if refused and refused[2] == call["operation"]:
        return {"code": refused[1], "message": refused[3].rstrip("\n")}
    if "Invalid choice" in err:
        return {"unknown": True}
    raise AssertionError("%s: %s %s %s" % (arguments, status, out, err))


for line in sys.stdin:
    print(json.dumps(play(json.loads(line))), flush=True)
