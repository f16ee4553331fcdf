import { Endpoints, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import type { Unsaved } from '../../api/kind.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import {
  controllerReferenceTo,
  isTerminating,
  keyFromText,
  keyOf,
  keyText,
  type ObjectKey,
} from '../../machinery/object.ts'
import { suffixFrom } from '../../machinery/random.ts'
import { SERVICE_NAME_LABEL, serviceKeyOf, slicesByService } from '../../machinery/service-endpoints.ts'
import { attemptAll } from '../attempt-all.ts'
import { packingOf, type SliceContent } from '../endpoint-slice/packing.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { isMirrored, mirroredGroups } from './mirrored-groups.ts'

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
const MANAGER = 'endpointslicemirroring-controller.k8s.io'

export const endpointSliceMirroringController = controllerFor(Endpoints, {
  name: 'endpointslicemirroring',
  component: 'endpoint-slice-mirroring-controller',
})
  .watches(Service, ({ object }) => [keyOf(object)])
  .watches(EndpointSlice, endpointsOfSlice)
  .reconciledBy(endpointSliceMirroringReconciler)

/** Copies Endpoints that people wrote for a Service without selector into slices, which is all that others read. */
function endpointSliceMirroringReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, random } = dependencies
  const expectations = new Expectations(dependencies)
  const slices = informers.informer(EndpointSlice)
  slices.addIndex(slicesByService.name, slicesByService.valuesOf)

  return async function reconcile(key) {
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }
    const endpoints = informers.informer(Endpoints).get(key)
    const existing = slices
      .byIndex(slicesByService.name, keyText(key))
      .filter(slice => isOurs(slice) && !isTerminating(slice))
    const isWanted =
      endpoints && !isTerminating(endpoints) && isMirrored(endpoints, informers.informer(Service).get(key))
    const { create, update, remove } = packingOf(isWanted ? mirroredGroups(endpoints) : [], existing)
    await attemptAll([
      ...create.map(
        content => () => expectations.create(key, EndpointSlice, newSlice(endpoints!, content, suffixFrom(random))),
      ),
      ...update.map(({ slice, content }) => async () => {
        expectations.wrote(key, EndpointSlice, await client.update(EndpointSlice, { ...slice, ...content }))
      }),
    ])
    await attemptAll(remove.map(slice => () => expectations.delete(key, EndpointSlice, slice)))
    return {}
  }
}

function newSlice(endpoints: Endpoints, content: SliceContent, suffix: string): Unsaved<EndpointSlice> {
  const { name, namespace, labels } = endpoints.metadata
  const generateName = `${name}-`
  return {
    ...content,
    metadata: {
      name: generateName + suffix,
      generateName,
      namespace,
      labels: { ...labels, [SERVICE_NAME_LABEL]: name, [MANAGED_BY]: MANAGER },
      ownerReferences: [controllerReferenceTo(endpoints)],
    },
  }
}

const isOurs = ({ metadata }: EndpointSlice): boolean => metadata.labels?.[MANAGED_BY] === MANAGER

function endpointsOfSlice({ object }: InformerEvent<EndpointSlice>): readonly ObjectKey[] {
  const key = isOurs(object) && serviceKeyOf(object)
  return key ? [keyFromText(key)] : []
}
