import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { machineLayoutOf } from '../../src/bin/machine-side/machine-layout.ts'
import { listProcesses } from '../../src/kubelet/machine/process-list.ts'

/** The processes, and what Pods have on the one machine of a cluster, as its kernel and its disk tell. */
export class MachineRemains {
  readonly #dataDir: string
  readonly #layout: ReturnType<typeof machineLayoutOf>

  constructor(dataDir: string) {
    this.#dataDir = dataDir
    this.#layout = machineLayoutOf(join(dataDir, 'machines', 'server'))
  }

  get serverPids(): readonly number[] {
    return pidsOf(command => command.includes(` server --config ${this.#dataDir}/config.json`))
  }

  get containerdPids(): readonly number[] {
    return pidsOf(command => command.includes(`--config ${this.#layout.containerd}/config.toml`))
  }

  /** One for each Pod. */
  get shimPids(): readonly number[] {
    return pidsOf(
      command => command.includes('containerd-shim') && command.includes(`-address ${this.#layout.containerdSocket}`),
    )
  }

  /** Each shim with its sandbox and what runs below it, in words. */
  shims(): readonly string[] {
    const processes = listProcesses()
    return this.shimPids.map(pid => {
      const id = / -id (\S{12})/.exec(processes.find(found => found.pid === pid)?.command ?? '')?.[1]
      const below = processes.filter(({ parent }) => parent === pid).map(({ command }) => command.slice(0, 20))
      return `shim ${pid} of ${id}: ${below.join(', ')}`
    })
  }

  /** Everything that Pods have, in words: empty when no Pod is there. */
  all(): readonly string[] {
    const { kubelet, podLogs, network, containerdState, cgroupRoot } = this.#layout
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map(line => line.split(' ')[4] ?? '')
    const found = {
      shim: this.shimPids.map(String),
      mount: mounts.filter(path => path.startsWith(`${kubelet}/`) || path.startsWith(`${containerdState}/`)),
      cgroup: cgroupsBelow(cgroupRoot),
      process: processesIn(cgroupRoot),
      directory: entriesOf(join(kubelet, 'pods')),
      log: entriesOf(podLogs),
      address: entriesOf(network, { recursive: true }).filter(path => /(^|\/)10\.[\d.]+$/.test(path)),
    }
    return Object.entries(found).flatMap(([what, names]) => names.map(name => `${what} ${name}`))
  }
}

const entriesOf = (folder: string, options: { recursive?: boolean } = {}): string[] =>
  existsSync(folder) ? readdirSync(folder, options).map(String) : []

function cgroupsBelow(root: string): string[] {
  const own = readdirSync('/sys/fs/cgroup').map(hierarchy => join('/sys/fs/cgroup', hierarchy, root))
  const folders = [join('/sys/fs/cgroup', root), ...own].filter(existsSync)
  return folders.flatMap(folder =>
    readdirSync(folder, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => join(folder, name)),
  )
}

const pidsOf = (isWanted: (command: string) => boolean): number[] =>
  processFiles('cmdline')
    .filter(({ text }) => isWanted(text.replaceAll('\0', ' ')))
    .map(({ pid }) => pid)

/** Containers run in cgroups below the root, also when nobody watches over them any more. */
const processesIn = (root: string): string[] =>
  processFiles('cgroup')
    .filter(({ text }) => text.includes(`:${root}/`))
    .map(({ pid }) => String(pid))

function processFiles(name: string): readonly { readonly pid: number; readonly text: string }[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .flatMap(entry => {
      try {
        return [{ pid: Number(entry), text: readFileSync(`/proc/${entry}/${name}`, 'utf8') }]
      } catch {
        return [] // It ended while we looked.
      }
    })
}
