import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpClient } from './http-client.ts'
import { type RunningServer, startServer } from './running-server.ts'

/** A sample in every run; `HOLDFAST_FUZZ_RUNS=200000 npx vitest run test/server/fuzz.test.ts` for a long one. */
const RUNS = Number(process.env.HOLDFAST_FUZZ_RUNS ?? 400)
const TIMEOUT_MS = 30_000 + RUNS * 50

let running: RunningServer
let client: HttpClient

beforeAll(async () => {
  running = await startServer()
  client = new HttpClient(running, await running.certificateFor('admin', ['system:masters']))
  await send('POST', '/api/v1/namespaces/default/serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  })
  for (const { path, object } of seeds) await send('POST', path, object)
})
afterAll(async () => {
  client[Symbol.dispose]()
  expect(running.errors).toEqual([])
  await running[Symbol.asyncDispose]()
})

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const template = {
  metadata: { labels: { app: 'x' } },
  spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] },
}
const seeds: { path: string; object: Json }[] = [
  {
    path: '/api/v1/namespaces/default/configmaps',
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'seed', labels: { a: 'b' } }, data: { k: 'v' } },
  },
  {
    path: '/api/v1/namespaces/default/pods',
    object: { apiVersion: 'v1', kind: 'Pod', ...template, metadata: { name: 'seed' } },
  },
  {
    path: '/api/v1/namespaces/default/services',
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'seed' },
      spec: { selector: { app: 'x' }, ports: [{ port: 80, name: 'web' }] },
    },
  },
  {
    path: '/apis/apps/v1/namespaces/default/statefulsets',
    object: {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'seed' },
      spec: {
        serviceName: 'x',
        replicas: 1,
        selector: { matchLabels: { app: 'x' } },
        template,
        volumeClaimTemplates: [
          {
            metadata: { name: 'd' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    },
  },
  {
    path: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    object: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'seed' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    },
  },
  {
    path: '/api/v1/namespaces/default/resourcequotas',
    object: {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'seed' },
      spec: { hard: { 'count/jobs.batch': '5' } },
    },
  },
  {
    path: '/api/v1/namespaces/default/limitranges',
    object: {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'seed' },
      spec: { limits: [{ type: 'PersistentVolumeClaim', max: { storage: '5Ti' } }] },
    },
  },
  {
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    object: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
    },
  },
  {
    path: '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
    object: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'seed' },
      spec: {
        tls: [{ hosts: ['a.example'] }],
        rules: [
          {
            host: 'a.example',
            http: {
              paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'x', port: { number: 80 } } } }],
            },
          },
        ],
      },
    },
  },
  {
    path: '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies',
    object: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'seed' },
      spec: {
        podSelector: {},
        ingress: [
          { ports: [{ port: 80, endPort: 90 }], from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] },
        ],
      },
    },
  },
  {
    path: '/api/v1/persistentvolumes',
    object: {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'seed' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        hostPath: { path: '/x' },
        nodeAffinity: {
          required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'In', values: ['v'] }] }] },
        },
      },
    },
  },
  {
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    object: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'fuzzed' },
      spec: {
        group: 'fuzz.example',
        scope: 'Namespaced',
        names: { plural: 'seeds', kind: 'Seed' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    properties: {
                      list: {
                        type: 'array',
                        'x-kubernetes-list-type': 'set',
                        items: { type: 'string', pattern: '^a+$' },
                      },
                      either: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
                    },
                    'x-kubernetes-validations': [{ rule: 'self.list.size() < 5', messageExpression: "'x'" }],
                  },
                },
              },
            },
          },
        ],
      },
    },
  },
  {
    path: '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
    object: {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'PriorityLevelConfiguration',
      metadata: { name: 'seed' },
      spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: { queues: 2, handSize: 1 } } } },
    },
  },
  {
    path: '/api/v1/namespaces/default/serviceaccounts/default/token',
    object: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['a'] } },
  },
]

const send = async (method: string, path: string, body: Json | string, type = 'application/json') => {
  const answer = await client.request(path, {
    method,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': type },
  })
  if (answer.code >= 400) expectNothingInternal(answer.json?.message ?? '', JSON.stringify(body))
  return answer
}

