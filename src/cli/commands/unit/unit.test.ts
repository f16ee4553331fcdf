import { expect, test } from 'vitest'
import { agentSettings } from '../../config/agent-settings.ts'
import { clusterSettings } from '../../config/settings.ts'
import { unitText } from './unit.ts'

const context = {
  terminal: { out: () => {}, error: () => {}, isInteractive: false, columns: 80 },
  environment: { PATH: '/usr/bin:/bin' },
  self: ['/usr/bin/node', '/opt/hold fast/bin/holdfast.js'],
  version: '0',
  userId: 0,
  monotonicMs: () => 0,
  onInterrupt: () => ({ [Symbol.dispose]: () => {} }),
}
const startOf = (text: string) => /^ExecStart=(.*)$/m.exec(text)?.[1]

test('the unit starts the command with the flags that were said, and only those', () => {
  const flags = { advertiseAddress: '10.0.0.5', tlsSan: ['a', 'b'], machine: false, defaultStorage: true }
  const text = unitText({ command: 'server', settings: clusterSettings, flags }, context)
  expect(startOf(text)).toBe(
    '/usr/bin/node "/opt/hold fast/bin/holdfast.js" server --advertise-address 10.0.0.5 --tls-san a --tls-san b --no-machine --default-storage',
  )
})

test('what systemd would read in another way is written so that it does not', () => {
  const flags = { label: ['a=100%'], nodeName: '$HOME', tokenFile: '/a "b"' }
  const text = unitText({ command: 'agent', settings: agentSettings, flags }, context)
  expect(startOf(text)).toContain(' --token-file "/a \\"b\\"" --node-name $$HOME --label a=100%%')
})

test('a service that ends its Pods first is given the time for it', () => {
  const flags = { shutdownGrace: 120 }
  expect(unitText({ command: 'agent', settings: agentSettings, flags }, context)).toContain('\nTimeoutStopSec=210\n')
})

test('stopping the service leaves the containers running', () => {
  const text = unitText({ command: 'agent', settings: agentSettings, flags: {} }, context)
  expect(text).toContain('\nKillMode=process\n')
  expect(text).toContain('\nDelegate=yes\n')
})
