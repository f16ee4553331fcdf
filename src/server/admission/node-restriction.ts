import type { Node, Pod } from '../../api/core-v1/types.ts'
import { Pod as PodKind } from '../../api/core-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../../registry/resource.ts'
import { nodeNameOf } from '../authorization/node-authorizer.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { concerning, refusal } from './admission-plugin.ts'

/** Labels that say where a machine belongs are for administrators: no kubelet gives them to itself. */
const RESTRICTED_LABEL = /(^|\.)node-restriction\.kubernetes\.io\//
const KUBERNETES_LABEL = /(^|\.)(kubernetes|k8s)\.io\//
const OWN_LABELS: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
])
const OWN_LABEL_PREFIX = /^([^/]*\.)?(kubelet|node)\.kubernetes\.io\//
const LEASES_NAMESPACE = 'kube-node-lease'

/** A kubelet writes its own Node, its own Lease and the Pods on its own machine, and nothing else. */
export function nodeRestriction(caches: ObjectCaches): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    concerns: concerning('/pods', '/nodes', 'coordination.k8s.io/leases', 'storage.k8s.io/csinodes'),
    async validate(request) {
      const node = nodeNameOf(request.user)
      if (node === undefined) return undefined
      switch (`${request.resource.group}/${request.resource.plural}`) {
        case '/pods':
          await checkPod(request, node, caches)
          break
        case '/nodes':
          checkNode(request, node)
          break
        case 'coordination.k8s.io/leases':
          checkLease(request, node)
          break
        case 'storage.k8s.io/csinodes':
          if (request.name !== node)
            throw refusal(request, `can only access CSINode with the same name as the requesting node`)
          break
        default:
      }
      return undefined
    },
  }
}

async function checkPod(request: AdmissionRequest, node: string, caches: ObjectCaches): Promise<void> {
  const { operation, subresource, namespace, name = '' } = request
  const belongs = (pod: Pod | undefined): boolean => pod === undefined || pod.spec.nodeName === node
  if (operation === 'CREATE' && subresource === undefined) {
    const pod = request.object as unknown as Pod
    if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined) {
      throw refusal(
        request,
        `pod does not have "kubernetes.io/config.mirror" annotation, node "${node}" can only create mirror pods`,
      )
    }
    if (!belongs(pod)) throw refusal(request, `node "${node}" can only create pods with spec.nodeName set to itself`)
    return
  }
  const pod =
    (request.oldObject as unknown as Pod | undefined) ??
    caches.of(PodKind).get({ namespace: namespace!, name }) ??
    (await caches.live(PodKind, { namespace: namespace!, name }))
  if (belongs(pod)) return
  const act =
    subresource === 'status'
      ? 'update pod status for pods'
      : subresource === 'eviction'
        ? 'evict pods'
        : `${operation.toLowerCase()} pods`
  throw refusal(request, `node "${node}" can only ${act} with spec.nodeName set to itself`)
}

function checkNode(request: AdmissionRequest, node: string): void {
  const { operation, name } = request
  if (name !== node) throw refusal(request, `node "${node}" is not allowed to modify node "${name}"`)
  if (operation === 'DELETE' || !request.object) return
  const next = request.object as unknown as Node
  const old = request.oldObject as unknown as Node | undefined
  const changed = changedLabels(next.metadata.labels, old?.metadata.labels).filter(isForbiddenLabel)
  if (changed.length > 0) {
    throw refusal(request, `is not allowed to modify labels: ${changed.sort().join(', ')}`)
  }
  if (operation === 'UPDATE' && JSON.stringify(next.spec?.taints ?? []) !== JSON.stringify(old?.spec?.taints ?? [])) {
    throw refusal(request, `node "${node}" is not allowed to modify taints`)
  }
}

type Labels = { readonly [key: string]: string } | undefined

function changedLabels(next: Labels, old: Labels): string[] {
  const keys = new Set([...Object.keys(next ?? {}), ...Object.keys(old ?? {})])
  return [...keys].filter(key => next?.[key] !== old?.[key])
}

function isForbiddenLabel(key: string): boolean {
  if (RESTRICTED_LABEL.test(key)) return true
  return KUBERNETES_LABEL.test(key) && !OWN_LABELS.has(key) && !OWN_LABEL_PREFIX.test(key)
}

function checkLease(request: AdmissionRequest, node: string): void {
  if (request.namespace !== LEASES_NAMESPACE) {
    throw refusal(request, `can only access leases in the "${LEASES_NAMESPACE}" system namespace`)
  }
  const name = request.name ?? String((request.object?.metadata as JsonObject | undefined)?.name)
  if (name !== node) throw refusal(request, `can only access node lease with the same name as the requesting node`)
}
