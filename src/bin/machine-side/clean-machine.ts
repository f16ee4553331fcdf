import { existsSync, readFileSync } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CleanMachine } from '../../cli/commands/down/down.ts'
import type { Commands } from '../../machinery/commands.ts'
import { nodeNetworkFiles } from '../../pod-network/node-network-files.ts'
import { takeDownPodNetwork } from '../../pod-network/pod-network.ts'
import { takeDownServiceProxy } from '../../proxy/service-proxy.ts'
import { machineLayoutOf } from './machine-layout.ts'
import { notedMachine } from './machine-note.ts'
import { killMachineProcesses } from './machine-processes.ts'
import { nodeCommands } from './node-commands.ts'

/** Removes every trace of a machine but its data: containers, mounts, cgroups, network. What is not there is success. */
export const cleanMachine: CleanMachine = async ({ dataDir, namespacePath }) => {
  if (!existsSync(dataDir)) return
  const layout = machineLayoutOf(dataDir)
  const commands = namespacePath ? commandsIn(namespacePath) : nodeCommands
  const { clusterDns } = await notedMachine(layout)
  await killMachineProcesses(layout.containerdSocket, layout.containerd)
  for (const folder of [layout.run, layout.containerdRoot, layout.kubelet]) await unmountBelow(folder)
  await removeCgroups(layout.cgroupRoot)
  await takeDownServiceProxy({ commands }).catch(() => {}) // Its table may never have been made.
  await takeDownPodNetwork(
    { commands, files: nodeNetworkFiles },
    {
      cniDirectory: layout.cniConfig,
      stateDirectory: layout.network,
      localAddresses: clusterDns ? [clusterDns] : [],
    },
  )
  await rm(layout.run, { recursive: true, force: true })
}

/** Programs that run in the network of a machine made on this host. */
const commandsIn = (namespacePath: string): Commands => ({
  run: (command, args, options) =>
    nodeCommands.run('nsenter', [`--net=${namespacePath}`, '--', command, ...args], options),
  lines: (command, args, signal, options) =>
    nodeCommands.lines('nsenter', [`--net=${namespacePath}`, '--', command, ...args], signal, options),
})

/** Unmounts everything below a folder, what was mounted last first. */
export async function unmountBelow(folder: string): Promise<void> {
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => unescaped(line.split(' ')[4] ?? ''))
    .filter(path => path.startsWith(`${folder}/`))
  for (const path of mounted.reverse()) await nodeCommands.run('umount', ['--lazy', path])
}

/** mountinfo writes blanks and the like as octal numbers (proc(5)). */
const unescaped = (path: string): string =>
  path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** cgroup directories go from the deepest up; only empty ones can. */
async function removeCgroups(root: string): Promise<void> {
  const hierarchies = await readdir('/sys/fs/cgroup')
  for (const hierarchy of ['.', ...hierarchies]) await removeCgroup(join('/sys/fs/cgroup', hierarchy, root))
}

async function removeCgroup(path: string): Promise<void> {
  if (!existsSync(path)) return
  const entries = await readdir(path, { withFileTypes: true })
  for (const entry of entries) if (entry.isDirectory()) await removeCgroup(join(path, entry.name))
  await rmdir(path).catch(() => {}) // Still used by a process that is just ending; it goes with the machine's next start.
}
