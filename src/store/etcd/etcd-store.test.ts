import { afterAll, beforeAll, test } from 'vitest'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { Clock } from '../../machinery/clock.ts'
import { systemClock } from '../../machinery/system-clock.ts'
import type { OpenForTest } from '../contract/store-under-test.ts'
import { testStoreContract } from '../contract.ts'
import { checkAgainstModel } from '../model-based.ts'
import { EtcdServer } from './etcd-server.ts'
import { openEtcdStore } from './etcd-store.ts'

let server: EtcdServer
let opened = 0

beforeAll(async () => {
  server = await EtcdServer.start()
})

afterAll(() => server[Symbol.asyncDispose]())

/** Expiry waits for the test's time; a pause before a new connection is a real one. */
function clockFor(virtual: VirtualClock): Clock {
  return {
    now: () => virtual.now(),
    monotonicMs: () => virtual.monotonicMs(),
    schedule: (delayMs, run) => virtual.schedule(delayMs, run),
    sleep: systemClock.sleep,
  }
}

const open: OpenForTest = async () => {
  const virtual = new VirtualClock()
  const options = {
    endpoints: [server.endpoint],
    prefix: `/test-${opened++}`,
    clock: clockFor(virtual),
    historyMs: 0,
  }
  let store = await openEtcdStore(options)
  return {
    store,
    advance: ms => virtual.advance(ms),
    async reopen() {
      await store.close()
      store = await openEtcdStore(options)
      return store
    },
    [Symbol.asyncDispose]: () => store.close(),
  }
}

testStoreContract(open)

test('random histories look as those of the model', { timeout: 3_600_000 }, () =>
  checkAgainstModel(open, { histories: Number(process.env.STORE_MODEL_HISTORIES ?? 40) }),
)