/** Stacks, files and names of the language's own errors are for the log. What the client sent may come back. */
function expectNothingInternal(message: string, sent: string): void {
  const found =
    /node_modules|[\w-]+\.[jt]s:\d+|\n\s+at \S+ \(|\b(?:TypeError|RangeError|ReferenceError)\b|undefined is not|Cannot read prop/.exec(
      message,
    )
  if (found && !sent.includes(found[0])) throw new Error(`the answer tells of the inside: ${message}`)
}

const nasty = fc.constantFrom<Json>(
  null,
  '',
  0,
  -1,
  1e308,
  2 ** 53,
  true,
  [],
  {},
  [null],
  [[]],
  '__proto__',
  'constructor',
  '9'.repeat(300),
  '\u0000',
  'a/b',
  '1Gi',
  '-5',
  '100%',
  { $patch: 'delete' },
  { $patch: 'replace' },
)
const anyJson = fc.oneof(nasty, fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>)

/** The seed with a few of its parts replaced, removed or joined by others. */
const mutated = (object: Json): fc.Arbitrary<Json> =>
  fc
    .array(
      fc.record({
        where: fc.array(fc.nat(9), { maxLength: 7 }),
        value: anyJson,
        key: fc.option(fc.constantFrom('toString', 'constructor', 'metadata', 'finalizers', 'x')),
      }),
      { maxLength: 3 },
    )
    .map(changes => {
      const copy = structuredClone(object)
      // Copied too: a value that is shared, and changed by the next change, would come to hold itself.
      for (const { where, value, key } of changes) change(copy, where, structuredClone(value), key)
      return copy
    })

function change(root: Json, where: readonly number[], value: Json, key: string | null): void {
  let part = root
  for (const [depth, step] of where.entries()) {
    if (typeof part !== 'object' || part === null) return
    const names = Object.keys(part)
    const name = names[step % Math.max(1, names.length)]
    if (name === undefined) return
    const container = part as { [key: string]: Json }
    if (depth === where.length - 1) container[key ?? name] = value
    else part = container[name]!
  }
}

const queries = fc.oneof(
  fc.constant(''),
  fc
    .array(
      fc.tuple(
        fc.constantFrom(
          'labelSelector',
          'fieldSelector',
          'limit',
          'continue',
          'resourceVersion',
          'resourceVersionMatch',
          'dryRun',
          'fieldValidation',
          'fieldManager',
          'force',
          'timeoutSeconds',
        ),
        fc.oneof(
          fc.constantFrom('All', 'Strict', '1', 'a=b', 'a in (b,c)', 'metadata.name=x', '!', 'Exact', 'true'),
          fc.string(),
        ),
      ),
      { maxLength: 3 },
    )
    .map(pairs => `?${new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value]))}`),
)

const seed = fc.constantFrom(...seeds)

test(
  'no created object is beyond an answer, and none is stored that could not be stored again',
  async () => {
    const input = seed.chain(({ path, object }) =>
      fc.record({ path: fc.constant(path), object: mutated(object), query: queries }),
    )
    await fc.assert(
      fc.asyncProperty(input, async ({ path, object, query }) => {
        const renamed =
          typeof object === 'object' &&
          object !== null &&
          !Array.isArray(object) &&
          typeof object.metadata === 'object' &&
          object.metadata !== null
            ? { ...object, metadata: { ...object.metadata, name: 'fuzzed' } }
            : object
        const created = await send('POST', `${path}${query}`, renamed as Json)
        expect(created.code).not.toBe(500)
        if (created.code !== 201 || query.includes('dryRun') || !created.json.metadata?.uid) return
        const stored = await client.request(`${path}/fuzzed`)
        const again = await send('PUT', `${path}/fuzzed`, stored.json)
        // The server itself may have written its status in between.
        if (again.code !== 409)
          expect({ code: again.code, message: again.json.message }).toEqual({ code: 200, message: undefined })
        await send('DELETE', `${path}/fuzzed?gracePeriodSeconds=0`, {})
        await send('PATCH', `${path}/fuzzed`, { metadata: { finalizers: null } }, 'application/merge-patch+json')
      }),
      { numRuns: RUNS },
    )
  },
  TIMEOUT_MS,
)

test(
  'no patch is beyond an answer',
  async () => {
    const types = fc.constantFrom(
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
      'application/apply-patch+yaml',
    )
    const operation = fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
      path: fc.oneof(
        fc.constantFrom(
          '/metadata/labels/a',
          '/spec',
          '/',
          '',
          '/data/-',
          '/spec/template/spec/containers/0/name',
          '/__proto__/x',
          '/constructor/prototype/x',
        ),
        fc.string(),
      ),
      from: fc.constantFrom('/metadata', '/spec', '/x'),
      value: anyJson,
    })
    const body = ({ object }: { object: Json }) =>
      fc.oneof(mutated(object), fc.array(operation, { maxLength: 3 }) as fc.Arbitrary<Json>, anyJson)
    const input = fc
      .constantFrom(...seeds.filter(({ path }) => !/reviews$|\/token$/.test(path)))
      .chain(one => fc.record({ path: fc.constant(one.path), body: body(one), type: types, query: queries }))
    await fc.assert(
      fc.asyncProperty(input, async ({ path, body: patch, type, query }) => {
        const { code } = await send('PATCH', `${path}/seed${query || '?dryRun=All'}`, patch, type)
        expect(code).not.toBe(500)
      }),
      { numRuns: RUNS },
    )
  },
  TIMEOUT_MS,
)

test(
  'no text and no query is beyond an answer',
  async () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'{}[]",:0 ae\\u-\n&*!|>') }),
    )
    const type = fc.constantFrom(
      'application/json',
      'application/yaml',
      'application/vnd.kubernetes.protobuf',
      'text/plain',
      '',
    )
    await fc.assert(
      fc.asyncProperty(seed, text, type, queries, async ({ path }, body, mediaType, query) => {
        expect((await send('POST', path, body, mediaType)).code).not.toBe(500)
        expect((await client.request(`${path}${query}`)).code).not.toBe(500)
      }),
      { numRuns: RUNS },
    )
  },
  TIMEOUT_MS,
)
