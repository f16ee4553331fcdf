import { PriorityClass } from '../../api/scheduling-v1/types.ts'
import type { AdmissionPlugin } from '../../registry/resource.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { concerning, createdPod, is, refusal, unchanged, withSpec } from './admission-plugin.ts'

/** A Pod's priority is what its class says, never what the Pod itself claims; there is one default class at most. */
export function priority(caches: ObjectCaches): AdmissionPlugin {
  const classes = caches.of(PriorityClass)
  const globalDefault = (): PriorityClass | undefined => {
    const candidates = [...classes.list()].filter(candidate => candidate.globalDefault)
    return candidates.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0]
  }
  return {
    name: 'Priority',
    concerns: concerning('/pods', 'scheduling.k8s.io/priorityclasses'),
    async mutate(request) {
      const pod = createdPod(request)
      if (!pod) return unchanged(request)
      const name = pod.spec.priorityClassName
      const found = name ? (classes.get({ name }) ?? (await caches.live(PriorityClass, { name }))) : globalDefault()
      if (name && !found) throw refusal(request, `no PriorityClass with name ${name} was found`)
      const value = found?.value ?? 0
      if (pod.spec.priority !== undefined && pod.spec.priority !== value) {
        throw refusal(
          request,
          `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        )
      }
      const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority'
      if (pod.spec.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== policy) {
        throw refusal(
          request,
          `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
        )
      }
      return withSpec(pod, {
        priority: value,
        preemptionPolicy: policy,
        ...(found && { priorityClassName: found.metadata.name }),
      })
    },
    validate(request) {
      if (request.operation === 'DELETE' || !is(request, PriorityClass.group, PriorityClass.plural)) return undefined
      const wanted = request.object as unknown as PriorityClass
      const other = wanted.globalDefault ? globalDefault() : undefined
      if (other && other.metadata.name !== wanted.metadata.name) {
        throw refusal(
          request,
          `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
        )
      }
      return undefined
    },
  }
}
