import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { AppsV1Api, CoreV1Api, Exec, KubeConfig, Log, makeInformer, type V1Pod } from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, imagesNamed, startCluster, statefulSet } from '../../src/testing/testing.ts'
import { type Answer, kubectl } from '../server/running-server.ts'

const images = imagesNamed({
  database: {
    onStart: process => process.print(`${process.hostname} is up`),
    exec: ([command, ...words], process) =>
      command === 'hostname'
        ? { stdout: `${process.hostname}\n` }
        : { stderr: `${command} ${words.join(' ')}: no such thing\n`, exitCode: 3 },
    answer: ({ path }, process) => ({ status: 200, body: `${process.hostname} serves ${path}` }),
  },
})

let cluster: Cluster
let folder: string
let config: KubeConfig

beforeAll(async () => {
  cluster = await startCluster({ nodes: 2, images })
  const { kubeconfig } = await cluster.serve({ speed: 20 })
  folder = await mkdtemp(join(tmpdir(), 'holdfast-served-'))
  await writeFile(join(folder, 'config'), kubeconfig)
  config = new KubeConfig()
  config.loadFromString(kubeconfig)
  const manifest = statefulSet('db', { replicas: 2, image: 'database', claims: ['data'] })
  await run('apply -f -', JSON.stringify(manifest))
  await run('rollout status statefulset/db --timeout=20s')
}, 60_000)

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const at = () => ({ kubeconfig: join(folder, 'config'), home: folder })

async function run(line: string, input?: string): Promise<string> {
  const answer = await kubectl('kubectl', line.split(' '), { ...at(), ...(input !== undefined && { input }) })
  expect(answer).toMatchObject({ code: 0 })
  return answer.stdout
}

test('kubectl reads the logs of simulated containers', async () => {
  expect(await run('logs db-1')).toBe('db-1 is up\n')
})

test('kubectl runs commands in them, with exit code and both outputs', async () => {
  expect(await run('exec db-0 -- hostname')).toBe('db-0\n')
  const failed: Answer = await kubectl('kubectl', 'exec db-0 -- fetch data'.split(' '), at())
  expect(failed.code).toBe(3)
  expect(failed.stderr).toContain('fetch data: no such thing')
})

test('kubectl forwards a port to them', async () => {
  const forwarding = spawn('kubectl', ['port-forward', 'pod/db-0', ':80'], {
    env: { PATH: process.env.PATH, HOME: folder, KUBECONFIG: join(folder, 'config') },
  })
  try {
    const port = await new Promise<string>((resolve, reject) => {
      let said = ''
      const listen = (piece: Buffer): void => {
        said += piece.toString()
        const found = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(said)
        if (found) resolve(found[1]!)
      }
      forwarding.stdout.on('data', listen)
      forwarding.stderr.on('data', listen)
      forwarding.once('exit', () => reject(new Error(said)))
    })
    const response = await fetch(`http://127.0.0.1:${port}/status`)
    expect(await response.text()).toBe('db-0 serves /status')
  } finally {
    forwarding.kill()
  }
})

test('a machine that is cut off cannot be asked', async () => {
  const [pod] = await cluster.pods()
  const machine = cluster.node(pod!.spec.nodeName!)
  machine.cut()
  const answer = await kubectl('kubectl', ['logs', pod!.metadata.name], at())
  machine.heal()
  expect(answer).toMatchObject({ code: 1 })
  expect(answer.stderr).toContain('cannot be reached')
})

test('@kubernetes/client-node follows a set while it is scaled', async () => {
  const core = config.makeApiClient(CoreV1Api)
  const seen = new Set<string>()
  const list = () => core.listNamespacedPod({ namespace: 'default' })
  const informer = makeInformer<V1Pod>(config, '/api/v1/namespaces/default/pods', list)
  const third = new Promise<void>(resolve => {
    informer.on('add', ({ metadata }) => {
      seen.add(metadata!.name!)
      if (metadata!.name === 'db-2') resolve()
    })
  })
  await informer.start()
  const apps = config.makeApiClient(AppsV1Api)
  const scale = await apps.readNamespacedStatefulSetScale({ name: 'db', namespace: 'default' })
  await apps.replaceNamespacedStatefulSetScale({
    name: 'db',
    namespace: 'default',
    body: { ...scale, spec: { replicas: 3 } },
  })
  await third
  await informer.stop()
  expect([...seen]).toEqual(['db-0', 'db-1', 'db-2'])
})

test('@kubernetes/client-node reads logs and runs commands', async () => {
  const pieces: string[] = []
  const collect = (): Writable =>
    new Writable({
      write(piece: Buffer, _encoding, done) {
        pieces.push(piece.toString())
        done()
      },
    })
  const output = collect()
  const ended = new Promise(resolve => output.once('finish', resolve))
  await new Log(config).log('default', 'db-0', 'main', output)
  await ended
  const status = await new Promise<string | undefined>((resolve, reject) => {
    const exec = new Exec(config)
    const command = ['hostname']
    exec
      .exec('default', 'db-1', 'main', command, collect(), collect(), null, false, result => resolve(result.status))
      .catch(reject)
  })
  expect(status).toBe('Success')
  expect(pieces).toEqual(['db-0 is up\n', 'db-1\n'])
})
