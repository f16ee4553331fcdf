import { Namespace, type Pod, type PodSpec } from '../../../api/core-v1/types.ts'
import type { JsonObject } from '../../../machinery/json.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../../../registry/resource.ts'
import type { ObjectCaches } from '../../object-cache.ts'
import { concerning, refusal } from '../admission-plugin.ts'
import { baselineChecks, type Check, type CheckedPod, restrictedChecks } from './checks.ts'

const LABEL = 'pod-security.kubernetes.io/'
type Mode = 'enforce' | 'warn'

const CHECKS: { readonly [level: string]: readonly Check[] } = {
  privileged: [],
  baseline: baselineChecks,
  restricted: restrictedChecks,
}

/** Where a Pod lies in the kinds that make Pods: those are only warned about, their Pods are what is refused. */
const TEMPLATES = new Map<string, readonly string[]>([
  ['/replicationcontrollers', ['spec', 'template']],
  ['/podtemplates', ['template']],
  ['apps/daemonsets', ['spec', 'template']],
  ['apps/deployments', ['spec', 'template']],
  ['apps/replicasets', ['spec', 'template']],
  ['apps/statefulsets', ['spec', 'template']],
  ['batch/jobs', ['spec', 'template']],
  ['batch/cronjobs', ['spec', 'jobTemplate', 'spec', 'template']],
])

/** Keeps Pods to the level that their namespace's labels ask for (Pod Security Standards, latest version). */
export function podSecurity(caches: ObjectCaches): AdmissionPlugin {
  const namespaces = caches.of(Namespace)
  return {
    name: 'PodSecurity',
    concerns: concerning('/pods', ...TEMPLATES.keys()),
    validate(request) {
      const { operation, namespace } = request
      if (!namespace || (operation !== 'CREATE' && operation !== 'UPDATE')) return undefined
      const labels = namespaces.get({ name: namespace })?.metadata.labels
      if (!labels || !Object.keys(labels).some(key => key.startsWith(LABEL))) return undefined
      const subject = subjectOf(request)
      if (!subject) return undefined
      const warning = problemsAt('warn', labels, subject.pod)
      const refused = subject.isPod ? problemsAt('enforce', labels, subject.pod) : undefined
      if (refused) throw refusal(request, `violates PodSecurity ${refused}`)
      if (warning) request.warn(`would violate PodSecurity ${warning}`)
      return undefined
    },
  }
}

function subjectOf({
  resource,
  object,
  oldObject,
  subresource,
}: AdmissionRequest): { pod: CheckedPod; isPod: boolean } | undefined {
  if (resource.group === '' && resource.plural === 'pods') {
    if (subresource !== undefined && subresource !== 'ephemeralcontainers') return undefined
    const pod = object as unknown as Pod
    if (oldObject && JSON.stringify((oldObject as unknown as Pod).spec) === JSON.stringify(pod.spec)) return undefined
    return { pod: { spec: pod.spec, annotations: pod.metadata.annotations ?? {} }, isPod: true }
  }
  const path = subresource === undefined ? TEMPLATES.get(`${resource.group}/${resource.plural}`) : undefined
  if (!path) return undefined
  const template = path.reduce<JsonObject | undefined>((part, key) => part?.[key] as JsonObject | undefined, object)
  const spec = template?.spec as unknown as PodSpec | undefined
  const metadata = template?.metadata as { annotations?: { [key: string]: string } } | undefined
  return spec?.containers && { pod: { spec, annotations: metadata?.annotations ?? {} }, isPod: false }
}

function problemsAt(mode: Mode, labels: { readonly [key: string]: string }, pod: CheckedPod): string | undefined {
  const level = labels[`${LABEL}${mode}`] ?? 'privileged'
  const checks = CHECKS[level] ?? restrictedChecks // An unknown level is the strictest, as upstream has it.
  const problems = checks.map(check => check(pod)).filter(problem => problem !== undefined)
  if (problems.length === 0) return undefined
  const version = labels[`${LABEL}${mode}-version`] ?? 'latest'
  return `"${level}:${version}": ${problems.sort().join(', ')}`
}
