import { deepEqual } from 'fast-equals'
import { CustomResourceDefinition } from '../../api/apiextensions-v1/types.ts'
import { Namespace, Pod } from '../../api/core-v1/types.ts'
import type { Kind, KubernetesObject } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import type { InformerEvent } from '../../client/informer.ts'
import type { JsonValue } from '../../machinery/json.ts'
import { isTerminating, keyOf, type ObjectKey } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import { timeOf } from '../../machinery/time.ts'
import { attemptAll } from '../attempt-all.ts'
import { ServedKinds } from '../served-kinds.ts'
import { conditionsOf, isEmpty, type Remaining, type Survey } from './remaining-content.ts'

const FINALIZER = 'kubernetes'

/** Content that takes its time is looked at again after a quarter of the time waited so far, within these bounds. */
const RECHECK_MS_MIN = 200
const RECHECK_MS_MAX = 15_000

export const namespaceController = controllerFor(Namespace, { name: 'namespace', workers: 10 })
  .watches(CustomResourceDefinition, () => [])
  .watches(Pod, namespaceAfterLastPod)
  .reconciledBy(namespaceReconciler)

/** Empties a namespace that is being deleted, Pods before everything else, and lets it go when nothing is left. */
function namespaceReconciler({ client, informers, clock }: Dependencies): Reconciler {
  const kinds = new ServedKinds(informers)
  const looks = new Map<string, Look>()

  return async function reconcile(key) {
    const namespace = informers.informer(Namespace).get(key)
    if (!namespace || !isTerminating(namespace) || !namespace.spec.finalizers?.includes(FINALIZER)) {
      looks.delete(key.name)
      return {}
    }
    const nowMs = clock.monotonicMs()
    const leaving = informers.informer(Pod).list({ namespace: key.name })
    const last = looks.get(key.name)
    if (last && isOnlyOwnWrite(last, { namespace, leaving, nowMs })) return { recheckAfterMs: last.nextAtMs - nowMs }
    const namespaced = kinds.all().filter(kind => kind.namespaced)
    const survey = await emptied(client, namespace, { namespaced, leaving })
    if (isEmpty(survey)) {
      await finalize(client, namespace)
      return {}
    }
    const written = await writeConditions(client, namespace, conditionsOf(namespace, survey, clock.now()))
    if (survey.failures.length > 0) throw new AggregateError(survey.failures, 'some content could not be deleted')
    const waitedMs = clock.now().getTime() - timeOf(namespace.metadata.deletionTimestamp!).getTime()
    const recheckAfterMs = Math.min(RECHECK_MS_MAX, Math.max(RECHECK_MS_MIN, waitedMs / 4))
    const { resourceVersion } = written.metadata
    looks.set(key.name, {
      resourceVersion,
      hadPods: leaving.length > 0,
      nextAtMs: clock.monotonicMs() + recheckAfterMs,
    })
    return { recheckAfterMs }
  }
}

/** What a look at a namespace left behind. */
interface Look {
  /** Of the namespace with the conditions that the look wrote. */
  readonly resourceVersion: string
  readonly hadPods: boolean
  readonly nextAtMs: number
}

/** Conditions count what is left, so each look writes; were each write followed by a look, they would never end. */
const isOnlyOwnWrite = (
  { resourceVersion, hadPods, nextAtMs }: Look,
  {
    namespace,
    leaving,
    nowMs,
  }: { readonly namespace: Namespace; readonly leaving: readonly Pod[]; readonly nowMs: number },
): boolean =>
  namespace.metadata.resourceVersion === resourceVersion && nowMs < nextAtMs && hadPods === leaving.length > 0

/** Deletes all it finds and answers what is still there. Other content stays until the last Pod is gone (KEP-5080). */
async function emptied(
  client: Client,
  namespace: Namespace,
  { namespaced, leaving }: { readonly namespaced: readonly Kind[]; readonly leaving: readonly Pod[] },
): Promise<Survey> {
  // While all that the cache shows are on their way out, asking the server for ten thousand of them would tell nothing more.
  if (leaving.length > 0 && leaving.every(isTerminating)) {
    return { remaining: [{ kind: Pod as Kind, objects: leaving }], failures: [] }
  }
  const pods = await surveyOf(client, namespace, [Pod as Kind])
  if (!isEmpty(pods)) return pods
  return surveyOf(client, namespace, namespaced)
}

async function surveyOf(client: Client, namespace: Namespace, kinds: readonly Kind[]): Promise<Survey> {
  const remaining: Remaining[] = []
  const failures: unknown[] = []
  const steps = kinds.map(kind => async () => {
    try {
      remaining.push({ kind, objects: await leftOf(client, kind, namespace.metadata.name) })
    } catch (error) {
      failures.push(error)
    }
  })
  await attemptAll(steps)
  return { remaining, failures }
}

async function leftOf(client: Client, kind: Kind, namespace: string): Promise<readonly KubernetesObject[]> {
  const found = await listed(client, kind, namespace)
  const toDelete = found.filter(object => !isTerminating(object))
  if (toDelete.length === 0) return found
  try {
    await client.deleteCollection(kind, { namespace, propagationPolicy: 'Background' })
  } catch (error) {
    if (!isStatusError(error, 'MethodNotAllowed')) throw error
    await attemptAll(toDelete.map(object => () => deleteUnlessGone(client, kind, keyOf(object))))
  }
  return listed(client, kind, namespace)
}

/** Nothing, where the server does not know the kind. */
async function listed(client: Client, kind: Kind, namespace: string): Promise<readonly KubernetesObject[]> {
  try {
    return (await client.list(kind, { namespace })).items
  } catch (error) {
    if (isStatusError(error, 'NotFound') || isStatusError(error, 'MethodNotAllowed')) return []
    throw error
  }
}

async function deleteUnlessGone(client: Client, kind: Kind, key: ObjectKey): Promise<void> {
  try {
    await client.delete(kind, key)
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}

async function writeConditions(
  client: Client,
  namespace: Namespace,
  conditions: NonNullable<Namespace['status']['conditions']>,
): Promise<Namespace> {
  const types = new Set(conditions.map(({ type }) => type))
  const others = (namespace.status.conditions ?? []).filter(({ type }) => !types.has(type))
  const all = [...others, ...conditions]
  if (deepEqual(namespace.status.conditions, all)) return namespace
  return client.updateStatus(Namespace, { ...namespace, status: { ...namespace.status, conditions: all } })
}

async function finalize(client: Client, namespace: Namespace): Promise<void> {
  const { name } = namespace.metadata
  const finalizers = (namespace.spec.finalizers ?? []).filter(finalizer => finalizer !== FINALIZER)
  const body = { ...namespace, spec: { ...namespace.spec, finalizers } } as unknown as JsonValue
  const call = {
    verb: 'update',
    group: '',
    version: 'v1',
    resource: 'namespaces',
    subresource: 'finalize',
    name,
    body,
  } as const
  try {
    await client.transport.request(call)
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}

/** The last Pod is gone: the rest can follow at once. */
function namespaceAfterLastPod(
  { type, object }: InformerEvent<Pod>,
  { informers }: Dependencies,
): readonly ObjectKey[] {
  if (type !== 'deleted') return []
  const { namespace: name } = object.metadata
  const namespace = informers.informer(Namespace).get({ name })
  if (!namespace || !isTerminating(namespace)) return []
  return informers.informer(Pod).list({ namespace: name }).length === 0 ? [{ name }] : []
}
