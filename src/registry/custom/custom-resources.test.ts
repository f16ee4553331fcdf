import { expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { failureOf, RegistryFixture } from '../registry-fixture.ts'

const DEFINITIONS = 'customresourcedefinitions.v1.apiextensions.k8s.io'
const BACKUPS = 'backups.v1.example.com'

const open = async (): Promise<RegistryFixture> => {
  const server = new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })
  await server.registry.whenReady()
  return server
}

const spec = {
  type: 'object',
  required: ['schedule'],
  properties: {
    schedule: { type: 'string', pattern: '^[0-9*/ ]+$' },
    replicas: { type: 'integer', minimum: 1, default: 2 },
    mode: { type: 'string', enum: ['Full', 'Partial'] },
    tags: { type: 'object', additionalProperties: { type: 'string' } },
  },
}
const definition = (version = {}): JsonObject => ({
  metadata: { name: 'backups.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'backups', kind: 'Backup', shortNames: ['bk'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec, status: { type: 'object', properties: { replicas: { type: 'integer' } } } },
          },
        },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        additionalPrinterColumns: [
          { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule' },
          { name: 'Copies', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
        ],
        ...version,
      },
    ],
  },
})

/** Resolves when the registry says that its resources changed. */
const changed = (server: RegistryFixture): Promise<void> =>
  new Promise(resolve => {
    const subscription = server.registry.onChange(() => {
      subscription[Symbol.dispose]()
      resolve()
    })
  })

async function define(server: RegistryFixture, body = definition()): Promise<void> {
  const served = changed(server)
  await server.create(DEFINITIONS, body)
  await served
}

test('a definition is established, and its kind served', async () => {
  await using server = await open()
  await define(server)
  const { info } = server.resource(BACKUPS)
  expect(info).toMatchObject({ kind: 'Backup', singular: 'backup', shortNames: ['bk'], namespaced: true })
  await (server.clock as VirtualClock).rest()
  const { status } = await server.get(DEFINITIONS, 'backups.example.com')
  expect(
    status.conditions.map((condition: { type: string; status: string }) => `${condition.type}=${condition.status}`),
  ).toEqual(['NamesAccepted=True', 'Established=True'])
  expect(status.acceptedNames.plural).toBe('backups')
})

test('custom objects are pruned, get defaults, and count their generations', async () => {
  await using server = await open()
  await define(server)
  const created = await server.create(BACKUPS, {
    metadata: { name: 'a' },
    spec: { schedule: '* *', nonsense: 1 },
    status: { replicas: 9 },
  })
  expect(created).toMatchObject({ apiVersion: 'example.com/v1', kind: 'Backup', metadata: { generation: 1 } })
  expect(created.spec).toEqual({ schedule: '* *', replicas: 2 })
  expect(created.status).toBeUndefined()
  expect(server.warnings).toEqual(['unknown field "spec.nonsense"'])
  const scaled = await server.patch(BACKUPS, 'a', {
    type: 'merge',
    body: { spec: { replicas: 5 } },
    subresource: 'scale',
  })
  expect(scaled.spec.replicas).toBe(5)
  expect((await server.get(BACKUPS, 'a')).metadata.generation).toBe(2)
})

test('custom objects are validated with upstream texts', async () => {
  await using server = await open()
  await define(server)
  const bad = { metadata: { name: 'a' }, spec: { schedule: 'often', replicas: 0, mode: 'Sometimes', tags: { x: 1 } } }
  const { details } = await failureOf(server.create(BACKUPS, bad))
  expect(details!.causes!.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    `spec.schedule: Invalid value: "often": spec.schedule in body should match '^[0-9*/ ]+$'`,
    'spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1',
    'spec.mode: Unsupported value: "Sometimes": supported values: "Full", "Partial"',
    'spec.tags.x: Invalid value: "integer": spec.tags.x in body must be of type string: "integer"',
  ])
  const missing = await failureOf(server.create(BACKUPS, { metadata: { name: 'a' }, spec: {} }))
  expect(missing.message).toBe('Backup.example.com "a" is invalid: spec.schedule: Required value')
})

test('printer columns make the table', async () => {
  await using server = await open()
  await define(server)
  const created = await server.create(BACKUPS, { metadata: { name: 'a' }, spec: { schedule: '1 2' } })
  const { columnDefinitions, rows } = server.table(BACKUPS, [created])
  expect(columnDefinitions.map(({ name, priority }) => [name, priority])).toEqual([
    ['Name', 0],
    ['Schedule', 0],
    ['Copies', 1],
  ])
  expect(rows[0]!.cells).toEqual(['a', '1 2', 2])
})

test('a deleted definition takes its objects along', async () => {
  await using server = await open()
  await define(server)
  await server.create(BACKUPS, { metadata: { name: 'a' }, spec: { schedule: '1 2' } })
  const gone = changed(server)
  await server.delete(DEFINITIONS, 'backups.example.com')
  await gone
  expect(server.registry.find('example.com', 'v1', 'backups')).toBeUndefined()
  expect(await failureOf(server.get(DEFINITIONS, 'backups.example.com'))).toMatchObject({ code: 404 })
  expect((await server.store.list({ start: '/example.com/', end: '/example.com0' }, { limit: 10 })).entries).toEqual([])
})

