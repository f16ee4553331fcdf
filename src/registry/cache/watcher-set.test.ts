import { expect, test } from 'vitest'
import type { JsonObject } from '../../machinery/json.ts'
import { revision } from '../../store/store.ts'
import { CachedObject } from './cached-object.ts'
import { type CacheEvent, Watcher } from './watcher.ts'
import { type Interest, WatcherSet } from './watcher-set.ts'

const podOn = (node: string): CachedObject =>
  new CachedObject({ key: '/core/pods/default/a', revision: revision(1) }, Buffer.from('{}'), {
    metadata: {},
    spec: { nodeName: node },
  })

const moved = (to: string, from?: string): CacheEvent => ({
  revision: 1,
  event: { type: from ? 'MODIFIED' : 'ADDED', encoded: podOn(to) },
  ...(from && { previous: podOn(from) }),
})

const nodeNamed = (value: string): Interest => ({
  field: 'spec.nodeName',
  value,
  valueIn: ({ object }) => (object.spec as JsonObject).nodeName as string,
})

/** Watchers named `all…` ask for everything, others for the machine of that name. */
function watching(...names: readonly string[]): { told: string[]; set: WatcherSet; watchers: readonly Watcher[] } {
  const told: string[] = []
  const set = new WatcherSet()
  const watchers = names.map(name => {
    const filter = (): undefined => void told.push(name)
    const watcher = new Watcher({ filter, onEnd: () => set.delete(watcher) })
    set.add(watcher, name.startsWith('all') ? undefined : nodeNamed(name))
    return watcher
  })
  return { told, set, watchers }
}

test('a change is shown to those whom it may concern, in the order in which they came', () => {
  const { told, set } = watching('node-1', 'all', 'node-2', 'all too', 'node-1')
  set.tell(moved('node-1'))
  expect(told).toEqual(['node-1', 'all', 'all too', 'node-1'])
})

test('an object that changes its value is shown to those of both', () => {
  const { told, set } = watching('node-2', 'node-3', 'all', 'node-1')
  set.tell(moved('node-1', 'node-2'))
  expect(told).toEqual(['node-2', 'all', 'node-1'])
})

test('who has ended is told nothing more', () => {
  const { told, set, watchers } = watching('node-1', 'node-1', 'all')
  watchers[0]!.end()
  watchers[2]!.end()
  set.tell(moved('node-1'))
  expect(told).toEqual(['node-1'])
  set.end()
  set.tell(moved('node-1'))
  expect(told).toEqual(['node-1'])
})
