import { Pod } from '../../api/core-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { forbiddenTo, type StatusError } from '../../machinery/status.ts'
import type { AdmissionRequest, ResourceInfo } from '../../registry/resource.ts'

/** `is(request, '', 'pods')`: the resource itself, not one of its subresources. */
export const is = ({ resource, subresource }: AdmissionRequest, group: string, plural: string): boolean =>
  subresource === undefined && resource.group === group && resource.plural === plural

/** For plugins that only look at these: `concerning('/pods', 'apps/deployments')`. */
export function concerning(...resources: readonly string[]): (resource: ResourceInfo) => boolean {
  const known: ReadonlySet<string> = new Set(resources)
  return ({ group, plural }) => known.has(`${group}/${plural}`)
}

/** The Pod that is being created, as yet unvalidated: any field may be absent. Undefined for every other request. */
export function createdPod(request: AdmissionRequest): UnvalidatedPod | undefined {
  return request.operation === 'CREATE' && is(request, Pod.group, Pod.plural) ? podOf(request.object) : undefined
}

/** A Pod whose validation is still to come, so that only what is checked here may be relied on. */
export type UnvalidatedPod = Pick<Pod, 'metadata'> & { readonly spec: Pod['spec'] }

function podOf(object: JsonObject | undefined): UnvalidatedPod | undefined {
  const spec = object?.spec as JsonObject | undefined
  if (typeof spec !== 'object' || spec === null || !Array.isArray(spec.containers)) return undefined
  return object as unknown as UnvalidatedPod
}

/** The same Pod with parts of its spec replaced. */
export const withSpec = (pod: UnvalidatedPod, changes: Partial<Pod['spec']>): JsonObject =>
  ({ ...pod, spec: { ...pod.spec, ...changes } }) as unknown as JsonObject

/** Forbidden, in the name of the object that is being written. */
export const refusal = ({ resource, name }: AdmissionRequest, why: string): StatusError =>
  forbiddenTo({ group: resource.group, resource: resource.plural }, name ?? '', why)

export const unchanged = ({ object }: AdmissionRequest): JsonObject => object!
