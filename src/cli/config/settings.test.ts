import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { commandLine } from '../command-line.ts'
import { agentSettings } from './agent-settings.ts'
import { type SettingTable, variableOf } from './setting.ts'
import { clusterSettings } from './settings.ts'

/** A value that is not the default, as it is typed and as it is kept. */
const EXAMPLES: Readonly<Record<string, readonly [typed: string, kept: unknown]>> = {
  dataDir: ['/srv/holdfast', '/srv/holdfast'],
  port: ['7443', 7443],
  bindAddress: ['127.0.0.1', '127.0.0.1'],
  advertiseAddress: ['10.0.0.5', '10.0.0.5'],
  tlsSan: ['k8s.example,10.0.0.9', ['k8s.example', '10.0.0.9']],
  store: ['etcds://10.0.0.1:2379/a', 'etcds://10.0.0.1:2379/a'],
  storeCa: ['/etc/ca.pem', '/etc/ca.pem'],
  storeCert: ['/etc/cert.pem', '/etc/cert.pem'],
  storeKey: ['/etc/key.pem', '/etc/key.pem'],
  nodes: ['3', 3],
  name: ['alpha,beta', ['alpha', 'beta']],
  machine: ['false', false],
  scheduler: ['false', false],
  podCidr: ['10.200.0.0/16', '10.200.0.0/16'],
  serviceCidr: ['10.100.0.0/16', '10.100.0.0/16'],
  clusterDns: ['10.96.0.53', '10.96.0.53'],
  clusterDomain: ['example.org', 'example.org'],
  criEndpoint: ['/run/containerd.sock', '/run/containerd.sock'],
  registryMirror: ['docker.io=http://127.0.0.1:5000', ['docker.io=http://127.0.0.1:5000']],
  defaultStorage: ['false', false],
  historyMinutes: ['30', 30],
  shutdownGrace: ['45', 45],
  featureGates: ['StatefulSetRecreateStrategy=true', ['StatefulSetRecreateStrategy=true']],
  logLevel: ['debug', 'debug'],
  server: ['https://10.0.0.1:6443', 'https://10.0.0.1:6443'],
  token: ['abc', 'abc'],
  tokenFile: ['/run/token', '/run/token'],
  nodeName: ['machine-7', 'machine-7'],
  nodeIp: ['10.0.0.7', '10.0.0.7'],
  label: ['zone=a,disk=fast', ['zone=a', 'disk=fast']],
  taint: ['db=only:NoSchedule', ['db=only:NoSchedule']],
}

/** What the command makes of its flags and the environment. */
async function configOf(
  command: 'server' | 'agent',
  flags: readonly string[],
  environment: Record<string, string> = {},
): Promise<Readonly<Record<string, unknown>>> {
  let seen: Readonly<Record<string, unknown>> = {}
  const keep = async (config: object): Promise<void> => {
    seen = { ...config }
  }
  const terminal = { out: () => {}, error: () => {}, isInteractive: false, columns: 80 }
  const context = { terminal, environment, self: [], version: '0', userId: 0, monotonicMs: () => 0 }
  const unused = () => Promise.reject(new Error('not asked for'))
  const program = commandLine(
    { ...context, onInterrupt: () => ({ [Symbol.dispose]: () => {} }) },
    {
      runServer: keep,
      runAgent: keep,
      runControllers: unused,
      cleanMachine: unused,
      powerOff: unused,
      makeToken: unused,
      images: { load: unused, list: unused, remove: unused },
      store: { verify: unused, backup: unused, restore: unused, compact: unused },
    },
  )
  const needed = command === 'agent' && !('HOLDFAST_SERVER' in environment) ? ['--server', 'https://10.0.0.9:6443'] : []
  await program.parseAsync(['node', 'holdfast', command, ...needed, ...flags])
  return seen
}

const rows = ([command, table]: ['server' | 'agent', SettingTable]) =>
  Object.entries(table).map(([name, setting]) => ({ command, name, setting, flag: setting.flag }))

test.each([...rows(['server', clusterSettings]), ...rows(['agent', agentSettings])])(
  '$command: --$flag, its variable and its line in a file say the same',
  async ({ command, name, setting }) => {
    const [typed, kept] = EXAMPLES[name]!
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-settings-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'holdfast.yaml')
    const server = name === 'server' || command === 'server' ? {} : { server: 'https://10.0.0.9:6443' }
    writeFileSync(file, stringify({ ...server, [name]: kept }))
    expect((await configOf(command, [`--${setting.flag}`, typed]))[name]).toEqual(kept)
    expect((await configOf(command, [], { [variableOf(setting)]: typed }))[name]).toEqual(kept)
    if (name !== 'server') expect((await configOf(command, ['--config', file]))[name]).toEqual(kept)
    if (name !== 'server') expect((await configOf(command, [], { HOLDFAST_CONFIG: file }))[name]).toEqual(kept)
    const unsaid = (await configOf(command, []))[name]
    if (name !== 'server') expect(unsaid).not.toEqual(kept)
  },
)

test.each(Object.values<SettingTable[string]>(clusterSettings).filter(({ type }) => type === 'switch'))(
  'the switch --$flag is turned off by --no-$flag as well',
  async ({ flag }) => {
    const name = Object.entries<SettingTable[string]>(clusterSettings).find(([, setting]) => setting.flag === flag)![0]
    expect((await configOf('server', []))[name]).toBe(true)
    expect((await configOf('server', [`--no-${flag}`]))[name]).toBe(false)
    expect((await configOf('server', [`--${flag}`]))[name]).toBe(true)
  },
)

test('a repeated flag is a list', async () => {
  expect((await configOf('agent', ['--label', 'a=1', '--label', 'b=2'])).label).toEqual(['a=1', 'b=2'])
})

test.each([
  [['--node-ip', 'here'], '--node-ip: "here" must be an IPv4 address such as 10.0.0.1'],
  [['--label', 'plain'], '--label: "plain" must be KEY=VALUE'],
  [['--taint', 'a=b:Never'], '--taint: "a=b:Never" must be KEY[=VALUE]:EFFECT, where the effect is'],
  [['--server', 'http://a'], '--server: "http://a" must be a URL such as https://10.0.0.1:6443'],
  [['--log-level', 'wran'], '--log-level: "wran" must be debug, info, warn or error, did you mean warn?'],
  [['--pod-cidr', '10.96.0.0/16'], 'the ranges of Pods (10.96.0.0/16) and of Services (10.96.0.0/12) overlap'],
  [['--cluster-dns', '10.0.0.1'], '--cluster-dns: 10.0.0.1 is not in the range of Services, 10.96.0.0/12'],
])('%j is refused: %s', async (flags, message) => {
  await expect(configOf('agent', flags)).rejects.toThrow(message)
})

test('the cluster DNS is the tenth address of the Service range, wherever that is', async () => {
  expect((await configOf('server', [])).clusterDns).toBe('10.96.0.10')
  expect((await configOf('server', ['--service-cidr', '10.112.0.0/16'])).clusterDns).toBe('10.112.0.10')
})
