import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningServer, startServer } from './running-server.ts'

let running: RunningServer
let config: KubeConfig
let core: CoreV1Api

beforeAll(async () => {
  running = await startServer()
  config = new KubeConfig()
  config.loadFromFile(await running.kubeconfigFor('admin', ['system:masters']))
  core = config.makeApiClient(CoreV1Api)
})
afterAll(async () => {
  expect(running.errors).toEqual([])
  await running[Symbol.asyncDispose]()
})

const namespace = 'default'
const create = (name: string) =>
  core.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data: { a: '1' } } })

test('an informer hears of everything that happens', async () => {
  await create('before')
  const heard: string[] = []
  const list = () => core.listNamespacedConfigMap({ namespace })
  const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, list)
  for (const event of ['add', 'update', 'delete'] as const) {
    informer.on(event, ({ metadata }) => void heard.push(`${event} ${metadata?.name}`))
  }
  await informer.start()
  await create('after')
  await core.patchNamespacedConfigMap(
    { namespace, name: 'after', body: { data: { b: '2' } } },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  )
  await core.deleteNamespacedConfigMap({ namespace, name: 'after' })
  await expect.poll(() => heard).toEqual(['add before', 'add after', 'update after', 'delete after'])
  await informer.stop()
})

test('patches of every kind arrive', async () => {
  await create('patched')
  const patch = async (body: object, type: string) =>
    (
      await core.patchNamespacedConfigMap(
        { namespace, name: 'patched', body, fieldManager: 'test' },
        setHeaderOptions('Content-Type', type),
      )
    ).data
  expect(await patch([{ op: 'add', path: '/data/json', value: 'x' }], PatchStrategy.JsonPatch)).toMatchObject({
    json: 'x',
  })
  expect(await patch({ data: { merged: 'x' } }, PatchStrategy.MergePatch)).toMatchObject({ json: 'x', merged: 'x' })
  expect(await patch({ data: { json: null } }, PatchStrategy.StrategicMergePatch)).toEqual({ a: '1', merged: 'x' })
})

test('a watch begins where a list ended', async () => {
  const { metadata } = await core.listNamespacedConfigMap({ namespace })
  const heard: string[] = []
  const watch = await new Watch(config).watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: metadata?.resourceVersion },
    (phase, object: V1ConfigMap) => void heard.push(`${phase} ${object.metadata?.name}`),
    () => {},
  )
  await create('watched')
  await expect.poll(() => heard).toEqual(['ADDED watched'])
  watch.abort()
})

test('failures are errors that say why', async () => {
  const apps = config.makeApiClient(AppsV1Api)
  await expect(apps.readNamespacedStatefulSet({ namespace, name: 'none' })).rejects.toMatchObject({
    code: 404,
    body: expect.stringContaining('statefulsets.apps \\"none\\" not found'),
  })
})
