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

/** Cuts them one after the other. What cannot be cut is logged: a client is then led wrong for as long as it goes on. */
export async function cutFlows(flows: readonly StaleFlow[], commands: Commands, logger: Logger): Promise<void> {
  for (const { address, port, backend } of flows) {
    const front = ['--orig-port-dst', String(port), ...(address ? ['--orig-dst', address] : [])]
    const args = ['-D', '-f', 'ipv4', '-p', 'udp', ...front, ...(backend ? ['--dst-nat', backend] : [])]
    try {
      await commands.run('conntrack', args)
    } catch (error) {
      // With nothing to delete it ends with 1, too.
      if (!/0 flow entries/.test(String(error))) logger.warn({ err: error }, 'cannot cut stale UDP flows')
    }
  }
}
