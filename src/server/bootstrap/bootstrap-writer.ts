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
  readonly metadata: { readonly namespace?: string; readonly name?: string }
}

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
  async replace<T extends KubernetesObject>(kind: Kind<T>, object: Unsaved<T>): Promise<void> {
    const found = await this.find(kind, object)
    if (!found) return this.ensure(kind, object)
    const { metadata: _, ...content } = bodyOf(kind, object) as JsonObject
    const isSame = Object.entries(content).every(([key, value]) =>
      isContained(value, (found as unknown as JsonObject)[key]),
    )
    if (isSame) return
    await this.#transport.request({ ...callOf(kind, object, true), verb: 'update', body: { ...found, ...content } })
  }

  /** Adds rules that a newer release needs; takes none away, and leaves alone who asked for that. */
  async ensureRole(role: ClusterRoleSeed): Promise<void> {
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

  async remove<T extends KubernetesObject>(kind: Kind<T>, object: Named): Promise<void> {
    try {
      await this.#transport.request({ ...callOf(kind, object, true), verb: 'delete' })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
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
