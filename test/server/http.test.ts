import type { ClientHttp2Stream } from 'node:http2'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HttpClient, type HttpRequest } from './http-client.ts'
import { type RunningServer, startServer } from './running-server.ts'

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

let running: RunningServer
let client: HttpClient

beforeAll(async () => {
  running = await startServer()
  client = new HttpClient(running, await running.certificateFor('admin', ['system:masters']))
})
afterAll(async () => {
  client[Symbol.dispose]()
  expect(running.errors).toEqual([])
  await running[Symbol.asyncDispose]()
})

const configMap = (name: string, more: object = {}): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more })
const post = (body: string | Buffer, { query = '', ...request }: HttpRequest & { query?: string } = {}) =>
  client.request(`${CONFIG_MAPS}${query}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
    ...request,
  })

describe('bodies', () => {
  test.each([
    ['truncated JSON', '{"apiVersion":"v1","kind":'],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    [
      'a prototype key',
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"__proto__":{"data":{"a":"b"}}}',
    ],
    ['a list instead of an object', '[]'],
    ['no object at all', 'null'],
    ['a wrong type', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":1}}'],
    ['nothing', ''],
  ])('%s is a bad request', async (_, body) => {
    const { code, json } = await post(body)
    expect({ code, reason: json.reason }).toEqual({ code: 400, reason: 'BadRequest' })
  })

  test('more than 3 MiB is too large, also when it is compressed', async () => {
    const large = configMap('large', { data: { key: 'x'.repeat(3 * 1024 * 1024) } })
    expect((await post(large)).json).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' })
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    expect((await post(gzipSync(large), { headers })).json).toMatchObject({ code: 413 })
  })

  test('a write that makes an object is answered with 201, whichever it was', async () => {
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'put' }, spec: {} }
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases/put'
    const put = () => client.request(leases, { method: 'PUT', body: JSON.stringify(lease) })
    expect([(await put()).code, (await put()).code]).toEqual([201, 200])
    const apply = (query = '') =>
      client.request(`${CONFIG_MAPS}/applied?fieldManager=me${query}`, {
        method: 'PATCH',
        body: configMap('applied'),
        headers: { 'content-type': 'application/apply-patch+yaml' },
      })
    expect([(await apply('&dryRun=All')).code, (await apply()).code, (await apply()).code]).toEqual([201, 201, 200])
  })

  test('a key named constructor is a key like any other', async () => {
    const answer = await post(configMap('constructor', { data: { constructor: 'x' } }))
    expect(answer.json.data).toEqual({ constructor: 'x' })
  })

  test('duplicate fields are refused, or warned of', async () => {
    const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}'
    const strict = await post(body, { query: '?fieldValidation=Strict' })
    expect(strict.json).toMatchObject({
      code: 400,
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a"',
    })
    const warned = await post(body, { query: '?dryRun=All' })
    expect(warned.code).toBe(201)
    expect(warned.headers.warning).toBe('299 - "duplicate field \\"data.a\\""')
  })

  test('may be YAML or compressed, and so may answers', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\ndata: {on: "yes"}\n'
    const created = await post(yaml, { headers: { 'content-type': 'application/yaml', accept: 'application/yaml' } })
    expect(created.code).toBe(201)
    expect(created.bytes.toString()).toMatch(/^kind: ConfigMap$/m)
    const body = gzipSync(configMap('big', { data: { key: 'x'.repeat(200_000) } }))
    const big = await post(body, { headers: { 'content-encoding': 'gzip', 'accept-encoding': 'gzip' } })
    expect(big.headers['content-encoding']).toBe('gzip')
    expect(JSON.parse(gunzipSync(big.bytes).toString()).metadata.name).toBe('big')
  })

  test('of unknown media types are refused', async () => {
    expect((await post('x', { headers: { 'content-type': 'text/plain' } })).json).toMatchObject({ code: 415 })
    const patch = { method: 'PATCH', body: '{}', headers: { 'content-type': 'application/json' } }
    expect((await client.request(`${CONFIG_MAPS}/from-yaml`, patch)).json).toMatchObject({ code: 415 })
    expect((await client.request(CONFIG_MAPS, { headers: { accept: 'image/png' } })).json).toMatchObject({ code: 406 })
  })
})

describe('queries', () => {
  test.each([
    ['limit=many', 400, 'limit'],
    ['timeoutSeconds=1s', 400, 'timeoutSeconds'],
    ['labelSelector=a%3D%3D%3D', 400, ''],
    ['fieldSelector=spec.nothing%3Dx', 400, ''],
    ['continue=garbage', 400, 'continue'],
    ['resourceVersion=abc', 400, ''],
    ['resourceVersionMatch=Nearly&resourceVersion=1', 422, 'resourceVersionMatch'],
    ['includeObject=Half', 400, 'includeObject'],
  ])('%s is refused with %i', async (query, code, named) => {
    const answer = await client.request(`${CONFIG_MAPS}?${query}`)
    expect({ code: answer.code, message: answer.json.message }).toEqual({
      code,
      message: expect.stringContaining(named),
    })
    expect((await client.request(`${CONFIG_MAPS}?watch=true&${query}`)).code).toBeGreaterThanOrEqual(400)
  })

  test('broken paths and methods are refused', async () => {
    expect((await client.request('/api/v1/namespaces/%zz/pods')).code).toBe(400)
    expect((await client.request('/api/v1/nothings')).json).toMatchObject({ code: 404, reason: 'NotFound' })
    expect((await client.request('/api/v1/namespaces/default/nodes')).code).toBe(404)
    expect((await client.request('/nowhere')).code).toBe(404)
    expect((await client.request(`${CONFIG_MAPS}/x`, { method: 'POST', body: '{}' })).code).toBe(405)
  })
})

describe('answers', () => {
  test('carry an audit id and are not cached', async () => {
    const { headers } = await client.request(CONFIG_MAPS)
    expect(headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers['cache-control']).toBe('no-cache, private')
  })

  test('P17: come as tables and as metadata alone', async () => {
    await post(configMap('shown', { data: { a: '1' } }))
    const table = await client.request(`${CONFIG_MAPS}/shown`, { headers: { accept: TABLE } })
    expect(table.json).toMatchObject({ kind: 'Table', rows: [{ object: { kind: 'PartialObjectMetadata' } }] })
    expect(table.json.columnDefinitions[0].name).toBe('Name')
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
    const list = await client.request(CONFIG_MAPS, { headers: { accept } })
    expect(list.json.kind).toBe('PartialObjectMetadataList')
    expect(list.json.items[0].data).toBeUndefined()
  })

  test('of any size share a connection', async () => {
    const value = 'x'.repeat(900_000)
    for (let i = 0; i < 5; i++) await post(configMap(`huge-${i}`, { data: { value } }))
    const lists = await Promise.all(Array.from({ length: 20 }, () => client.request(CONFIG_MAPS)))
    expect(lists.every(({ code, bytes }) => code === 200 && bytes.length > 4_500_000)).toBe(true)
  })

  test('of discovery come plain, aggregated, and not twice', async () => {
    const plain = await client.request('/apis')
    expect(plain.json.groups.map(({ name }: { name: string }) => name)).toContain('apps')
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
    const aggregated = await client.request('/apis', { headers: { accept } })
    expect(aggregated.json).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' })
    const again = { accept, 'if-none-match': String(aggregated.headers.etag) }
    expect((await client.request('/apis', { headers: again })).code).toBe(304)
    expect((await client.request('/')).json.paths).toContain('/apis/apps/v1')
    expect((await client.request('/api/v1')).json).toMatchObject({ kind: 'APIResourceList', groupVersion: 'v1' })
  })

  test('about health need no credentials, everything else does', async () => {
    using stranger = new HttpClient(running)
    expect((await stranger.request('/readyz')).bytes.toString()).toBe('ok')
    expect((await stranger.request('/livez?verbose')).bytes.toString()).toBe('[+]ping ok\nlivez check passed\n')
    expect((await stranger.request('/version')).json.major).toBe('1')
    expect((await stranger.request(CONFIG_MAPS)).json).toMatchObject({
      code: 403,
      message: `configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"`,
    })
    expect((await stranger.request('/metrics')).code).toBe(403)
    const bad = await stranger.request('/version', { headers: { authorization: 'Bearer made-up' } })
    expect(bad.json).toMatchObject({ code: 401, reason: 'Unauthorized' })
  })
})

