import { killProcesses, listProcesses, type ProcessInfo, withDescendants } from '../../kubelet/machine/process-list.ts'

/** Processes of one machine's own containerd: itself, its shims, and everything that runs in their containers. */
function machineProcessIds(containerdSocket: string, containerdDirectory: string): ReadonlySet<number> {
  const processes = listProcesses()
  const isRoot = ({ command }: ProcessInfo): boolean =>
    (command.includes('containerd-shim') && command.includes(`-address ${containerdSocket} `)) ||
    (command.includes('containerd') && command.includes(`--config ${containerdDirectory}/config.toml`))
  const roots = processes.filter(isRoot).map(({ pid }) => pid)
  return withDescendants(processes, roots)
}

/** Ends all of them at once and resolves when none is left. */
export async function killMachineProcesses(containerdSocket: string, containerdDirectory: string): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  for (;;) {
    const pids = machineProcessIds(containerdSocket, containerdDirectory)
    if (pids.size === 0) return
    if (performance.now() > deadlineMs) throw new Error(`processes ${[...pids].join(', ')} do not end`)
    killProcesses(pids)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
