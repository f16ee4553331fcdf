import type { StatefulSet } from '../../src/api/apps-v1/types.ts'
import type { Pod } from '../../src/api/core-v1/types.ts'
import type { ApiCall, ApiTransport } from '../../src/machinery/api-call.ts'
import type { JsonObject } from '../../src/machinery/json.ts'
import { hasPodEnded, isPodReady } from '../../src/machinery/pod-state.ts'
import { forbiddenTo } from '../../src/machinery/status.ts'
import type { Between } from '../../src/testing/control-components.ts'
import { believing, calling, isPodDeletion, isSets, withSpec } from './planted-bugs.ts'

const NAMESPACE = 'default'
const REVISION_LABEL = 'controller-revision-hash'
const pods = { group: '', version: 'v1', resource: 'pods', namespace: NAMESPACE } as const
const sets = { group: 'apps', version: 'v1', resource: 'statefulsets', namespace: NAMESPACE } as const
const DONE = { apiVersion: 'v1', kind: 'Status', status: 'Success' }

const podNamed = async (transport: ApiTransport, name: string): Promise<Pod> =>
  (await transport.request({ ...pods, verb: 'get', name })) as unknown as Pod

const allPods = async (transport: ApiTransport): Promise<readonly Pod[]> =>
  (await transport.request({ ...pods, verb: 'list' })).items as unknown as readonly Pod[]

const setOf = async (transport: ApiTransport, podName: string): Promise<StatefulSet> => {
  const name = podName.slice(0, podName.lastIndexOf('-'))
  return (await transport.request({ ...sets, verb: 'get', name })) as unknown as StatefulSet
}

const ordinalOf = (name: string): number => Number(name.slice(name.lastIndexOf('-') + 1))

const indexIn = ({ spec }: StatefulSet, podName: string): number => ordinalOf(podName) - (spec.ordinals?.start ?? 0)

const isSetStatus = ({ resource, subresource, body }: ApiCall): boolean =>
  resource === 'statefulsets' && subresource === 'status' && body !== undefined

type Status = StatefulSet['status']

/** What the controller says of a set is something else on its way. */
const saying = (change: (status: Status, set: StatefulSet) => object): Between =>
  calling(isSets, (call, transport) => {
    if (!isSetStatus(call)) return transport.request(call)
    const set = call.body as unknown as StatefulSet
    const body = { ...set, status: { ...set.status, ...change(set.status, set) } } as unknown as JsonObject
    return transport.request({ ...call, body })
  })

const withoutCommand = (message = ''): string => message.replaceAll(/kubectl delete pod \S+/g, 'kubectl get pods')

/** It goes on telling what it told first. */
function tellingOnce(): Between {
  const first = new Map<string, Status['conditions']>()
  return saying(({ conditions }, { metadata }) => {
    const told = first.get(metadata.uid) ?? conditions
    if (told) first.set(metadata.uid, told)
    return { conditions: told }
  })
}

/** In a Parallel set, broken Pods count against the budget of their own replacement. */
const chargingBrokenPods = (): Between =>
  calling(isSets, async (call, transport) => {
    if (!isPodDeletion(call)) return transport.request(call)
    const set = await setOf(transport, call.name!)
    const own = (await allPods(transport)).filter(
      ({ metadata }) => metadata.ownerReferences?.[0]?.uid === set.metadata.uid,
    )
    const pod = own.find(({ metadata }) => metadata.name === call.name)
    const max = Number(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1)
    const isCharged =
      pod && !isPodReady(pod) && !hasPodEnded(pod) && indexIn(set, call.name!) < (set.spec.replicas ?? 1)
    const isOver = own.filter(other => !isPodReady(other)).length >= max
    return isCharged && isOver && set.spec.podManagementPolicy === 'Parallel' ? DONE : transport.request(call)
  })

/** Whoever ends, and is held by a finalizer, is torn out of the hands of its holder to make room for its successor. */
const tearingOut = (): Between =>
  calling(isSets, async (call, transport) => {
    const answer = await transport.request(call)
    if (!isSetStatus(call)) return answer
    for (const { metadata } of await allPods(transport)) {
      if (!metadata.deletionTimestamp || !metadata.finalizers?.length) continue
      const body = { metadata: { finalizers: null } }
      await transport
        .request({ ...pods, verb: 'patch', name: metadata.name, patchType: 'merge', body } as ApiCall)
        .catch(() => {})
    }
    return answer
  })

