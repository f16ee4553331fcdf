import type { Clock } from '../../machinery/clock.ts'
import type { Random } from '../../machinery/random.ts'
import type { AdmissionPlugin } from '../../registry/resource.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { Rbac } from '../authorization/rbac.ts'
import type { ObjectCaches } from '../object-cache.ts'
import { certificateSigning } from './certificate-signing.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction.ts'
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts'
import { podSecurity } from './pod-security/pod-security.ts'
import { priority } from './priority.ts'
import type { ResourceQuotas } from './resource-quota.ts'
import { roleEscalation } from './role-escalation.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'

export interface AdmissionDependencies {
  readonly caches: ObjectCaches
  readonly authorizer: Authorizer
  readonly rbac: Rbac
  readonly quotas: ResourceQuotas
  readonly clock: Clock
  readonly random: Random
}

/**
 * The rules about writes, in their order, which is upstream's. What fills in comes before what judges the result, and
 * quota is last: it reserves, and nothing after it may refuse. Webhooks and policies will stand just before it.
 */
export function admissionPlugins(dependencies: AdmissionDependencies): readonly AdmissionPlugin[] {
  const { caches, authorizer, rbac, quotas } = dependencies
  return [
    namespaceLifecycle(caches),
    roleEscalation(rbac, authorizer),
    limitRanger(caches),
    serviceAccount(caches, dependencies),
    nodeRestriction(caches),
    taintNodesByCondition,
    podSecurity(caches),
    priority(caches),
    defaultTolerationSeconds,
    storageObjectInUseProtection,
    persistentVolumeClaimResize(caches),
    runtimeClass(caches),
    certificateSigning(authorizer),
    defaultStorageClass(caches),
    quotas,
  ]
}
