import type { Pod } from '../../api/core-v1/types.ts'
import type { AddressRange } from '../../machinery/address-range.ts'
import type { Clock } from '../../machinery/clock.ts'
import { publishesUnready } from '../../machinery/service-endpoints.ts'
import type { Answer } from '../cluster/answer.ts'
import { type ClusterCatalog, type PodName, podAddressesOf } from '../cluster/catalog.ts'
import type { ClusterZone } from '../cluster/cluster-zone.ts'
import { type DomainName, type Question, Rcode } from '../message/message.ts'
import { foldedName } from '../message/name.ts'

/** Less than resolvers wait before they ask again, and long enough for a slow control plane. */
const HOLD_MS_MAX = 1500
/** Questions held at once; those beyond are told what is known. */
const HELD_MAX = 1000

export interface OwnNames {
  /** There is a Pod to which this name may soon belong: that it does not exist must not be remembered. */
  mayCome(question: Question): boolean
  /**
   * For a question whose name does not exist: resolves with the answer as soon as it does, or with undefined when it took
   * too long. Undefined at once when nothing is to be waited for.
   */
  whenKnown(question: Question, asker: string | undefined): Promise<Answer | undefined> | undefined
}

/**
 * A container may look itself up before the API has told anyone of its address. When its Service publishes unready
 * addresses, the name is bound to come, so the answer is held back until it is there: "no such name" would be wrong.
 * Only for the Pod itself; peers that ask for one that is still to come are told so.
 */
export function ownNames({
  catalog,
  zone,
  clock,
  domain,
  podRange,
}: {
  catalog: ClusterCatalog
  zone: ClusterZone
  clock: Clock
  domain: DomainName
  podRange: AddressRange
}): OwnNames {
  let held = 0
  const hold = async (question: Question): Promise<Answer | undefined> => {
    held++
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>()
    using _timer = clock.schedule(HOLD_MS_MAX, () => resolve(undefined))
    using _subscription = catalog.onChange(() => {
      const answer = zone.answer(question)
      if (answer && answer.rcode !== Rcode.NameError) resolve(answer)
    })
    try {
      return await promise
    } finally {
      held--
    }
  }
  const podOf = (name: PodName | undefined): Pod | undefined => name && catalog.podNamed(name)
  return {
    mayCome: question => podOf(podNameOf(question.name, domain)) !== undefined,
    whenKnown(question, asker) {
      const name = podNameOf(question.name, domain)
      const pod = asker !== undefined && podRange.includes(asker) ? podOf(name) : undefined
      if (!name || !pod || held >= HELD_MAX || !mayBe(pod, asker!, catalog)) return undefined
      const service = catalog.service(name.namespace, name.service)?.service
      return service && publishesUnready(service) ? hold(question) : undefined
    },
  }
}

function podNameOf(name: DomainName, domain: DomainName): PodName | undefined {
  const folded = foldedName(name)
  if (!folded.endsWith(`.svc.${domain}`)) return undefined
  const [hostname, service, namespace, ...more] = folded.slice(0, -`.svc.${domain}`.length).split('.')
  return hostname && service && namespace && more.length === 0 ? { hostname, service, namespace } : undefined
}

/** Nobody else is known by the asker's address, so it may be the Pod whose address is not known yet. */
function mayBe(pod: Pod, asker: string, catalog: ClusterCatalog): boolean {
  const known = podAddressesOf(pod)
  return known.length > 0 ? known.includes(asker) : !catalog.hasPodAt(asker)
}
