import { PersistentVolumeClaim, Pod, type Volume } from '../../api/core-v1/types.ts'
import type { UserInfo } from '../../registry/resource.ts'
import type { ObjectCache, ObjectCaches } from '../object-cache.ts'
import {
  ALLOWED,
  type Attributes,
  type Authorizer,
  type Decision,
  NO_OPINION,
  type ResourceAttributes,
} from './authorizer.ts'
import { nodeRules } from './node-rules.ts'
import { ruleAllows } from './policy-rules.ts'

const NODE_USER_PREFIX = 'system:node:'
const NODES_GROUP = 'system:nodes'

/** The machine as which a kubelet has authenticated itself. */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(NODE_USER_PREFIX) && groups.includes(NODES_GROUP)
    ? name.slice(NODE_USER_PREFIX.length)
    : undefined
}

/**
 * What a kubelet may do (Node authorization): the same fixed rules for all, but of secrets, config maps, claims, volumes
 * and tokens only those that a Pod on its own machine refers to.
 */
export class NodeAuthorizer implements Authorizer {
  readonly #claims: ObjectCache<PersistentVolumeClaim>
  readonly #podsByNode = new Map<string, Map<string, Pod>>()

  constructor(caches: ObjectCaches) {
    this.#claims = caches.of(PersistentVolumeClaim)
    caches.of(Pod).subscribe(({ object, previous }) => {
      if (previous?.spec.nodeName) this.#podsByNode.get(previous.spec.nodeName)?.delete(previous.metadata.uid)
      if (object?.spec.nodeName) this.#podsOn(object.spec.nodeName).set(object.metadata.uid, object)
    })
  }

  authorize(attributes: Attributes): Decision {
    const node = nodeNameOf(attributes.user)
    if (node === undefined) return NO_OPINION
    if (attributes.isResource && attributes.group === '') {
      const decision = this.#ofReferenced(node, attributes)
      if (decision) return decision
    }
    return nodeRules.some(rule => ruleAllows(rule, attributes)) ? ALLOWED : NO_OPINION
  }

  /** Undefined when the fixed rules decide. */
  #ofReferenced(node: string, attributes: ResourceAttributes): Decision | undefined {
    const { resource, subresource, verb, namespace, name } = attributes
    switch (subresource ? `${resource}/${subresource}` : resource) {
      case 'secrets':
      case 'configmaps':
      case 'persistentvolumeclaims':
        return this.#reading(verb, name, () => this.#isReferenced(node, { resource, namespace, name }))
      case 'persistentvolumes':
        return this.#reading(verb, name, () => this.#usesVolume(node, name))
      case 'persistentvolumeclaims/status':
        return this.#isReferenced(node, { resource, namespace, name }) ? ALLOWED : refused(node, resource)
      case 'serviceaccounts/token':
        return verb === 'create' && this.#runsAs(node, namespace, name) ? ALLOWED : refused(node, 'serviceaccounts')
      default:
        return undefined
    }
  }

  #reading(verb: string, name: string, isReferenced: () => boolean): Decision {
    if (verb !== 'get' && verb !== 'list' && verb !== 'watch')
      return { verdict: 'noOpinion', reason: 'can only read resources of this type' }
    if (name === '') return { verdict: 'noOpinion', reason: 'No Object name found' }
    return isReferenced() ? ALLOWED : { verdict: 'noOpinion', reason: NO_RELATION }
  }

  #podsOn(node: string): Map<string, Pod> {
    const pods = this.#podsByNode.get(node) ?? new Map<string, Pod>()
    this.#podsByNode.set(node, pods)
    return pods
  }

  #isReferenced(node: string, wanted: { resource: string; namespace: string; name: string }): boolean {
    for (const pod of this.#podsOn(node).values()) {
      if (pod.metadata.namespace === wanted.namespace && references(pod, wanted.resource).has(wanted.name)) return true
    }
    return false
  }

  #usesVolume(node: string, volume: string): boolean {
    for (const pod of this.#podsOn(node).values()) {
      const { namespace } = pod.metadata
      for (const name of references(pod, 'persistentvolumeclaims')) {
        if (this.#claims.get({ namespace, name })?.spec.volumeName === volume) return true
      }
    }
    return false
  }

  #runsAs(node: string, namespace: string, account: string): boolean {
    for (const { metadata, spec } of this.#podsOn(node).values()) {
      if (metadata.namespace === namespace && (spec.serviceAccountName ?? 'default') === account) return true
    }
    return false
  }
}

const NO_RELATION = 'no relationship found between node and this object'

const refused = (node: string, resource: string): Decision => ({
  verdict: 'noOpinion',
  reason: `no relationship found between node '${node}' and this object (${resource})`,
})

/** Names of what a Pod needs of one resource. Computed at once for all: a Pod's spec hardly ever changes. */
const referencesOfPods = new WeakMap<Pod['spec'], ReadonlyMap<string, ReadonlySet<string>>>()

function references(pod: Pod, resource: string): ReadonlySet<string> {
  let known = referencesOfPods.get(pod.spec)
  if (!known) {
    known = new Map([
      ['secrets', new Set(secretsOf(pod))],
      ['configmaps', new Set(configMapsOf(pod))],
      ['persistentvolumeclaims', new Set(claimsOf(pod))],
    ])
    referencesOfPods.set(pod.spec, known)
  }
  return known.get(resource) ?? new Set()
}

const containersOf = ({ spec }: Pod) => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
  ...(spec.ephemeralContainers ?? []),
]
const volumesOf = ({ spec }: Pod): readonly Volume[] => spec.volumes ?? []
const projected = (pod: Pod) => volumesOf(pod).flatMap(volume => volume.projected?.sources ?? [])
const named = (names: readonly (string | undefined)[]): string[] => names.filter(name => name !== undefined)

const secretsOf = (pod: Pod): string[] =>
  named([
    ...(pod.spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...volumesOf(pod).map(volume => volume.secret?.secretName),
    ...volumesOf(pod).map(volume => volume.csi?.nodePublishSecretRef?.name),
    ...projected(pod).map(source => source.secret?.name),
    ...containersOf(pod).flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name)),
    ...containersOf(pod).flatMap(({ envFrom = [] }) => envFrom.map(({ secretRef }) => secretRef?.name)),
  ])

const configMapsOf = (pod: Pod): string[] =>
  named([
    ...volumesOf(pod).map(volume => volume.configMap?.name),
    ...projected(pod).map(source => source.configMap?.name),
    ...containersOf(pod).flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name)),
    ...containersOf(pod).flatMap(({ envFrom = [] }) => envFrom.map(({ configMapRef }) => configMapRef?.name)),
  ])

/** A generic ephemeral volume's claim is named after the Pod and the volume. */
const claimsOf = (pod: Pod): string[] =>
  volumesOf(pod).flatMap(volume => {
    if (volume.persistentVolumeClaim) return [volume.persistentVolumeClaim.claimName]
    return volume.ephemeral ? [`${pod.metadata.name}-${volume.name}`] : []
  })
