import type { Pod } from '../../api/core-v1/types.ts'
import type { Eviction, PodDisruptionBudget } from '../../api/policy-v1/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import { hasPodEnded, isPodReady } from '../../machinery/pod-state.ts'
import { matchesLabels, requirementsOf } from '../../machinery/selectors.ts'
import {
  badRequest,
  forbiddenTo,
  internalError,
  isStatusError,
  methodNotSupported,
  type StatusError,
  tooManyRequests,
} from '../../machinery/status.ts'
import { timeText } from '../../machinery/time.ts'
import { keysUnder } from '../../store/store.ts'
import { encodedOf } from '../cache/cached-object.ts'
import type { SubresourceHandler } from '../kind-definition.ts'
import { findObjectOf } from '../read/get-object.ts'
import { resourceNameOf, type ServedKind } from '../served-kind.ts'
import { deleteObject, deleteOptionsOf } from '../write/delete-object.ts'
import { changeObject } from '../write/update-object.ts'
import type { WriteScope } from '../write/write-environment.ts'
import { statusOnly } from './status.ts'

/** Pods that a budget may wait for at the same time, as upstream bounds it. */
const DISRUPTED_PODS_MAX = 2000
/** Attempts against a budget that others write too. */
const ATTEMPTS_MAX = 20
const RETRY_AFTER_SECONDS = 10

/** `pods/eviction`: a deletion that asks the Pod's disruption budget first. */
export const eviction: SubresourceHandler = async (kind, call, { context, environment }) => {
  if (call.verb !== 'create') throw methodNotSupported(resourceNameOf(kind), call.verb)
  if (!isJsonObject(call.body)) throw badRequest('an Eviction is a JSON object')
  const { deleteOptions, metadata } = call.body as unknown as Eviction
  if (metadata?.name && metadata.name !== call.name) {
    throw badRequest(`name in URL does not match name in Eviction object: ${metadata.name}`)
  }
  const options = deleteOptionsOf(deleteOptions as JsonObject | undefined)
  const dryRun = call.options?.dryRun === true || (options.dryRun?.length ?? 0) > 0
  const scope: WriteScope = {
    kind,
    call: { ...call, options: { ...call.options, dryRun } },
    context,
    environment,
  }
  const { object } = await findObjectOf(kind, call, environment)
  const pod = object as unknown as Pod
  if (!isFree(pod)) await spendBudget(scope, pod)
  // The Pod whose budget was spent, not one that took its name meanwhile.
  const preconditions = { ...options.preconditions, uid: options.preconditions?.uid ?? pod.metadata.uid }
  await deleteObject(scope, { ...options, preconditions })
  return encodedOf({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 })
}

/** Nothing is lost with a Pod that never ran, has ended or goes already. */
const isFree = (pod: Pod): boolean =>
  hasPodEnded(pod) || pod.status?.phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined

async function spendBudget(scope: WriteScope, pod: Pod): Promise<void> {
  const budgets = scope.environment.findKind('policy', 'poddisruptionbudgets')
  if (!budgets) return
  const matching = budgetsOf(budgets, pod)
  if (matching.length === 0) return
  if (matching.length > 1) {
    throw internalError(
      new Error('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'),
    )
  }
  const budget = matching[0]!
  if (mayGoUnready(budget, pod)) return
  await decrement(scope, { budgets, name: budget.metadata.name, pod })
}

function budgetsOf(kind: ServedKind, pod: Pod): readonly PodDisruptionBudget[] {
  const budgets: PodDisruptionBudget[] = []
  for (const { object } of kind.cache.objects(keysUnder(`${kind.prefix}${pod.metadata.namespace}/`))) {
    const budget = object as unknown as PodDisruptionBudget
    const { selector } = budget.spec ?? {}
    if (selector && matchesLabels(requirementsOf(selector), pod.metadata.labels)) budgets.push(budget)
  }
  return budgets
}

/** A Pod that is not ready protects nothing while enough others are (KEP-3017). */
function mayGoUnready({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  if (isPodReady(pod)) return false
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0
}

async function decrement(
  { environment, context, call }: WriteScope,
  { budgets, name, pod }: { budgets: ServedKind; name: string; pod: Pod },
): Promise<void> {
  const scope: WriteScope = {
    kind: budgets,
    call: {
      verb: 'patch',
      group: 'policy',
      version: 'v1',
      resource: 'poddisruptionbudgets',
      subresource: 'status',
      namespace: pod.metadata.namespace,
      name,
      options: { ...(call.options?.dryRun && { dryRun: true }), fieldManager: 'kube-apiserver' },
    },
    context,
    environment,
  }
  try {
    await changeObject(scope, {
      attemptsMax: ATTEMPTS_MAX,
      part: statusOnly,
      propose: current => withPodDisrupted(current as unknown as PodDisruptionBudget, pod, environment.clock.now()),
    })
  } catch (error) {
    if (isStatusError(error, 'Conflict'))
      throw disrupted("Cannot evict pod as it would violate the pod's disruption budget.", [])
    throw error
  }
}

/** The budget after this Pod, without its revision: only the newest state counts. Throws 429 when nothing is left. */
function withPodDisrupted(budget: PodDisruptionBudget, pod: Pod, now: Date): JsonObject {
  const { metadata, status } = budget
  const { name, generation = 0 } = metadata
  if ((status?.observedGeneration ?? 0) < generation) {
    throw disrupted("Cannot evict pod as it would violate the pod's disruption budget.", [
      `The disruption budget ${name} is still being processed by the server.`,
    ])
  }
  const allowed = status.disruptionsAllowed ?? 0
  if (allowed < 0)
    throw forbiddenTo(
      { group: 'policy', resource: 'poddisruptionbudgets' },
      name,
      'pdb disruptions allowed is negative',
    )
  const waiting = Object.keys(status.disruptedPods ?? {}).length
  if (waiting > DISRUPTED_PODS_MAX) {
    throw forbiddenTo(
      { group: 'policy', resource: 'poddisruptionbudgets' },
      name,
      'DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    )
  }
  if (allowed === 0) {
    throw disrupted("Cannot evict pod as it would violate the pod's disruption budget.", [
      `The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
    ])
  }
  const next = {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: allowed - 1,
      disruptedPods: { ...status.disruptedPods, [pod.metadata.name]: timeText(now) },
    },
  }
  return next as unknown as JsonObject
}

const disrupted = (message: string, causes: readonly string[]): StatusError =>
  tooManyRequests(
    message,
    causes.some(text => text.includes('still being processed')) ? RETRY_AFTER_SECONDS : 0,
    causes.map(text => ({ reason: 'DisruptionBudget', message: text })),
  )
