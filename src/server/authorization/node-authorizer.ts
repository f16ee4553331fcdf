import { PersistentVolumeClaim, Pod, type Volume } from '../../api/core-v1/types.ts'
import type { Encoded, UserInfo } from '../../registry/resource.ts'
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
  /** Those that may be there, by their keys. They are only parsed when their own machine asks for something. */
  readonly #podsByNode = new Map<string, Map<string, Encoded>>()

  constructor(caches: ObjectCaches) {
    this.#claims = caches.of(PersistentVolumeClaim)
    caches.of(Pod).subscribe(({ key, encoded, previousEncoded }) => {
      if (previousEncoded) for (const node of nodesIn(previousEncoded)) this.#forget(node, key)
      if (encoded) for (const node of nodesIn(encoded)) this.#mayBeOn(node).set(key, encoded)
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

  #mayBeOn(node: string): Map<string, Encoded> {
    const pods = this.#podsByNode.get(node) ?? new Map<string, Encoded>()
    this.#podsByNode.set(node, pods)
    return pods
  }

  #forget(node: string, key: string): void {
    const pods = this.#podsByNode.get(node)
    pods?.delete(key)
    if (pods?.size === 0) this.#podsByNode.delete(node)
  }

  *#podsOn(node: string): Iterable<NeededByPod> {
    for (const encoded of this.#podsByNode.get(node)?.values() ?? []) {
      const needed = neededBy(encoded)
      if (needed.node === node) yield needed
    }
  }

  #isReferenced(node: string, wanted: { resource: string; namespace: string; name: string }): boolean {
    for (const { namespace, names } of this.#podsOn(node)) {
      if (namespace === wanted.namespace && names.get(wanted.resource)?.has(wanted.name)) return true
    }
    return false
  }

  #usesVolume(node: string, volume: string): boolean {
    for (const { namespace, names } of this.#podsOn(node)) {
      for (const name of names.get('persistentvolumeclaims')!) {
        if (this.#claims.get({ namespace, name })?.spec.volumeName === volume) return true
      }
    }
    return false
  }

  #runsAs(node: string, namespace: string, account: string): boolean {
    for (const pod of this.#podsOn(node)) {
      if (pod.namespace === namespace && pod.account === account) return true
    }
    return false
  }
}

const NO_RELATION = 'no relationship found between node and this object'

const refused = (node: string, resource: string): Decision => ({
  verdict: 'noOpinion',
  reason: `no relationship found between node '${node}' and this object (${resource})`,
})

const NODE_NAME = Buffer.from('"nodeName":"')
const QUOTE = 34

/**
 * What a Pod's JSON names as `nodeName` anywhere: its machine, and perhaps a label of that name. Within a text the quotes
 * would be escaped, so a Pod cannot hide its machine, and who looks closer sees what it is.
 */
function nodesIn(encoded: Encoded): readonly string[] {
  const view = encoded.peek?.() ?? encoded.json()
  const json = Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  const nodes: string[] = []
  for (let at = json.indexOf(NODE_NAME); at >= 0; at = json.indexOf(NODE_NAME, at + 1)) {
    const start = at + NODE_NAME.length
    nodes.push(json.toString('utf8', start, json.indexOf(QUOTE, start)))
  }
  return nodes
}

interface NeededByPod {
  readonly node: string | undefined
  readonly namespace: string
  readonly account: string
  /** By resource. */
  readonly names: ReadonlyMap<string, ReadonlySet<string>>
}

/** Found out once for each revision of a Pod whose machine asks, and small beside the Pod. */
const needs = new WeakMap<Encoded, NeededByPod>()

function neededBy(encoded: Encoded): NeededByPod {
  const known = needs.get(encoded)
  if (known) return known
  const pod = encoded.object as unknown as Pod
  const needed = {
    node: pod.spec.nodeName,
    namespace: pod.metadata.namespace,
    account: pod.spec.serviceAccountName ?? 'default',
    names: new Map([
      ['secrets', new Set(secretsOf(pod))],
      ['configmaps', new Set(configMapsOf(pod))],
      ['persistentvolumeclaims', new Set(claimsOf(pod))],
    ]),
  }
  needs.set(encoded, needed)
  return needed
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
