import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../fakes/seeded-random.ts'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import type { PatchType } from '../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../machinery/json.ts'
import { integerBelow, type Random } from '../machinery/random.ts'
import type { Schema } from '../machinery/schema.ts'
import { isStatusError } from '../machinery/status.ts'
import { type Loose, RegistryFixture } from './registry-fixture.ts'
import { BuiltInSchemas } from './schema/built-in-schemas.ts'

const open = (): RegistryFixture => new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })

/** The outcome of a call that may only succeed or be refused for a reason that its caller can mend. */
async function outcomeOf(attempt: Promise<Loose>): Promise<Loose | undefined> {
  try {
    return await attempt
  } catch (error) {
    if (!isStatusError(error)) throw error
    expect(error.code, error.message).toBeLessThan(500)
    return undefined
  }
}

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>,
  fc.constantFrom<JsonValue>('', null, -1, 1e300, 2 ** 31, 'x'.repeat(300), '\u0000', '__proto__', [null], [{}], {}, [
    [],
  ]),
)
const KEYS = [
  'metadata',
  'spec',
  'status',
  'name',
  'namespace',
  'labels',
  'annotations',
  'finalizers',
  'ownerReferences',
  'uid',
  'resourceVersion',
  'managedFields',
  'template',
  'selector',
  'matchLabels',
  'matchExpressions',
  'containers',
  'image',
  'ports',
  'containerPort',
  'env',
  'volumes',
  'replicas',
  'updateStrategy',
  'rollingUpdate',
  'type',
  'clusterIP',
  'resources',
  'limits',
  '__proto__',
  'constructor',
  '$patch',
  '$retainKeys',
  '$setElementOrder/containers',
]
const key = fc.constantFrom(...KEYS)
const { body } = fc.letrec<{ body: JsonValue }>(tie => ({
  body: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    odd,
    fc.dictionary(key, tie('body'), { maxKeys: 4 }) as fc.Arbitrary<JsonValue>,
    fc.array(tie('body'), { maxLength: 2 }) as fc.Arbitrary<JsonValue>,
  ),
}))

const labels = { app: 'web' }
const containers = [{ name: 'c', image: 'nginx', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } } }]
const seeds: { readonly [resource: string]: JsonObject } = {
  'statefulsets.v1.apps': {
    metadata: { name: 'a' },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  },
  pods: { metadata: { name: 'a', labels }, spec: { containers } },
  services: { metadata: { name: 'a' }, spec: { ports: [{ port: 80 }], selector: labels } },
  configmaps: { metadata: { name: 'a' }, data: { k: 'v' } },
  persistentvolumeclaims: {
    metadata: { name: 'a' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
}
const resources = Object.keys(seeds)

/** A body like one that a user writes, with something odd put somewhere in it. */
const nearMiss = fc
  .tuple(fc.constantFrom(...resources), fc.array(fc.nat(5), { maxLength: 6 }), body)
  .map(([resource, path, value]) => {
    const copy = structuredClone(seeds[resource]!) as Loose
    let at = copy
    for (const step of path) {
      const names = Object.keys(at)
      const name = names[step % names.length]
      if (name === undefined || typeof at[name] !== 'object' || at[name] === null) break
      at = at[name]
    }
    const names = Object.keys(at)
    at[names[(path[0] ?? 0) % names.length] ?? 'extra'] = value
    return { resource, body: copy as JsonValue }
  })

/** What is stored must be acceptable when it is written again as it is. */
async function expectStillValid(server: RegistryFixture, resource: string, object: Loose): Promise<void> {
  const read = await server.get(resource, object.metadata.name)
  expect(await server.update(resource, read)).toEqual(read)
}

test('odd bodies are stored soundly or refused with a reason', async () => {
  await using server = open()
  await fc.assert(
    fc.asyncProperty(nearMiss, async ({ resource, body }) => {
      const created = await outcomeOf(server.call('create', resource, { body }))
      if (!created) return
      await expectStillValid(server, resource, created)
      await server.call('delete', resource, { name: created.metadata.name, body: { gracePeriodSeconds: 0 } })
      await outcomeOf(
        server.patch(resource, created.metadata.name, { type: 'merge', body: { metadata: { finalizers: null } } }),
      )
    }),
    { seed: 7, numRuns: 1500 },
  )
}, 60_000)

test('odd patches leave a sound object or are refused with a reason', async () => {
  await using server = open()
  for (const resource of resources) await server.create(resource, seeds[resource]!)
  const type = fc.constantFrom<PatchType>('merge', 'strategic', 'json', 'apply')
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...resources), type, body, async (resource, type, body) => {
      const options = { fieldManager: 'fuzz', force: true }
      const patched = await outcomeOf(server.patch(resource, 'a', { type, body, options }))
      if (patched && !patched.metadata.deletionTimestamp) await expectStillValid(server, resource, patched)
    }),
    { seed: 7, numRuns: 1500 },
  )
}, 60_000)

test('odd JSON patches, too', async () => {
  await using server = open()
  await server.create('pods', seeds.pods!)
  const pointer = fc
    .array(fc.oneof(key, fc.constantFrom('0', '-', '~1', '')), { maxLength: 4 })
    .map(parts => parts.map(part => `/${part}`).join(''))
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
    path: pointer,
    from: pointer,
    value: odd,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 3 }), async operations => {
      await outcomeOf(server.patch('pods', 'a', { type: 'json', body: operations as unknown as JsonValue }))
    }),
    { seed: 7, numRuns: 1500 },
  )
}, 60_000)

