import { Deployment, ReplicaSet, StatefulSet } from '../../api/apps-v1/types.ts'
import { type Pod, ReplicationController } from '../../api/core-v1/types.ts'
import type { KubernetesObject } from '../../api/kind.ts'
import type { OwnerReference } from '../../api/meta-v1/types.ts'
import type { Client } from '../../client/client.ts'
import type { InformerFactory } from '../../client/informer.ts'
import { controllerOf, type ObjectKey } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { ServedKinds } from '../served-kinds.ts'

interface Scale {
  readonly uid: string
  readonly replicas: number
}

export interface ScaleDependencies {
  readonly client: Client
  readonly informers: InformerFactory
  readonly kinds: ServedKinds
}

/** How many Pods the controllers of these Pods want, each counted once. Throws when one cannot say. */
export async function expectedScaleOf(pods: readonly Pod[], dependencies: ScaleDependencies): Promise<number> {
  const scales = new Map<string, number>()
  const asked = new Set<string>()
  for (const pod of pods) {
    const owner = controllerOf(pod)
    if (!owner || asked.has(owner.uid)) continue // A Pod without a controller is wanted by nobody.
    asked.add(owner.uid)
    const scale = await scaleOf(owner, pod.metadata.namespace, dependencies)
    if (!scale) throw new Error(`found no controllers for pod "${pod.metadata.name}"`)
    scales.set(scale.uid, scale.replicas)
  }
  return [...scales.values()].reduce((a, b) => a + b, 0)
}

interface Scalable extends KubernetesObject {
  readonly spec: { readonly replicas?: number }
}

const BUILT_IN = [ReplicaSet, StatefulSet, Deployment, ReplicationController] as const

/** Of the owner itself; of a ReplicaSet that a Deployment controls, the Deployment's. */
async function scaleOf(
  owner: OwnerReference,
  namespace: string,
  dependencies: ScaleDependencies,
): Promise<Scale | undefined> {
  const key = { namespace, name: owner.name }
  const kind = BUILT_IN.find(candidate => candidate.kind === owner.kind && candidate.apiVersion === owner.apiVersion)
  if (!kind) return scaleBySubresource(owner, key, dependencies)
  const object = dependencies.informers.informer<Scalable>(kind).get(key)
  if (object?.metadata.uid !== owner.uid) return undefined
  const above = kind.kind === ReplicaSet.kind ? controllerOf(object) : undefined
  const higher = above?.kind === Deployment.kind ? await scaleOf(above, namespace, dependencies) : undefined
  return higher ?? { uid: owner.uid, replicas: object.spec.replicas ?? 1 }
}

/** Custom resources say it by their scale subresource. */
async function scaleBySubresource(
  owner: OwnerReference,
  { namespace, name }: ObjectKey,
  { client, kinds }: ScaleDependencies,
): Promise<Scale | undefined> {
  const kind = kinds.named(owner)
  if (!kind) return undefined
  const { group, version, plural: resource } = kind
  try {
    const call = {
      verb: 'get',
      group,
      version,
      resource,
      subresource: 'scale',
      ...(namespace && { namespace }),
      name,
    } as const
    const { metadata, spec } = (await client.transport.request(call)) as unknown as Scalable
    return metadata.uid === owner.uid ? { uid: owner.uid, replicas: spec.replicas ?? 0 } : undefined
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
    throw new Error(`${resource}.${group} does not implement the scale subresource`, { cause: error })
  }
}
