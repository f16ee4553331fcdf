import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { openStore } from './open-store.ts'

test('the name of a store tells the driver', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-open-'))
  for (const [url, name] of [
    ['memory:', 'memory'],
    [`lmdb://${directory}/with space`, 'lmdb'],
  ]) {
    const store = await openStore(url!, { clock: new VirtualClock() })
    expect(store.name).toBe(name)
    await store.close()
  }
  await rm(directory, { recursive: true })
})

test('what names no store is refused in words', async () => {
  for (const url of ['', 'lmdb:', 'sqlite:///x', 'etcd://', 'etcd:///prefix'])
    await expect(openStore(url, { clock: new VirtualClock() })).rejects.toThrow(/a store is memory:/)
})