test('several versions show one object', async () => {
  await using server = await open()
  const body = definition()
  const { versions, ...rest } = body.spec as { versions: readonly JsonObject[] }
  await define(server, {
    ...body,
    spec: { ...rest, versions: [...versions, { ...versions[0]!, name: 'v2', storage: false }] },
  })
  await server.create(BACKUPS, { metadata: { name: 'a' }, spec: { schedule: '1 2' } })
  expect((await server.get('backups.v2.example.com', 'a')).apiVersion).toBe('example.com/v2')
  const updated = await server.patch('backups.v2.example.com', 'a', { type: 'merge', body: { spec: { mode: 'Full' } } })
  expect(updated.apiVersion).toBe('example.com/v2')
  expect(await server.get(BACKUPS, 'a')).toMatchObject({ apiVersion: 'example.com/v1', spec: { mode: 'Full' } })
})

test('apply works on custom objects, and strategic merge does not', async () => {
  await using server = await open()
  await define(server)
  const body = {
    apiVersion: 'example.com/v1',
    kind: 'Backup',
    metadata: { name: 'a' },
    spec: { schedule: '1', tags: { x: 'y' } },
  }
  const options = { fieldManager: 'm' }
  await server.patch(BACKUPS, 'a', { type: 'apply', body, options })
  const again = await server.patch(BACKUPS, 'a', { type: 'apply', body: { ...body, spec: { schedule: '1' } }, options })
  expect(again.spec).toEqual({ schedule: '1', replicas: 2 })
  const status = await failureOf(server.patch(BACKUPS, 'a', { type: 'strategic', body: {} }))
  expect(status.code).toBe(415)
})

test('a definition that is no structural schema is refused', async () => {
  await using server = await open()
  const bad = definition({ schema: { openAPIV3Schema: { type: 'object', properties: { spec: { properties: {} } } } } })
  const status = await failureOf(server.create(DEFINITIONS, bad))
  expect(status.message).toContain(
    'spec.versions[0].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields',
  )
})

test('a changed schema holds for the next write', async () => {
  await using server = await open()
  await define(server)
  const again = changed(server)
  await server.patch(DEFINITIONS, 'backups.example.com', {
    type: 'json',
    body: [
      {
        op: 'add',
        path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/extra',
        value: { type: 'string' },
      },
    ],
  })
  await again
  const created = await server.create(BACKUPS, { metadata: { name: 'a' }, spec: { schedule: '1', extra: 'x' } })
  expect(created.spec.extra).toBe('x')
})

test('names that are taken are not served until they are free', async () => {
  await using server = await open()
  await define(server)
  const spec = definition().spec as JsonObject
  const names = { plural: 'backupplans', kind: 'BackupPlan', shortNames: ['bk'] }
  await server.create(DEFINITIONS, { metadata: { name: 'backupplans.example.com' }, spec: { ...spec, names } })
  await (server.clock as VirtualClock).rest()
  const { status } = await server.get(DEFINITIONS, 'backupplans.example.com')
  expect(status.conditions[0]).toMatchObject({
    type: 'NamesAccepted',
    status: 'False',
    message: '"bk" is already in use',
  })
  await server.delete(DEFINITIONS, 'backups.example.com')
  await (server.clock as VirtualClock).rest()
  expect(server.resource('backupplans.v1.example.com').info.shortNames).toEqual(['bk'])
})

test('CEL rules hold for objects and for their changes', async () => {
  await using server = await open()
  const rules = [
    { rule: 'self.replicas <= 5', message: 'at most five' },
    {
      rule: 'self.schedule == oldSelf.schedule',
      message: 'the schedule stays',
      reason: 'FieldValueForbidden',
      fieldPath: '.schedule',
    },
    {
      rule: "!has(self.mode) || self.mode != 'Partial'",
      messageExpression: "'mode ' + self.mode + ' is not ready yet'",
    },
  ]
  await define(server, withRules(rules))
  await server.create(BACKUPS, { metadata: { name: 'a' }, spec: { schedule: '1' } })
  const many = await failureOf(
    server.create(BACKUPS, { metadata: { name: 'b' }, spec: { schedule: '1', replicas: 6 } }),
  )
  expect(many.message).toBe('Backup.example.com "b" is invalid: spec: Invalid value: "object": at most five')
  const body = { spec: { schedule: '2', mode: 'Partial' } }
  const both = await failureOf(server.patch(BACKUPS, 'a', { type: 'merge', body }))
  expect(both.details!.causes!.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    'spec.schedule: Forbidden: the schedule stays',
    'spec: Invalid value: "object": mode Partial is not ready yet',
  ])
})

test('a rule that goes on too long is ended, and the object refused', async () => {
  await using server = await open()
  const rule = 'self.all(x, self.all(y, self.all(z, x + y + z >= 0)))'
  const numbers = { type: 'array', items: { type: 'integer' }, 'x-kubernetes-validations': [{ rule }] }
  await define(server, {
    metadata: { name: 'slows.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'slows', kind: 'Slow' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { numbers } } },
        },
      ],
    },
  })
  const create = (count: number) =>
    server.create('slows.v1.example.com', { metadata: { name: 'a' }, numbers: Array.from({ length: count }, () => 1) })
  const status = await failureOf(create(1000))
  expect(status).toMatchObject({ code: 422, details: { causes: [{ field: 'numbers' }] } })
  expect(status.message).toContain(
    "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit",
  )
  expect((await create(20)).numbers).toHaveLength(20)
})

test('a rule that is no CEL is refused', async () => {
  await using server = await open()
  const status = await failureOf(server.create(DEFINITIONS, withRules([{ rule: 'self.replicas <' }])))
  expect(status.message).toContain(
    'properties[spec].x-kubernetes-validations[0].rule: Invalid value: "self.replicas <": compilation failed',
  )
})

const withRules = (rules: readonly JsonObject[]): JsonObject =>
  definition({
    schema: {
      openAPIV3Schema: { type: 'object', properties: { spec: { ...spec, 'x-kubernetes-validations': rules } } },
    },
  })
