import { Lease } from '../../api/coordination-v1/types.ts'
import { Node } from '../../api/core-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../machinery/clock.ts'
import type { Logger } from '../../machinery/logger.ts'
import { microTimeText } from '../../machinery/time.ts'

const NAMESPACE = 'kube-node-lease'
/** A lease is renewed four times in its duration. */
const RENEWALS = 4

export interface NodeLeaseOptions {
  readonly nodeName: string
  readonly client: Client
  readonly clock: Clock
  readonly logger: Logger
  readonly leaseDurationSeconds: number
}

/** The heartbeat of the machine: a Lease that is renewed until the signal is aborted. */
export async function keepNodeLease(options: NodeLeaseOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger, leaseDurationSeconds } = options
  const intervalMs = (leaseDurationSeconds * 1000) / RENEWALS
  let known: Lease | undefined
  while (!signal.aborted) {
    try {
      known = await renewed(options, known)
    } catch (error) {
      logger.warn({ error }, 'could not renew the lease of the node')
      known = undefined
    }
    // A lease needs its Node as owner; until that is there, look again soon.
    await clock.sleep(known ? intervalMs : 1000, signal).catch(() => {}) // Aborted: the loop ends.
  }
}

async function renewed(options: NodeLeaseOptions, known: Lease | undefined): Promise<Lease | undefined> {
  const { client, nodeName, clock, leaseDurationSeconds } = options
  const spec = { holderIdentity: nodeName, leaseDurationSeconds, renewTime: microTimeText(clock.now()) }
  const current = known ?? (await client.find(Lease, { namespace: NAMESPACE, name: nodeName }))
  if (current) return client.update(Lease, { ...current, spec: { ...current.spec, ...spec } })
  const node = await client.find(Node, { name: nodeName })
  if (!node) return undefined
  const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid }
  return client.create(Lease, { metadata: { namespace: NAMESPACE, name: nodeName, ownerReferences: [owner] }, spec })
}
