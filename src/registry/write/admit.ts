import type { JsonObject } from '../../machinery/json.ts'
import type { AdmissionHold, AdmissionPlugin, AdmissionRequest, ResourceInfo } from '../resource.ts'
import { isDryRun, type WriteScope } from './write-environment.ts'

export interface AdmissionSubject {
  readonly operation: AdmissionRequest['operation']
  readonly object?: JsonObject
  readonly oldObject?: JsonObject
  readonly name?: string
}

interface Rules {
  readonly mutating: readonly AdmissionPlugin[]
  readonly validating: readonly AdmissionPlugin[]
}

/** For each server's list of plugins: those that a resource concerns. Most concern a few kinds, and creates are many. */
const rulesByAdmission = new WeakMap<readonly AdmissionPlugin[], WeakMap<ResourceInfo, Rules>>()

function rulesFor({ kind, environment: { admission } }: WriteScope): Rules {
  const known = rulesByAdmission.get(admission) ?? new WeakMap<ResourceInfo, Rules>()
  rulesByAdmission.set(admission, known)
  let rules = known.get(kind.info)
  if (!rules) {
    const concerned = admission.filter(plugin => plugin.concerns?.(kind.info) ?? true)
    rules = {
      mutating: concerned.filter(({ mutate }) => mutate),
      validating: concerned.filter(({ validate }) => validate),
    }
    known.set(kind.info, rules)
  }
  return rules
}

function admissionRequest(scope: WriteScope, subject: AdmissionSubject): AdmissionRequest {
  const { kind, call, context } = scope
  const name = subject.name ?? call.name
  return {
    operation: subject.operation,
    resource: kind.info,
    ...(call.subresource && { subresource: call.subresource }),
    ...(call.namespace && { namespace: call.namespace }),
    ...(name && { name }),
    ...(subject.object && { object: subject.object }),
    ...(subject.oldObject && { oldObject: subject.oldObject }),
    user: context.user,
    dryRun: isDryRun(scope),
    warn: text => context.warn(text),
  }
}

/** Runs every `mutate` in order. Returns the same object when none changed it. */
export async function mutated(
  scope: WriteScope,
  subject: AdmissionSubject & { object: JsonObject },
): Promise<JsonObject> {
  let { object } = subject
  let request = admissionRequest(scope, subject)
  for (const plugin of rulesFor(scope).mutating) {
    const result = plugin.mutate!(request)
    const changed = result instanceof Promise ? await result : result
    if (changed === object) continue
    object = changed
    request = { ...request, object }
  }
  return object
}

/** Runs every `validate`, then `commit`; plugins that hold something back learn how it ended. */
export async function withAdmission<T>(
  scope: WriteScope,
  subject: AdmissionSubject,
  commit: () => Promise<T>,
): Promise<T> {
  const holds: NonNullable<AdmissionHold>[] = []
  let committed = false
  try {
    const request = admissionRequest(scope, subject)
    for (const plugin of rulesFor(scope).validating) {
      const hold = plugin.validate!(request)
      const held = hold instanceof Promise ? await hold : hold
      if (held) holds.push(held)
    }
    const result = await commit()
    committed = !isDryRun(scope)
    return result
  } finally {
    for (const hold of holds) hold(committed)
  }
}
