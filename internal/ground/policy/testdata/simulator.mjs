// Answers authorization questions with the public simulator, for comparison:
// reads a question as one line of JSON, writes one line with its verdict. The
// simulator is installed where the test runs and is no part of this repository.
//
// Its public entry drops condition keys that it thinks do not apply, which
// include those of encryption contexts; its core does not.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const modules = join(process.argv[2], 'node_modules', '@cloud-copilot')
const simulator = (path) => import(pathToFileURL(join(modules, 'iam-simulate', 'dist', 'esm', path)))
const { authorize } = await simulator('core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = await simulator('request/request.js')
const { RequestContextImpl } = await simulator('requestContext.js')
const { DiscoveryContextKeyConstraints } = await simulator('context_keys/discoveryContextKeyConstraints.js')
const { loadPolicy } = await import(pathToFileURL(join(modules, 'iam-policy', 'dist', 'esm', 'index.js')))

const named = (document, i) => loadPolicy(document, { name: `policy ${i}` })
const all = (documents) => documents?.map(named)
const levels = (tree) => (tree ?? []).map((documents, i) => ({ orgIdentifier: `level ${i}`, policies: all(documents) }))

for await (const line of createInterface({ input: process.stdin })) {
  const q = JSON.parse(line)
  let verdict
  try {
    verdict = authorize({
      request: new AwsRequestImpl(q.principal, { resource: q.resource, accountId: q.account }, q.action, new RequestContextImpl(q.context)),
      identityPolicies: all(q.identity ?? []),
      resourcePolicy: q.resourcePolicy && named(q.resourcePolicy, 0),
      permissionBoundaries: all(q.boundary),
      sessionPolicy: q.session && named(q.session, 0),
      serviceControlPolicies: levels(q.serviceControl),
      resourceControlPolicies: levels(q.resourceControl),
      vpcEndpointPolicies: undefined,
      simulationParameters: { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) },
    }).result
  } catch (e) {
    verdict = `failed: ${e.message}`
  }
  process.stdout.write(verdict + '\n')
}
