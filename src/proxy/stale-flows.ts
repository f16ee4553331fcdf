import type { Commands } from '../machinery/commands.ts'
import type { Logger } from '../machinery/logger.ts'
import type { ServiceRules, UdpFront } from './plan/service-rules.ts'

/** A flow that the kernel remembers although it should now go elsewhere. */
export interface StaleFlow {
  readonly address?: string
  readonly port: number
  /** Undefined: whatever goes there without having been led on. */
  readonly backend?: string
}

/**
 * UDP has no end of a connection, so the kernel keeps sending a client's datagrams where the first one went. Flows to
 * backends that are gone are cut, and those that began before there was any backend. Pure.
 */
export function staleFlowsBetween(old: ServiceRules | undefined, now: ServiceRules | undefined): readonly StaleFlow[] {
  const current = new Map((now?.udpFronts ?? []).map(front => [frontText(front), new Set(front.backends)]))
  const gone = (old?.udpFronts ?? []).flatMap(({ backends, ...front }) => {
    const kept = current.get(frontText(front))
    return backends.filter(backend => !kept?.has(backend)).map(backend => ({ ...front, backend }))
  })
  const before = new Map((old?.udpFronts ?? []).map(front => [frontText(front), front.backends.length]))
  const begun = (now?.udpFronts ?? [])
    .filter(front => front.backends.length > 0 && !before.get(frontText(front)))
    .map(({ address, port }) => ({ port, ...(address !== undefined && { address }) }))
  return [...gone, ...begun]
}

const frontText = ({ address = '', port }: Pick<UdpFront, 'address' | 'port'>): string => `${address} ${port}`

/** Programs at once: each goes through all flows of the machine. */
const CUTS_AT_ONCE = 4

/** Cuts stale flows beside everything else, so that rules do not wait for it. */
export class FlowCutter implements AsyncDisposable {
  readonly #commands: Commands
  readonly #logger: Logger
  /** By their text: what waits already need not wait twice. */
  readonly #waiting = new Map<string, StaleFlow>()
  readonly #running = new Set<Promise<void>>()

  constructor(commands: Commands, logger: Logger) {
    this.#commands = commands
    this.#logger = logger
  }

  /** To be called when the rules hold that these flows are at odds with. */
  cut(flows: readonly StaleFlow[]): void {
    for (const flow of flows) this.#waiting.set(`${frontText(flow)} ${flow.backend ?? ''}`, flow)
    while (this.#waiting.size > 0 && this.#running.size < CUTS_AT_ONCE) this.#start()
  }

  #start(): void {
    const [text, flow] = this.#waiting.entries().next().value! // The caller looked.
    this.#waiting.delete(text)
    const running = this.#cutOne(flow).then(() => {
      this.#running.delete(running)
      this.cut([])
    })
    this.#running.add(running)
  }

  /** What cannot be cut is logged: a client is then led wrong for as long as it goes on. */
  async #cutOne({ address, port, backend }: StaleFlow): Promise<void> {
    const front = ['--orig-port-dst', String(port), ...(address ? ['--orig-dst', address] : [])]
    const args = ['-D', '-f', 'ipv4', '-p', 'udp', ...front, ...(backend ? ['--dst-nat', backend] : [])]
    try {
      await this.#commands.run('conntrack', args)
    } catch (error) {
      // With nothing to delete it ends with 1, too.
      if (!/0 flow entries/.test(String(error))) this.#logger.warn({ err: error }, 'cannot cut stale UDP flows')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