test('odd selectors and list options are answered or refused', async () => {
  await using server = open()
  await server.create('pods', seeds.pods!)
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('a=b', 'a in (b', '!', 'a,,b', 'metadata.name=a', '=', 'x notin ()', '\\', '18446744073709551616'),
  )
  const options = fc.record(
    {
      labelSelector: text,
      fieldSelector: text,
      continue: text,
      resourceVersion: fc.constantFrom('0', '1', '-1', 'x', ''),
      resourceVersionMatch: fc.constantFrom('Exact', 'NotOlderThan', 'Odd' as 'Exact'),
      limit: fc.integer({ min: -1, max: 3 }),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(options, async options => {
      await outcomeOf(server.list('pods', options))
    }),
    { seed: 7, numRuns: 1500 },
  )
}, 60_000)

const ODD_VALUES: readonly JsonValue[] = ['', 0, -1, true, null, 'x', '5%', [], {}, '10.0.0.1', 'A/b/c', 70000]
const WORDS = [
  'web',
  'a',
  'TCP',
  'Always',
  'nginx:1',
  '1Gi',
  '100m',
  'default',
  'Node',
  'v1',
  'apps/v1',
  'In',
  'Exists',
]

/** A value of the schema's shape, with fields left out and now and then something that does not belong there. */
function valueFor(schema: Schema, random: Random, depth = 0): JsonValue {
  const pick = <T>(items: readonly T[]): T => items[integerBelow(random, items.length)]!
  if (random.float() < 0.02) return pick(ODD_VALUES)
  switch (schema.type) {
    case 'object': {
      const likely = depth < 3 ? 0.5 : 0.15
      const fields = [...schema.properties].filter(
        ([name]) => schema.required.includes(name) || random.float() < likely,
      )
      if (depth > 9) return {}
      return Object.fromEntries(fields.map(([name, property]) => [name, valueFor(property, random, depth + 1)]))
    }
    case 'map':
      return schema.values && depth < 9 ? { [pick(WORDS)]: valueFor(schema.values, random, depth + 1) } : {}
    case 'array':
      return schema.items && depth < 9 ? [valueFor(schema.items, random, depth + 1)] : []
    case 'string':
      if (schema.enum) return pick(schema.enum)
      return schema.format === 'date-time' || schema.format === 'micro-time' ? '2026-01-01T00:00:00Z' : pick(WORDS)
    case 'integer':
    case 'number':
      return pick([0, 1, 3, 80])
    case 'boolean':
      return random.float() < 0.5
    case 'quantity':
      return pick(['1', '100m', '1Gi'])
    case 'int-or-string':
      return pick<JsonValue>([1, '10%', 'http'])
    case 'any':
      return pick(ODD_VALUES)
  }
}

test('every kind takes odd objects of its own shape soundly, and shows them in its table', async () => {
  await using server = open()
  const schemas = new BuiltInSchemas()
  const random = seededRandom(3)
  for (const { info } of server.registry.resources()) {
    if (!info.verbs.includes('update')) continue
    const resource = `${info.plural}.${info.version}${info.group ? `.${info.group}` : ''}`
    for (let run = 0; run < 40; run++) {
      const shaped = valueFor(schemas.find(info.schema), random) as Loose
      const body = {
        ...shaped,
        apiVersion: undefined,
        kind: undefined,
        metadata: { name: run % 2 ? 'web' : '10.96.5.5' },
      }
      const created = await outcomeOf(server.call('create', resource, { body }))
      if (!created) continue
      server.table(resource, [created])
      await expectStillValid(server, resource, created)
      await outcomeOf(
        server.patch(resource, created.metadata.name, { type: 'merge', body: { spec: shaped?.spec ?? null } }),
      )
      if (info.subresources.some(({ name }) => name === 'status')) {
        const status = valueFor(schemas.find(info.schema), random) as Loose
        const written = { metadata: { name: created.metadata.name }, status: status?.status ?? {} }
        const updated = await outcomeOf(server.update(resource, written, { subresource: 'status' }))
        if (updated) server.table(resource, [updated])
      }
      await outcomeOf(server.delete(resource, created.metadata.name, { gracePeriodSeconds: 0 }))
    }
  }
}, 60_000)

/** What is applied, in the shape of a kind; lists keep one item of each key. */
const appliedFor = (schema: Schema, random: Random, identity: JsonObject): JsonObject => {
  const { spec } = valueFor(schema, random) as { spec?: JsonValue }
  return {
    ...identity,
    metadata: { name: 'web', labels: { app: random.float() < 0.5 ? 'a' : 'b' } },
    ...(spec && { spec }),
  }
}

test('applying again changes nothing, whoever applied in between', async () => {
  await using server = open()
  const random = seededRandom(5)
  const schemas = new BuiltInSchemas()
  for (const resource of [
    'ingresses.v1.networking.k8s.io',
    'networkpolicies.v1.networking.k8s.io',
    'podtemplates',
    'endpointslices.v1.discovery.k8s.io',
  ]) {
    const { info } = server.resource(resource)
    const identity = { apiVersion: info.group ? `${info.group}/${info.version}` : info.version, kind: info.kind }
    const apply = (body: JsonObject, fieldManager: string): Promise<Loose | undefined> =>
      outcomeOf(server.patch(resource, 'web', { type: 'apply', body, options: { fieldManager, force: true } }))
    for (let run = 0; run < 60; run++) {
      const [a, b] = [
        appliedFor(schemas.find(info.schema), random, identity),
        appliedFor(schemas.find(info.schema), random, identity),
      ]
      const first = await apply(a, 'a')
      if (!first) continue
      expect(await apply(a, 'a')).toEqual(first)
      const both = await apply(b, 'b')
      if (both) expect(await apply(b, 'b')).toEqual(both)
      await expectStillValid(server, resource, both ?? first)
      await outcomeOf(server.delete(resource, 'web'))
    }
  }
}, 60_000)
