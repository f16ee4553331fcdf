import { ReplicaSet, StatefulSet } from '../../../api/apps-v1/types.ts'
import { ReplicationController, Service } from '../../../api/core-v1/types.ts'
import type { InformerFactory } from '../../../client/informer.ts'
import { controllerOf } from '../../../machinery/object.ts'
import { type Labels, matchesLabels, type Requirements, requirementsOf } from '../../../machinery/selectors.ts'
import type { PodInfo } from '../../pod-info.ts'

/** What a Pod belongs to: labels of the Pods to spread it from when it has no constraint of its own. */
export type GroupOf = (pod: PodInfo) => Requirements | undefined

/** Finds what a Pod belongs to: the Services that select it and the set that controls it, all of their labels. */
export function podGroups(informers: InformerFactory): GroupOf {
  const services = informers.informer(Service)
  const sets = informers.informer(StatefulSet)
  const replicaSets = informers.informer(ReplicaSet)
  const controllers = informers.informer(ReplicationController)

  const controlling = ({ pod, namespace }: PodInfo): Requirements => {
    const owner = controllerOf(pod)
    const key = { namespace, name: owner?.name ?? '' }
    switch (owner?.kind) {
      case 'StatefulSet':
        return requirementsOf(sets.get(key)?.spec.selector ?? {})
      case 'ReplicaSet':
        return requirementsOf(replicaSets.get(key)?.spec.selector ?? {})
      case 'ReplicationController':
        return equalTo(controllers.get(key)?.spec?.selector ?? {})
      default:
        return []
    }
  }
  return info => {
    const labels = info.pod.metadata.labels ?? {}
    const group: Requirements[] = [controlling(info)]
    for (const { spec } of services.list({ namespace: info.namespace })) {
      const { selector = {} } = spec ?? {}
      const requirements = equalTo(selector)
      if (requirements.length > 0 && matchesLabels(requirements, labels)) group.push(requirements)
    }
    const all = group.flat()
    return all.length > 0 ? all : undefined
  }
}

const equalTo = (labels: Labels): Requirements =>
  Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] }))
