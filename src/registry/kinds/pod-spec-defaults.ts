import type {
  Container,
  EphemeralContainer,
  HTTPGetAction,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  Volume,
} from '../../api/core-v1/types.ts'
import type { Draft } from '../draft.ts'

/** 0644: what files of a ConfigMap, Secret or projected volume get. */
const FILE_MODE = 0o644
const TOKEN_SECONDS = 3600

/** Upstream's defaults of a Pod template, which differ from those of a Pod. */
export function defaultPodTemplate(template: Draft<PodTemplateSpec> | undefined): void {
  if (template?.spec) defaultPodSpec(template.spec)
}

/** Upstream's defaults of a Pod: those of a template, and what only a Pod itself gets. */
export function defaultPod({ spec }: Draft<Pod>): void {
  if (!spec) return
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) requestLimits(container)
  spec.enableServiceLinks ??= true
  defaultPodSpec(spec)
}

/** A limit without a request is also the request. */
function requestLimits({ resources }: Draft<Container>): void {
  if (!resources?.limits) return
  resources.requests = { ...resources.limits, ...resources.requests }
}

function defaultPodSpec(spec: Draft<PodSpec>): void {
  spec.restartPolicy ??= 'Always'
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.terminationGracePeriodSeconds ??= 30
  spec.securityContext ??= {}
  spec.schedulerName ??= 'default-scheduler'
  // Two names for one field: the old one follows the new one.
  if (!spec.serviceAccountName && spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    defaultContainer(container)
    if (spec.hostNetwork) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort
  }
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container)
}

function defaultContainer(container: Draft<Container> | Draft<EphemeralContainer>): void {
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  container.imagePullPolicy ??= pullPolicyOf(container.image ?? '')
  for (const { valueFrom } of container.env ?? []) if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ??= 'v1'
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) defaultProbe(probe)
  }
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) defaultHttpGet(handler?.httpGet)
}

/** Images that may change under their name are pulled every time. */
function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent'
  const tag = /:([^:/]+)$/.exec(image)?.[1]
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaultProbe(probe: Draft<Probe>): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  defaultHttpGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

function defaultHttpGet(action: Draft<HTTPGetAction> | undefined): void {
  if (!action) return
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

function defaultVolume(volume: Draft<Volume>): void {
  if (Object.keys(volume).every(key => key === 'name')) volume.emptyDir = {}
  const { secret, configMap, downwardAPI, projected, hostPath, ephemeral } = volume
  if (secret) secret.defaultMode ??= FILE_MODE
  if (configMap) configMap.defaultMode ??= FILE_MODE
  if (hostPath) hostPath.type ??= ''
  if (ephemeral?.volumeClaimTemplate?.spec) ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem'
  if (downwardAPI) {
    downwardAPI.defaultMode ??= FILE_MODE
    for (const item of downwardAPI.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= 'v1'
  }
  if (!projected) return
  projected.defaultMode ??= FILE_MODE
  for (const { serviceAccountToken, downwardAPI: fields } of projected.sources ?? []) {
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= TOKEN_SECONDS
    for (const item of fields?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= 'v1'
  }
}
