import { Endpoints, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import { isTerminating, keyOf } from '../../machinery/object.ts'
import type { Random } from '../../machinery/random.ts'
import { attemptAll } from '../attempt-all.ts'
import { ManagedSlices, newSliceFor } from '../endpoint-slice/managed-slices.ts'
import { packingOf, type SliceContent } from '../endpoint-slice/packing.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { isMirrored, mirroredGroups } from './mirrored-groups.ts'

const slices = new ManagedSlices('endpointslicemirroring-controller.k8s.io')

export const endpointSliceMirroringController = controllerFor(Endpoints, {
  name: 'endpointslicemirroring',
  component: 'endpoint-slice-mirroring-controller',
})
  .watches(Service, ({ object }) => [keyOf(object)])
  .watches(EndpointSlice, slices.servicesOf)
  .reconciledBy(endpointSliceMirroringReconciler)

/** Copies Endpoints that people wrote for a Service without selector into slices, which is all that others read. */
function endpointSliceMirroringReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, random } = dependencies
  const expectations = new Expectations(dependencies)
  const slicesOf = slices.lister(informers)

  return async function reconcile(key) {
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    const endpoints = informers.informer(Endpoints).get(key)
    const existing = slicesOf(key).filter(slice => !isTerminating(slice))
    const isWanted =
      endpoints && !isTerminating(endpoints) && isMirrored(endpoints, informers.informer(Service).get(key))
    const { create, update, remove } = packingOf(isWanted ? mirroredGroups(endpoints) : [], existing)
    await attemptAll([
      ...create.map(content => () => expectations.create(key, EndpointSlice, newSlice(endpoints!, content, random))),
      ...update.map(({ slice, content }) => async () => {
        expectations.wrote(key, EndpointSlice, await client.update(EndpointSlice, { ...slice, ...content }))
      }),
    ])
    await attemptAll(remove.map(slice => () => expectations.delete(key, EndpointSlice, slice)))
    return {}
  }
}

function newSlice(endpoints: Endpoints, content: SliceContent, random: Random): Unsaved<EndpointSlice> {
  const { name, labels: own } = endpoints.metadata
  return newSliceFor(endpoints, { labels: { ...own, ...slices.labelsFor(name) }, content, random })
}
