import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Commands } from '../../src/machinery/commands.ts'
import { systemCommands } from './system-commands.ts'

const host = systemCommands()

/** A network namespace that stands for a machine or a Pod, gone with all its processes when disposed. */
export class TestMachine implements AsyncDisposable {
  static #made = 0
  readonly name: string
  readonly namespace: string
  readonly path: string
  readonly commands: Commands
  readonly #processes: ChildProcess[] = []

  private constructor(name: string) {
    this.name = name
    this.namespace = `hft-${process.pid}-${++TestMachine.#made}-${name}`
    this.path = `/run/netns/${this.namespace}`
    this.commands = systemCommands({ prefix: ['nsenter', `--net=${this.path}`] })
  }

  static async create(name: string): Promise<TestMachine> {
    const machine = new TestMachine(name)
    await host.run('ip', ['netns', 'add', machine.namespace])
    await machine.ip('link set lo up')
    return machine
  }

  ip(line: string): Promise<string> {
    return this.commands.run('ip', line.split(' '))
  }

  /** What a TCP connection to there gets to read; throws when it is refused or nobody answers. */
  async call(address: string, port: number): Promise<string> {
    const script = `exec 3<>/dev/tcp/${address}/${port} && cat <&3`
    return (await this.commands.run('timeout', ['3', 'bash', '-c', script])).trim()
  }

  /** What one datagram to there is answered with. */
  async callUdp(address: string, port: number): Promise<string> {
    const script = `exec 3<>/dev/udp/${address}/${port} && echo hello >&3 && head -1 <&3`
    return (await this.commands.run('timeout', ['3', 'bash', '-c', script])).trim()
  }

  /** Starts a program that answers with its name on the ports, TCP and UDP. */
  async answer(name: string, ...ports: number[]): Promise<void> {
    const script = new URL('answering-host.ts', import.meta.url).pathname
    await this.start(process.execPath, [script, name, ...ports.map(String)])
  }

  /** Starts a program that prints something when it is ready. */
  async start(command: string, args: readonly string[]): Promise<ChildProcess> {
    const child = spawn('nsenter', [`--net=${this.path}`, command, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#processes.push(child)
    await once(child.stdout!, 'data')
    return child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await host.run('ip', ['netns', 'delete', this.namespace])
  }
}

/** Joins two namespaces by a cable. The ends are named after where they lead. */
export async function plug(a: TestMachine, endOfA: string, b: TestMachine, endOfB: string): Promise<void> {
  await a.ip(`link add ${endOfA} type veth peer name ${endOfB} netns ${b.namespace}`)
  await a.ip(`link set ${endOfA} up`)
  await b.ip(`link set ${endOfB} up`)
}

export interface Network extends AsyncDisposable {
  readonly router: TestMachine
  readonly machines: ReadonlyMap<string, TestMachine>
}

/** A router with one link for each list of names; the machines of one list share a link. Addresses: `192.168.LINK.NUMBER`. */
export async function testNetwork(links: readonly (readonly string[])[]): Promise<Network> {
  await using building = new AsyncDisposableStack()
  const router = building.use(await TestMachine.create('router'))
  await router.commands.run('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1'])
  const machines = new Map<string, TestMachine>()
  for (const [index, names] of links.entries()) {
    await router.ip(`link add link${index} type bridge`)
    await router.ip(`address add 192.168.${77 + index}.1/24 dev link${index}`)
    await router.ip(`link set link${index} up`)
    for (const [number, name] of names.entries()) {
      const machine = building.use(await TestMachine.create(name))
      machines.set(name, machine)
      await plug(machine, 'eth0', router, `to-${name}`)
      await router.ip(`link set to-${name} master link${index}`)
      await machine.ip(`address add ${addressOf(index, number)}/24 dev eth0`)
      await machine.ip(`route add default via 192.168.${77 + index}.1`)
    }
  }
  const stack = building.move()
  return { router, machines, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

export const addressOf = (link: number, number: number): string => `192.168.${77 + link}.${10 + number}`

export interface TestPod extends AsyncDisposable {
  readonly machine: TestMachine
  readonly address: string
}

/** Makes a Pod's network on a machine with the plugins of its CNI configuration, as a container runtime does. */
export async function testPod(
  name: string,
  on: TestMachine,
  cniFile: string,
  ports: readonly object[] = [],
): Promise<TestPod> {
  const machine = await TestMachine.create(name)
  const config = JSON.parse(await readFile(cniFile, 'utf8')) as { name: string; cniVersion: string; plugins: Plugin[] }
  const call = async (command: 'ADD' | 'DEL', plugin: Plugin, prevResult?: object): Promise<string> => {
    const env = [
      `CNI_COMMAND=${command}`,
      `CNI_CONTAINERID=${machine.namespace}`,
      `CNI_NETNS=${machine.path}`,
      'CNI_IFNAME=eth0',
      'CNI_PATH=/usr/lib/cni',
    ]
    const runtimeConfig = plugin.capabilities?.portMappings ? { portMappings: ports } : undefined
    const input = JSON.stringify({
      ...plugin,
      cniVersion: config.cniVersion,
      name: config.name,
      prevResult,
      runtimeConfig,
    })
    return on.commands.run('env', [...env, `PATH=${process.env.PATH}`, `/usr/lib/cni/${plugin.type}`], { input })
  }
  let result: { ips: { address: string }[] } | undefined
  for (const plugin of config.plugins) {
    if (plugin.type === 'portmap' && ports.length === 0) continue
    result = JSON.parse(await call('ADD', plugin, result))
  }
  return {
    machine,
    address: result!.ips[0]!.address.split('/')[0]!,
    async [Symbol.asyncDispose]() {
      for (const plugin of config.plugins.toReversed()) await call('DEL', plugin, result).catch(() => {})
      await machine[Symbol.asyncDispose]()
    },
  }
}

interface Plugin {
  readonly type: string
  readonly capabilities?: { readonly portMappings?: boolean }
}

/** A directory that is gone when disposed. */
export async function testDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-network-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
