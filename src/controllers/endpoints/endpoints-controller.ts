import { deepEqual } from 'fast-equals'
import { Endpoints, Pod, Service } from '../../api/core-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import { isTerminating, keyOf, keyText } from '../../machinery/object.ts'
import type { Labels } from '../../machinery/selectors.ts'
import { isHeadless } from '../../machinery/service-endpoints.ts'
import { isStatusError } from '../../machinery/status.ts'
import { messageOf } from '../attempt-all.ts'
import { choosesPods, podsOf, servicesOf } from '../endpoint-slice/service-pods.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { Pace, type PaceOptions } from '../pace.ts'
import { addressCountOf, subsetsOf } from './subsets.ts'

const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'

/** All of the object is written for each Pod that changes. Who needs to know at once reads slices. */
const WRITES: PaceOptions = { sizeFree: 50, pauseMsPerUnit: 1 }

export const endpointsController = controllerFor(Service, { name: 'endpoint' })
  .watches(Pod, servicesOf)
  .watches(Endpoints, ({ object }) => [keyOf(object)])
  .reconciledBy(endpointsReconciler)

/** Keeps the Endpoints object of one Service, which bears its name, equal to the Pods that it selects. */
function endpointsReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, events, clock } = dependencies
  const expectations = new Expectations(dependencies)
  const pace = new Pace(clock, WRITES)

  return async function reconcile(key) {
    const service = informers.informer(Service).get(key)
    const existing = informers.informer(Endpoints).get(key)
    if (!service) {
      expectations.forget(key)
      pace.forget(keyText(key))
      if (existing && isManaged(existing)) await expectations.delete(key, Endpoints, existing)
      return {}
    }
    if (isTerminating(service) || !choosesPods(service)) return {}
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }

    const waitMs = pace.untilNextMs(keyText(key))
    if (waitMs > 0) return { recheckAfterMs: waitMs }
    const wanted = wantedOf(service, podsOf(service, dependencies), existing)
    try {
      if (!existing) await expectations.create(key, Endpoints, wanted)
      else if (isDifferent(existing, wanted)) {
        const metadata = { ...existing.metadata, ...wanted.metadata }
        pace.note(keyText(key), Math.max(addressCountOf(existing), addressCountOf(wanted)))
        expectations.wrote(key, Endpoints, await client.update(Endpoints, { ...existing, ...wanted, metadata }))
      }
    } catch (error) {
      if (isStatusError(error, 'Forbidden') && !existing) return {} // The namespace is being deleted.
      const reason = existing ? 'FailedToUpdateEndpoint' : 'FailedToCreateEndpoint'
      const what = existing ? 'update endpoint' : 'create endpoint for service'
      const message = `Failed to ${what} ${key.namespace}/${key.name}: ${messageOf(error)}`
      events.record(existing ?? service, { type: 'Warning', reason, message })
      throw error
    }
    return {}
  }
}

type Wanted = Pick<Endpoints, 'subsets'> & {
  readonly metadata: { name: string; namespace: string; labels: Labels; annotations: Labels }
}

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by'
const isManaged = ({ metadata }: Endpoints): boolean => metadata.labels?.[MANAGED_BY] === 'endpoint-controller'

function wantedOf(service: Service, pods: readonly Pod[], existing: Endpoints | undefined): Wanted {
  const { name, namespace, labels } = service.metadata
  const { subsets, isTruncated } = subsetsOf(service, pods)
  const { [OVER_CAPACITY]: _, ...annotations } = existing?.metadata.annotations ?? {}
  return {
    metadata: {
      name,
      namespace,
      labels: {
        ...labels,
        [MANAGED_BY]: 'endpoint-controller',
        ...(isHeadless(service) && { 'service.kubernetes.io/headless': '' }),
      },
      annotations: isTruncated ? { ...annotations, [OVER_CAPACITY]: 'truncated' } : annotations,
    },
    subsets,
  }
}

const isDifferent = (existing: Endpoints, { metadata, subsets }: Wanted): boolean =>
  !deepEqual(existing.subsets ?? [], subsets) ||
  !deepEqual(existing.metadata.labels ?? {}, metadata.labels) ||
  !deepEqual(existing.metadata.annotations ?? {}, metadata.annotations)