/** A Pod that failed comes back at the new revision, wherever the partition is. */
function revivingAnew(): Between {
  const failed = new Set<string>()
  return calling(isSets, async (call, transport) => {
    if (isPodDeletion(call) && hasPodEnded(await podNamed(transport, call.name!))) failed.add(call.name!)
    if (call.verb !== 'create' || call.resource !== 'pods') return transport.request(call)
    const pod = call.body as unknown as Pod
    if (!failed.delete(pod.metadata.name)) return transport.request(call)
    const { spec, status } = await setOf(transport, pod.metadata.name)
    const labels = { ...pod.metadata.labels, [REVISION_LABEL]: status.updateRevision! }
    const containers = spec.template.spec!.containers
    const body = { ...pod, metadata: { ...pod.metadata, labels }, spec: { ...pod.spec, containers } }
    return transport.request({ ...call, body: body as unknown as JsonObject })
  })
}

/** The next controllers read a template otherwise than the last ones wrote it, as after an upgrade. */
function readingOtherwise(): Between {
  let lives = 0
  const otherwise = believing(['informers'], 'statefulsets', object =>
    withSpec(object, ({ template }) => {
      const { schedulerName: _, ...spec } = (template as { spec: JsonObject }).spec
      return { template: { ...(template as JsonObject), spec } }
    }),
  )
  return (component, transport) => {
    if (component === 'informers') lives++
    return lives > 1 ? otherwise(component, transport) : transport
  }
}

/** At its quota a set first tries to make what it lacks, and when that is refused it lets go of nothing. */
const creatingFirst = (): Between =>
  calling(isSets, async (call, transport) => {
    if (!isPodDeletion(call)) return transport.request(call)
    const set = await setOf(transport, call.name!)
    const { replicas = 1 } = set.spec
    const isWanted = (name: string): boolean => indexIn(set, name) >= 0 && indexIn(set, name) < replicas
    const all = await allPods(transport)
    const own = all.filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === set.metadata.uid)
    const isComplete = own.filter(({ metadata }) => isWanted(metadata.name)).length === replicas
    if (isWanted(call.name!) || isComplete) return transport.request(call)
    const quotas = await transport.request({ ...pods, resource: 'resourcequotas', verb: 'list' })
    const [quota] = quotas.items as unknown as readonly {
      readonly spec: { readonly hard: { readonly pods: string } }
    }[]
    if (!quota || all.length < Number(quota.spec.hard.pods)) return transport.request(call)
    throw forbiddenTo({ group: '', resource: 'pods' }, call.name!, 'exceeded quota: pods')
  })

/**
 * The regressions that Kubernetes knows by number, as bugs of the same kind. Where ours behaves as Kubernetes does (a broken
 * Pod is not deleted by the controller), what a user relies on instead is taken away: what the set says of it.
 */
export const plantedRegressions: Readonly<Record<string, () => Between>> = {
  '#60164: a broken Pod holds the rollout of an ordered set, and nothing is said': () =>
    saying(() => ({ conditions: [] })),
  '#88896: it is said, but not what would release it': () =>
    saying(({ conditions }) => ({
      conditions: conditions?.map(each => ({ ...each, message: withoutCommand(each.message) })),
    })),
  '#141095: what is said is what was so before': tellingOnce,
  '#137409: Parallel: broken Pods are not replaced once the budget is used up': chargingBrokenPods,
  '#123918: a Pod that has ended and is held by a finalizer is replaced before it is let go': tearingOut,
  '#118310: a Pod that failed below the partition comes back at the new revision': revivingAnew,
  '#121534: a rollout is over while the partition still holds Pods back': () =>
    saying(({ replicas, readyReplicas, updateRevision }) =>
      readyReplicas === replicas ? { currentRevision: updateRevision } : {},
    ),
  '#135017: an upgrade reads a template otherwise, and replaces every Pod': readingOtherwise,
  '#140858: Parallel: at its quota a set cannot move to other ordinals': creatingFirst,
}
