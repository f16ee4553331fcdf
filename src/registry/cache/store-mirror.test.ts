import { expect, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { silentLogger } from '../../machinery/logger.ts'
import { memoryStore } from '../../store/memory/memory-store.ts'
import { revision, WATCH_BACKLOG_MAX } from '../../store/store.ts'
import { StoreMirror } from './store-mirror.ts'
import { Watcher } from './watcher.ts'

test('a burst of writes that outruns the mirror ends no watch, and needs no time to catch up', async () => {
  const clock = new VirtualClock()
  const store = memoryStore({ clock })
  const mirror = new StoreMirror({ store, clock, logger: silentLogger })
  mirror.start()
  await mirror.whenReady()
  const cache = mirror.cache('/core/pods/')
  let isEnded = false
  const onEnd = (): void => {
    isEnded = true
  }
  cache.addWatcher(new Watcher({ filter: ({ event }) => event, onEnd }))
  const count = WATCH_BACKLOG_MAX * 3
  const value = new TextEncoder().encode('{}')
  await Promise.all(
    Array.from({ length: count }, (_, index) => store.commit({ type: 'create', key: `/core/pods/a/${index}`, value })),
  )
  await mirror.reached(revision(count))
  expect(cache.size).toBe(count)
  expect(isEnded).toBe(false)
  await mirror.stop()
  await store.close()
})