describe('watches', () => {
  /** Lines of a watch, until there are as many as wanted. */
  async function lines(
    path: string,
    count: number,
    act: () => Promise<unknown>,
    accept = 'application/json',
  ): Promise<unknown[]> {
    const stream = client.session.request({ ':path': path, accept })
    await new Promise(resolve => stream.once('response', resolve))
    const acted = act()
    const events = await linesOf(stream, count)
    await acted
    return events
  }

  async function linesOf(stream: ClientHttp2Stream, count: number): Promise<unknown[]> {
    const lines: string[] = ['']
    for await (const piece of stream.setEncoding('utf8')) {
      const [rest, ...more] = String(piece).split('\n')
      lines.push(`${lines.pop()}${rest}`, ...more)
      if (lines.length > count) break
    }
    return lines.slice(0, count).map(line => JSON.parse(line) as unknown)
  }

  test('tell of what comes, changes and goes', async () => {
    const path = `${CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Dwatched&resourceVersion=0`
    const events = await lines(path, 2, async () => {
      await post(configMap('watched'))
      await client.request(`${CONFIG_MAPS}/watched`, { method: 'DELETE' })
    })
    expect(events).toMatchObject([
      { type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'watched' } } },
      { type: 'DELETED', object: { metadata: { name: 'watched' } } },
    ])
  })

  test('come as tables whose columns are named once', async () => {
    const path = `/api/v1/watch/namespaces/default/configmaps?labelSelector=t%3D1`
    const labelled = (name: string) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { t: '1' } } })
    const events = await lines(
      path,
      2,
      async () => {
        await post(labelled('table-1'))
        await post(labelled('table-2'))
      },
      TABLE,
    )
    const [first, second] = events as { object: { columnDefinitions?: unknown[]; rows: unknown[] } }[]
    expect(first!.object.columnDefinitions?.length).toBeGreaterThan(1)
    expect(second!.object.columnDefinitions).toBeUndefined()
    expect(second!.object.rows).toHaveLength(1)
  })

  test('that nobody reads delay neither writers nor other watchers, and lose nothing', async () => {
    const path = `${CONFIG_MAPS}?watch=true&labelSelector=size%3Dlarge`
    const large = (name: string) =>
      JSON.stringify({
        ...JSON.parse(configMap(name, { data: { x: 'x'.repeat(100_000) } })),
        metadata: { name, labels: { size: 'large' } },
      })
    using slow = new HttpClient(running, await running.certificateFor('slow', ['system:masters']))
    const stuck = slow.session.request({ ':path': path })
    await new Promise(resolve => stuck.once('response', resolve))
    const names = Array.from({ length: 60 }, (_, i) => `large-${i}`)
    const heard = await lines(path, names.length, async () => {
      for (const name of names) expect((await post(large(name))).code).toBe(201)
    })
    const inOrder = names.map(name => ({ type: 'ADDED', object: { metadata: { name } } }))
    expect(heard).toMatchObject(inOrder)
    expect(await linesOf(stuck, names.length)).toMatchObject(inOrder)
  })

  test('end when their time is over', async () => {
    const { code, bytes } = await client.request(`${CONFIG_MAPS}?watch=true&timeoutSeconds=1&labelSelector=none`)
    expect({ code, text: bytes.toString() }).toEqual({ code: 200, text: '' })
  })
})
