import { readdirSync, readFileSync } from 'node:fs'

interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

function allProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
        return [
          { pid: Number(name), parent, command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') },
        ]
      } catch {
        return [] // It ended while we looked.
      }
    })
}

/** Processes of one machine's own containerd: itself, its shims, and everything that runs in their containers. */
function machineProcessIds(containerdSocket: string, containerdDirectory: string): readonly number[] {
  const processes = allProcesses()
  const isRoot = ({ command }: ProcessInfo): boolean =>
    (command.includes('containerd-shim') && command.includes(`-address ${containerdSocket} `)) ||
    (command.includes('containerd') && command.includes(`--config ${containerdDirectory}/config.toml`))
  const found = new Set(processes.filter(isRoot).map(({ pid }) => pid))
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid)
  }
  return [...found]
}

/** Ends all of them at once and resolves when none is left. */
export async function killMachineProcesses(containerdSocket: string, containerdDirectory: string): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  for (;;) {
    const pids = machineProcessIds(containerdSocket, containerdDirectory)
    if (pids.length === 0) return
    if (performance.now() > deadlineMs) throw new Error(`processes ${pids.join(', ')} do not end`)
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended by itself.
      }
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
