import { readFile } from 'node:fs/promises'
import { arch, availableParallelism, hostname, networkInterfaces, release } from 'node:os'
import type { MachineFacts, MachineInfo, MachineLoad, ResolverConfig } from '../doors.ts'

export interface ProcInfoOptions {
  /** Overrides what the machine calls itself, for several machines on one. */
  readonly hostname?: string
  readonly addresses?: readonly string[]
  /** Pods ask these when they use the machine's own resolver; default /etc/resolv.conf. */
  readonly resolvConf?: string
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** The machine as /proc and the operating system describe it. */
export const procInfo = (options: ProcInfoOptions = {}): MachineInfo => ({
  facts: () => readFacts(options),
  load: readLoad,
  resolver: () => readResolver(options.resolvConf ?? '/etc/resolv.conf'),
})

async function readFacts(options: ProcInfoOptions): Promise<MachineFacts> {
  const [memory, bootId, machineId, systemUuid, osRelease] = await Promise.all([
    readMemory(),
    textOf('/proc/sys/kernel/random/boot_id'),
    textOf('/etc/machine-id'),
    textOf('/sys/class/dmi/id/product_uuid'),
    textOf('/etc/os-release'),
  ])
  return {
    hostname: options.hostname ?? hostname(),
    addresses: options.addresses ?? ownAddresses(),
    cpuCount: availableParallelism(),
    memoryBytes: memory.get('MemTotal') ?? 0,
    architecture: ARCHITECTURES[arch()] ?? arch(),
    operatingSystem: 'linux',
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? 'Linux',
    kernelVersion: release(),
    bootId,
    machineId,
    systemUuid: systemUuid || machineId,
  }
}

/** The first address that others can reach; a machine without any network has at least itself. */
function ownAddresses(): readonly string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, found]) =>
    (found ?? []).map(address => ({ ...address, name })),
  )
  const isVirtual = (name: string): boolean => /^(veth|cni|docker|br-|hf|virbr)/.test(name)
  const outside = all.filter(({ internal, name, family }) => !internal && family === 'IPv4' && !isVirtual(name))
  return outside.length > 0 ? [outside[0]!.address] : ['127.0.0.1']
}

async function readLoad(): Promise<MachineLoad> {
  const [memory, pidsMax, loadavg] = await Promise.all([
    readMemory(),
    textOf('/proc/sys/kernel/pid_max'),
    textOf('/proc/loadavg'),
  ])
  const tasks = Number(loadavg.split(' ')[3]?.split('/')[1] ?? 0)
  return { memoryAvailableBytes: memory.get('MemAvailable') ?? 0, pidsMax: Number(pidsMax), pidsUsed: tasks }
}

async function readMemory(): Promise<ReadonlyMap<string, number>> {
  const text = await textOf('/proc/meminfo')
  return new Map([...text.matchAll(/^(\w+):\s+(\d+) kB/gm)].map(([, name, kibi]) => [name!, Number(kibi) * 1024]))
}

async function readResolver(path: string): Promise<ResolverConfig> {
  const lines = (await textOf(path)).split('\n').map(line => line.trim().split(/\s+/))
  const values = (keyword: string): string[] =>
    lines.filter(([first]) => first === keyword).flatMap(([, ...rest]) => rest)
  const searches = lines.filter(([first]) => first === 'search' || first === 'domain').at(-1) ?? []
  return {
    servers: values('nameserver'),
    searches: searches.slice(1).filter(name => name !== '.'),
    options: values('options'),
  }
}

const textOf = (path: string): Promise<string> =>
  readFile(path, 'utf8').then(
    text => text.trim(),
    () => '',
  )
