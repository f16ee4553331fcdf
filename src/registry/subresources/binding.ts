import { Binding, type Pod } from '../../api/core-v1/types.ts'
import { invalid, required } from '../../machinery/field-error.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { isJsonObject } from '../../machinery/merge-patch.ts'
import { badRequest, conflict, invalidObject, methodNotSupported } from '../../machinery/status.ts'
import { timeText } from '../../machinery/time.ts'
import { encodedOf } from '../cache/cached-object.ts'
import { defineKind, type SubresourceHandler } from '../kind-definition.ts'
import { resourceNameOf } from '../served-kind.ts'
import { changeObject, type Part } from '../write/update-object.ts'

/** `pods/binding`: gives a Pod its node, once. */
export const binding: SubresourceHandler = async (kind, call, { context, environment }) => {
  if (call.verb !== 'create') throw methodNotSupported(resourceNameOf(kind), call.verb)
  if (!isJsonObject(call.body)) throw badRequest('a Binding is a JSON object')
  const body = call.body as unknown as Binding
  const name = call.name ?? body.metadata?.name
  checkBinding(body, name)
  const scope = { kind, call: { ...call, name: name!, subresource: 'binding' }, context, environment }
  await changeObject(scope, {
    propose: current => boundPod(current as unknown as Pod, body, environment.clock.now()) as unknown as JsonObject,
    part: withCondition,
  })
  return encodedOf({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 })

  function boundPod(pod: Pod, { target, metadata }: Binding, now: Date): Pod {
    const fail = (why: string): Error => conflict(resourceNameOf(kind), pod.metadata.name, why)
    if (metadata?.uid && metadata.uid !== pod.metadata.uid) {
      throw fail(`Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`)
    }
    if (pod.metadata.deletionTimestamp)
      throw fail(`pod ${pod.metadata.name} is being deleted, cannot be assigned to a host`)
    if (pod.spec.nodeName) {
      throw fail(`pod ${pod.metadata.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`)
    }
    if (pod.spec.schedulingGates?.length) throw fail(`pod ${pod.metadata.name} has non-empty .spec.schedulingGates`)
    const annotations = { ...pod.metadata.annotations, ...metadata?.annotations }
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
    const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: timeText(now) }
    return {
      ...pod,
      metadata: { ...pod.metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
      spec: { ...pod.spec, nodeName: target.name! },
      status: { ...pod.status, conditions: [...others, scheduled] },
    }
  }
}

/** `bindings`: the older way to say the same, with the Pod's name in the body. */
export const bindings = defineKind(Binding, {
  create(_kind, call, scope) {
    const name = (call.body as { metadata?: { name?: string } } | undefined)?.metadata?.name
    const pods = scope.environment.findKind('', 'pods')
    if (!name || !pods) throw badRequest('metadata.name: Required value: name of the pod to bind')
    return binding(pods, { ...call, name }, scope)
  },
})

/** The binding writes the node and the condition in one step, so that nobody sees one without the other. */
const withCondition: Part = (_scope, draft) => draft

function checkBinding({ target }: Binding, name: string | undefined): void {
  const errors = []
  if (target?.kind && target.kind !== 'Node')
    errors.push(invalid('target.kind', target.kind, 'must be empty or "Node"'))
  if (!target?.name) errors.push(required('target.name'))
  if (errors.length > 0) throw invalidObject({ group: '', kind: 'Binding' }, name ?? '', errors)
}
