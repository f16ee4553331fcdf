import type { Cluster } from '../cluster.ts'

const VOLUMES = '/var/lib/holdfast/volumes/'

/** Looks at what really runs on the machines, whatever the API says of it. */
export class MachineCheck {
  readonly #overruled = new Set<string>()
  readonly #violated: (text: string) => void
  readonly #told = new Set<string>()

  constructor(violated: (text: string) => void) {
    this.#violated = violated
  }

  /** The user took this Pod's name away from it by force: its containers may run on beside a successor's. */
  overrule(uid: string): void {
    this.#overruled.add(uid)
  }

  /** At most one running Pod of a name, and at most one user of a volume. */
  look(cluster: Cluster): void {
    const usersByName = new Map<string, Set<string>>()
    for (const { name: node, machine } of cluster.nodes) {
      for (const { isRunning, parts } of machine.runtime.containers) {
        const { pod } = parts.sandbox
        if (!isRunning || this.#overruled.has(pod.uid)) continue
        const volumes = parts.config.mounts.filter(({ hostPath }) => hostPath.startsWith(VOLUMES))
        for (const used of [`Pod ${pod.name}`, ...volumes.map(({ hostPath }) => `volume ${node}:${hostPath}`)]) {
          const users = usersByName.get(used) ?? new Set()
          usersByName.set(used, users.add(pod.uid))
        }
      }
    }
    for (const [used, { size }] of usersByName) if (size > 1) this.#tell(`${size} running users of ${used}`)
  }

  #tell(text: string): void {
    if (this.#told.has(text)) return
    this.#told.add(text)
    this.#violated(text)
  }
}
