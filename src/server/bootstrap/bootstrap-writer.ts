import type { Kind, KubernetesObject, Unsaved } from '../../api/kind.ts'
import { ClusterRole } from '../../api/rbac-v1/types.ts'
import type { ApiTransport } from '../../machinery/api-call.ts'
import type { JsonObject, JsonValue } from '../../machinery/json.ts'
import { isStatusError } from '../../machinery/status.ts'
import { ruleText, uncoveredRules } from '../authorization/policy-rules.ts'

/** Who sets it to `false` on a role wants no rules added to it. */
export const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate'

type ClusterRoleSeed = Unsaved<ClusterRole>

interface Named {
  readonly metadata: { readonly namespace?: string; readonly name?: string; readonly resourceVersion?: string }
}

interface Labelled {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

const ATTEMPTS_MAX = 30

/** Writes what a cluster begins with, beside other servers that do the same. */
export class BootstrapWriter {
  readonly #transport: ApiTransport

  constructor(transport: ApiTransport) {
    this.#transport = transport
  }

  /** Creates the object unless there is one of its name. */
  async ensure<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>): Promise<void> {
    if (await this.find(kind, object)) return
    try {
      await this.#transport.request({ ...callOf(kind, object), verb: 'create', body: bodyOf(kind, object) })
    } catch (error) {
      // Another server may have been faster.
      if (!(await this.find(kind, object))) throw error
    }
  }

  /** Creates the object, or makes the one that is there say the same. */
  replace<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>): Promise<void> {
    return this.#untilNoConflict(async () => {
      const found = await this.find(kind, object)
      if (!found) await this.create(kind, object)
      else if (!says(found, object)) await this.update(kind, found, object)
    })
  }

  /** Throws AlreadyExists. */
  async create<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>): Promise<void> {
    await this.#transport.request({ ...callOf(kind, object), verb: 'create', body: bodyOf(kind, object) })
  }

  /** Throws Conflict when `found` is not the newest any more. */
  async update<T extends KubernetesObject>(kind: Kind<T>, found: T, object: Unsaved<T>): Promise<void> {
    const { metadata: _, ...content } = bodyOf(kind, object) as JsonObject
    const body = { ...(found as unknown as JsonObject), ...content }
    await this.#transport.request({ ...callOf(kind, object, true), verb: 'update', body })
  }

  /** Adds rules that a newer release needs; takes none away, and leaves alone who asked for that. */
  ensureRole(role: ClusterRoleSeed): Promise<void> {
    return this.#untilNoConflict(() => this.#ensureRoleOnce(role))
  }

  async #ensureRoleOnce(role: ClusterRoleSeed): Promise<void> {
    const found = await this.find(ClusterRole, role)
    if (!found) return this.ensure(ClusterRole, role)
    if (found.metadata.annotations?.[AUTOUPDATE] === 'false') return
    const missing = uncoveredRules(found.rules ?? [], role.rules ?? [])
    if (missing.length === 0) return
    const known = new Set((found.rules ?? []).map(ruleText))
    const added = (role.rules ?? []).filter(rule => !known.has(ruleText(rule)))
    const body = { ...found, rules: [...(found.rules ?? []), ...added] } as unknown as JsonObject
    await this.#transport.request({ ...callOf(ClusterRole, role, true), verb: 'update', body })
  }

  /** Another server that writes the same object in the same moment is no failure: what it wrote is looked at. */
  async #untilNoConflict(write: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await write()
      } catch (error) {
        const isLost = isStatusError(error, 'Conflict') || isStatusError(error, 'AlreadyExists')
        if (!isLost || attempt >= ATTEMPTS_MAX) throw error
      }
    }
  }

  /** Removes this revision of the object, or whichever is there if none is named. Throws Conflict. */
  async remove<T extends KubernetesObject>(kind: Kind<T>, object: Named): Promise<void> {
    const { resourceVersion } = object.metadata
    const body = resourceVersion ? { preconditions: { resourceVersion } } : {}
    try {
      await this.#transport.request({ ...callOf(kind, object, true), verb: 'delete', body })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }

  async list<T extends KubernetesObject>(kind: Kind<T>, { namespace, labels }: Labelled): Promise<readonly T[]> {
    const labelSelector = Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',')
    const call = { ...callOf(kind, { metadata: { namespace } }), verb: 'list' as const, options: { labelSelector } }
    return (await this.#transport.request(call)).items as unknown as readonly T[]
  }

  async find<T extends KubernetesObject>(kind: Kind<T>, object: Named): Promise<T | undefined> {
    try {
      const found = await this.#transport.request({ ...callOf(kind, object, true), verb: 'get' })
      return found as unknown as T
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined
      throw error
    }
  }
}

function callOf<T extends KubernetesObject>({ group, version, plural }: Kind<T>, { metadata }: Named, isNamed = false) {
  const { namespace, name } = metadata
  return { group, version, resource: plural, ...(namespace && { namespace }), ...(isNamed && { name: name! }) }
}

const bodyOf = <T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>): JsonValue =>
  ({ apiVersion: kind.apiVersion, kind: kind.kind, ...object }) as unknown as JsonValue

/** Whether the object already has all that is wanted of it; metadata apart. */
export function says<T extends KubernetesObject>(found: T, wanted: Unsaved<T>): boolean {
  const { metadata: _, ...content } = wanted as unknown as JsonObject
  return Object.entries(content).every(([key, value]) => isContained(value, (found as unknown as JsonObject)[key]))
}

/** Whether everything that `wanted` says is also in `found`, which may say more (defaults). */
function isContained(wanted: JsonValue | undefined, found: JsonValue | undefined): boolean {
  if (typeof wanted !== 'object' || wanted === null) return wanted === found
  if (Array.isArray(wanted)) {
    const items = Array.isArray(found) ? found : []
    return items.length === wanted.length && wanted.every((item, index) => isContained(item, items[index]))
  }
  if (typeof found !== 'object' || found === null) return false
  return Object.entries(wanted as JsonObject).every(([key, value]) => isContained(value, (found as JsonObject)[key]))
}
