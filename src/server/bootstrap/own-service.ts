import { Service } from '../../api/core-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import { IPAddress, ServiceCIDR } from '../../api/networking-v1/types.ts'
import { addressRangeOf, addressTextOf } from '../../machinery/address-range.ts'
import type { Clock } from '../../machinery/clock.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { BootstrapWriter } from './bootstrap-writer.ts'
import { OWN_SERVICE } from './own-endpoints.ts'

export interface OwnServiceOptions {
  /** Where Pods reach the server, behind the Service `kubernetes`. */
  readonly addresses: readonly string[]
  readonly port: number
  /** Its first address is that of the Service `kubernetes`. Default `10.96.0.0/12`. */
  readonly serviceRange?: string
}

/** Between two looks at whether another server is done. */
const LOOK_MS = 50
/** Whoever took the address and has not made the Service after this time is not going to. */
const ABANDONED_MS = 5_000

/** The Service by which Pods find the API. No selector finds what is behind it: see `LivingServers`. */
export async function ensureOwnService(
  writer: BootstrapWriter,
  options: OwnServiceOptions & { readonly clock: Clock },
): Promise<void> {
  const { port, clock, serviceRange = '10.96.0.0/12' } = options
  const clusterIP = addressTextOf(addressRangeOf(serviceRange).first + 1)
  const labels = { component: 'apiserver', provider: 'kubernetes' }
  await writer.ensure(ServiceCIDR, { metadata: { name: 'kubernetes' }, spec: { cidrs: [serviceRange] } })
  await ensureService(writer, {
    clock,
    clusterIP,
    service: {
      metadata: { ...OWN_SERVICE, labels },
      spec: {
        clusterIP,
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
        sessionAffinity: 'None',
        type: 'ClusterIP',
      },
    },
  })
}

interface OwnServiceWrite {
  readonly service: Unsaved<Service>
  readonly clusterIP: string
  readonly clock: Clock
}

/**
 * A Service's address is taken before the Service is made. So a server that starts beside this one, or one that was
 * killed between the two, may hold the address though there is no Service yet: the first is waited for, and what the
 * second left is taken away.
 */
async function ensureService(writer: BootstrapWriter, { service, clusterIP, clock }: OwnServiceWrite): Promise<void> {
  const startedMs = clock.monotonicMs()
  for (;;) {
    try {
      return await writer.ensure(Service, service)
    } catch (error) {
      const reserved = await writer.find(IPAddress, { metadata: { name: clusterIP } })
      const holder = reserved?.spec.parentRef
      const isOurs = holder?.namespace === service.metadata.namespace && holder?.name === service.metadata.name
      if (!isStatusError(error, 'Invalid') || (reserved && !isOurs)) throw error
      const isLate = clock.monotonicMs() - startedMs >= ABANDONED_MS
      if (isLate && !reserved) throw error
      if (isLate) await writer.remove(IPAddress, reserved!)
      else await clock.sleep(LOOK_MS)
    }
  }
}
