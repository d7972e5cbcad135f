// Makes the calls that it reads, a line of JSON each, with the SDK for JavaScript, and prints what they were answered.

import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(process.argv[2] + "/");
const services = { iam: ["iam", "IAM"], kms: ["kms", "KMS"], organizations: ["organizations", "Organizations"], sts: ["sts", "STS"] };
const clients = new Map();

// client is the one of a service with a caller's credentials.
function client(sdk, name, call) {
  const key = [call.service, call.id, call.secret, call.token].join(" ");
  if (!clients.has(key)) {
    clients.set(key, new sdk[name + "Client"]({
      endpoint: process.env.AWS_ENDPOINT_URL, region: "us-east-1", maxAttempts: 1,
      credentials: { accessKeyId: call.id, secretAccessKey: call.secret, sessionToken: call.token },
    }));
  }
  return clients.get(key);
}

async function play(call) {
  const [folder, name] = services[call.service];
  const sdk = require("@aws-sdk/client-" + folder);
  const to = client(sdk, name, call);
  const Command = sdk[call.operation + "Command"];
  if (!Command) return { unknown: true };
  try {
    if (call.waiter) {
      const waited = await sdk["waitUntil" + call.waiter]({ client: to, maxWaitTime: 60 }, call.input);
      return waited.state === "SUCCESS" ? { pages: [] } : { code: waited.state };
    }
    if (call.pageSize) {
      const pages = [];
      for await (const page of sdk["paginate" + call.operation]({ client: to, pageSize: call.pageSize }, call.input)) pages.push(page);
      return { pages };
    }
    const output = await to.send(new Command(call.input));
    return { pages: [output], requestId: output.$metadata.requestId };
  } catch (e) {
    if (!(e instanceof sdk[name + "ServiceException"])) throw e;
    const modelled = sdk[e.name] && e instanceof sdk[e.name];
    const encoded = e.$response.headers["x-claviger-authorization-message"];
    return { code: e.Code ?? e.Error?.Code ?? e.name, message: e.message, type: modelled ? e.name : "", requestId: e.$metadata.requestId, encoded };
  }
}

// plain has blobs as base64 and leaves out what is no member.
function plain(key, value) {
  if (key === "$metadata") return undefined;
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await play(JSON.parse(line)), plain));
}
