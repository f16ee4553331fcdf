import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { revision } from '../store.ts'
import type { EtcdClient } from './etcd-client.ts'
import { EtcdFeed } from './etcd-feed.ts'
import { EtcdKeys } from './etcd-keys.ts'

test('what etcd came to while a write of progress was under way is helped along, too', async () => {
  const writes: PromiseWithResolvers<unknown>[] = []
  const client = {
    call: () => {
      const write = Promise.withResolvers<unknown>()
      writes.push(write)
      return write.promise
    },
    // It never tells of anything.
    watch: async () => Object.assign(new PassThrough({ objectMode: true, writableHighWaterMark: 99 }), { cancel() {} }),
  } as unknown as EtcdClient
  const stop = new AbortController()
  const clock = new VirtualClock()
  const keys = new EtcdKeys('/a')
  const starting = EtcdFeed.start({ client, keys, clock, signal: stop.signal, onFailure: () => {} })
  writes[0]!.resolve({ header: { revision: 5 } })
  const feed = await starting
  feed.help(revision(7))
  await clock.advance(100)
  expect(writes).toHaveLength(2)
  feed.help(revision(9)) // Read after the write took place, before its answer is here.
  writes[1]!.resolve({ header: { revision: 8 } })
  feed.hub.publish([], revision(8))
  await clock.advance(100)
  expect(writes).toHaveLength(3)
  feed.hub.publish([], revision(10))
  writes[2]!.resolve({ header: { revision: 10 } })
  await clock.advance(1000)
  expect(writes).toHaveLength(3)
  stop.abort()
})
