import { deepEqual } from 'fast-equals'
import { Node, Pod, Service } from '../../api/core-v1/types.ts'
import { EndpointSlice } from '../../api/discovery-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import { isTerminating, keyOf, keyText, type ObjectKey } from '../../machinery/object.ts'
import type { Labels } from '../../machinery/selectors.ts'
import { isHeadless } from '../../machinery/service-endpoints.ts'
import { attemptAll } from '../attempt-all.ts'
import { Expectations, UNSEEN_WRITE_RECHECK_MS } from '../expectations.ts'
import { PASSES_OVER_PODS, Pace } from '../pace.ts'
import { zoneOf } from './endpoint.ts'
import { EndpointMemo } from './endpoint-memo.ts'
import { ManagedSlices, newSliceFor } from './managed-slices.ts'
import { EndpointTexts, packingOf, type SliceContent } from './packing.ts'
import { choosesPods, podsBeside, servicesOf } from './service-pods.ts'
import { SettledServices } from './settled-services.ts'

const slices = new ManagedSlices('endpointslice-controller.k8s.io')
const HEADLESS = 'service.kubernetes.io/headless'

export const endpointSliceController = controllerFor(Service, {
  name: 'endpointslice',
  component: 'endpoint-slice-controller',
})
  .watches(Pod, servicesOf)
  .watches(EndpointSlice, slices.servicesOf)
  .watches(Node, servicesAfterZoneChange)
  .reconciledBy(endpointSliceReconciler)

/** Keeps the slices of one Service equal to the Pods that it selects. */
function endpointSliceReconciler(dependencies: Dependencies): Reconciler {
  const { client, informers, events, clock, random } = dependencies
  const expectations = new Expectations(dependencies)
  const slicesOf = slices.lister(informers)
  const nodes = informers.informer(Node)
  const memo = new EndpointMemo()
  const pace = new Pace(clock, PASSES_OVER_PODS)
  const texts = new EndpointTexts()
  const settled = new SettledServices(informers, {
    ofPod: event => servicesOf(event, dependencies),
    ofSlice: slices.servicesOf,
    ofNode: event => servicesAfterZoneChange(event, dependencies),
  })

  return async function reconcile(key) {
    const service = informers.informer(Service).get(key)
    if (!service) {
      expectations.forget(key)
      pace.forget(keyText(key))
    }
    if (!service || isTerminating(service) || !choosesPods(service)) return {} // Slices of a Service go by owner reference.
    if (settled.has(key)) return {}
    if (!(await expectations.areMet(key))) return { recheckAfterMs: UNSEEN_WRITE_RECHECK_MS }

    const waitMs = pace.untilNextMs(keyText(key))
    if (waitMs > 0) return { recheckAfterMs: waitMs }
    settled.settle(key)
    const existing = slicesOf(key).filter(slice => !isTerminating(slice))
    const labels = labelsOf(service)
    const pods = podsBeside(service, informers)
    pace.note(keyText(key), pods.length)
    const groups = memo.groupsOf(service, pods, name => nodes.get({ name }))
    const { create, update, remove } = packingOf(groups, existing, texts)
    const updated = new Set([...update.map(({ slice }) => slice), ...remove])
    const relabelled = existing.filter(slice => !updated.has(slice) && !deepEqual(slice.metadata.labels, labels))

    const note = (written: EndpointSlice): unknown =>
      settled.wrote(written, informers.informer(EndpointSlice).get(keyOf(written)))
    const write = async (slice: EndpointSlice, content: Partial<SliceContent>): Promise<unknown> => {
      const wanted = { ...slice, ...content, metadata: { ...slice.metadata, labels } }
      return note(expectations.wrote(key, EndpointSlice, await client.update(EndpointSlice, wanted)))
    }
    const make = async (content: SliceContent): Promise<unknown> => {
      const slice = newSliceFor(service, { labels, content, random })
      return note(await expectations.create(key, EndpointSlice, slice))
    }
    try {
      await attemptAll([
        ...create.map(content => () => make(content)),
        ...update.map(
          ({ slice, content }) =>
            () =>
              write(slice, content),
        ),
        ...relabelled.map(slice => () => write(slice, {})),
      ])
      await attemptAll(remove.map(slice => () => expectations.delete(key, EndpointSlice, slice)))
    } catch (error) {
      settled.unsettle(key)
      const message = `Error updating Endpoint Slices for Service ${key.namespace}/${key.name}: ${error}`
      events.record(service, { type: 'Warning', reason: 'FailedToUpdateEndpointSlices', message })
      throw error
    }
    return {}
  }
}

/** A slice carries the labels of its Service, so that it can be found by them. */
const labelsOf = (service: Service): Labels => ({
  ...service.metadata.labels,
  ...slices.labelsFor(service.metadata.name),
  ...(isHeadless(service) && { [HEADLESS]: '' }),
})

function servicesAfterZoneChange(event: InformerEvent<Node>, { informers }: Dependencies): ObjectKey[] {
  const isNew = event.type === 'updated' ? zoneOf(event.previous) !== zoneOf(event.object) : zoneOf(event.object)
  return isNew ? informers.informer(Service).list().filter(choosesPods).map(keyOf) : []
}
