/** Data of versions before this one is read. Each version that changes what is written adds a folder of its own here. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { StatefulSet } from '../../src/api/apps-v1/types.ts'
import { ConfigMap, Namespace } from '../../src/api/core-v1/types.ts'
import type { Client } from '../../src/client/client.ts'
import { StartedServer } from './started-server.ts'

const VERSIONS = ['0.1.0']

function unpacked(version: string, name: string, into: string): void {
  writeFileSync(into, gunzipSync(readFileSync(join(import.meta.dirname, `written-by-${version}`, `${name}.gz`))))
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-older-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** What was in the cluster whose data lies here, and that it goes on from there. */
async function expectTheCluster(client: Client): Promise<void> {
  const greeting = await client.get(ConfigMap, { namespace: 'default', name: 'greeting' })
  expect(greeting.data).toEqual({ text: 'hello' })
  const { spec } = await client.get(StatefulSet, { namespace: 'default', name: 'web' })
  expect(spec).toMatchObject({ replicas: 3, serviceName: 'nginx' })
  expect(await client.find(Namespace, { name: 'old' })).toBeDefined()
  const written = await client.update(ConfigMap, { ...greeting, data: { text: 'hello again' } })
  expect(Number(written.metadata.resourceVersion)).toBeGreaterThan(Number(greeting.metadata.resourceVersion))
}

test.each(VERSIONS)('a server starts on the store that version %s wrote', { timeout: 60_000 }, async version => {
  const dataDir = folder()
  mkdirSync(join(dataDir, 'store'))
  unpacked(version, 'store.mdb', join(dataDir, 'store', 'data.mdb'))
  writeFileSync(join(dataDir, 'cluster.json'), `{"format":1,"version":"${version}"}\n`)
  await using server = await StartedServer.start(dataDir, '--no-machine')
  await expectTheCluster(server.client)
})

test.each(VERSIONS)('a backup that version %s wrote is restored', { timeout: 60_000 }, async version => {
  const dataDir = folder()
  const file = join(dataDir, 'backup.bin')
  unpacked(version, 'backup.bin', file)
  const cluster = join(dataDir, 'cluster')
  await using first = await StartedServer.start(cluster, '--no-machine')
  await first.client.create(ConfigMap, { metadata: { namespace: 'default', name: 'made-later' } })
  await first.stop()
  const command = join(import.meta.dirname, '../../bin/holdfast.js')
  const restored = execFileSync(process.execPath, [command, 'store', 'restore', file, '--data-dir', cluster])
  expect(String(restored)).toMatch(/^Restored: \d+ objects written, \d+ deleted\. The store is at revision \d+\.\n$/)
  await using second = await StartedServer.start(cluster, '--no-machine')
  await expectTheCluster(second.client)
  expect(await second.client.find(ConfigMap, { namespace: 'default', name: 'made-later' })).toBeUndefined()
})
