import { expect, test } from 'vitest'
import { CommandFailure, type Commands } from '../machinery/commands.ts'
import { silentLogger } from '../machinery/logger.ts'
import type { ServiceRules, UdpFront } from './plan/service-rules.ts'
import { FlowCutter, staleFlowsBetween } from './stale-flows.ts'

const rules = (...udpFronts: UdpFront[]): ServiceRules => ({
  elements: [],
  chains: new Map(),
  sets: new Map(),
  orders: new Map(),
  localEndpoints: 0,
  udpFronts,
})
const dns = { address: '10.96.0.1', port: 53 }

test('flows to a backend that is gone are stale, others are not', () => {
  const before = rules({ ...dns, backends: ['10.244.0.1', '10.244.0.2'] })
  expect(staleFlowsBetween(before, rules({ ...dns, backends: ['10.244.0.2'] }))).toEqual([
    { ...dns, backend: '10.244.0.1' },
  ])
  expect(staleFlowsBetween(before, before)).toEqual([])
})

test('all flows of a Service that is gone are stale', () => {
  expect(staleFlowsBetween(rules({ port: 30_053, backends: ['10.244.0.1'] }), undefined)).toEqual([
    { port: 30_053, backend: '10.244.0.1' },
  ])
})

test('flows that began before there was any backend are stale', () => {
  expect(staleFlowsBetween(rules({ ...dns, backends: [] }), rules({ ...dns, backends: ['10.244.0.1'] }))).toEqual([dns])
})

test('each is cut by what tells it apart, and none being there is no failure', async () => {
  const calls: string[] = []
  const commands: Commands = {
    async run(command, args) {
      calls.push([command, ...args].join(' '))
      throw new CommandFailure('conntrack ended with 1: 0 flow entries have been deleted.', { exitCode: 1, stderr: '' })
    },
    lines: async function* () {},
  }
  await using cutter = new FlowCutter(commands, silentLogger)
  cutter.cut([{ ...dns, backend: '10.244.0.1' }, { port: 30_053 }])
  await cutter[Symbol.asyncDispose]()
  expect(calls).toEqual([
    'conntrack -D -f ipv4 -p udp --orig-port-dst 53 --orig-dst 10.96.0.1 --dst-nat 10.244.0.1',
    'conntrack -D -f ipv4 -p udp --orig-port-dst 30053',
  ])
})

test('a thousand flows are cut by a few programs at a time, each flow once', async () => {
  let [running, most, cuts] = [0, 0, 0]
  const commands: Commands = {
    async run() {
      most = Math.max(most, ++running)
      cuts++
      for (let turn = 0; turn < 3; turn++) await Promise.resolve()
      running--
      return ''
    },
    lines: async function* () {},
  }
  await using cutter = new FlowCutter(commands, silentLogger)
  const flows = Array.from({ length: 1000 }, (_, i) => ({ ...dns, backend: `10.244.${i >> 8}.${i & 255}` }))
  cutter.cut(flows)
  cutter.cut(flows.slice(500))
  await cutter[Symbol.asyncDispose]()
  expect([most, cuts]).toEqual([4, 1000])
})
