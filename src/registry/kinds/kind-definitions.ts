import type { KindDefinition } from '../kind-definition.ts'
import { bindings } from '../subresources/binding.ts'
import { controllerRevisions, endpointSlices, leases, podDisruptionBudgets, priorityClasses } from './apps-support.ts'
import { cronJobs, jobs } from './batch.ts'
import {
  admissionPolicies,
  admissionPolicyBindings,
  apiServices,
  countedKinds,
  mutatingWebhooks,
  runtimeClasses,
  signingRequests,
  validatingWebhooks,
} from './cluster-support.ts'
import { configMaps, endpoints, limitRanges, resourceQuotas, secrets, serviceAccounts } from './config.ts'
import { customResourceDefinitions } from './custom-resource-definition.ts'
import { daemonSets } from './daemon-set.ts'
import { deployments } from './deployment.ts'
import { deviceClasses, resourceClaims, resourceClaimTemplates, resourceSlices } from './device-support.ts'
import { events, eventsOfEventsGroup } from './event.ts'
import { flowSchemas, priorityLevels } from './flow-control.ts'
import { horizontalPodAutoscalers, oldHorizontalPodAutoscalers } from './horizontal-pod-autoscaler.ts'
import { ingressClasses, ingresses, ipAddresses, networkPolicies, serviceRanges } from './networking.ts'
import { namespaces, nodes } from './node.ts'
import { persistentVolumeClaims, persistentVolumes, storageClasses } from './persistent-volume.ts'
import { pods, podTemplates } from './pod.ts'
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from './rbac.ts'
import { replicaSets, replicationControllers } from './replica-set.ts'
import { statefulSets } from './stateful-set.ts'
import { csiDrivers, csiNodes, csiStorageCapacities, volumeAttachments } from './storage-support.ts'

/** The differences of every kind that has any, but for those that the registry's own settings shape. */
export const kindDefinitions: readonly KindDefinition[] = [
  bindings,
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  horizontalPodAutoscalers,
  oldHorizontalPodAutoscalers,
  cronJobs,
  jobs,
  signingRequests,
  leases,
  endpointSlices,
  eventsOfEventsGroup,
  ingressClasses,
  ingresses,
  ipAddresses,
  networkPolicies,
  serviceRanges,
  runtimeClasses,
  podDisruptionBudgets,
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  priorityClasses,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttachments,
  admissionPolicies,
  admissionPolicyBindings,
  mutatingWebhooks,
  validatingWebhooks,
  apiServices,
  customResourceDefinitions,
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
  flowSchemas,
  priorityLevels,
  ...countedKinds,
]
