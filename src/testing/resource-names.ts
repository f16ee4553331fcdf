import type { Kind, KubernetesObject } from '../api/kind.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { ObjectKey } from '../machinery/object.ts'

/** What the server says of one resource; custom ones included. */
export interface NamedResource {
  readonly kind: Kind
  readonly shortNames: readonly string[]
}

/** Finds kinds by the names that people type: `sts`, `statefulset`, `statefulsets`, `statefulsets.apps`. */
export class ResourceNames {
  readonly #byName = new Map<string, Kind>()
  readonly #byKind = new Map<string, Kind>()

  constructor(resources: Iterable<NamedResource>) {
    for (const { kind, shortNames } of resources) {
      this.#byKind.set(`${kind.apiVersion}/${kind.kind}`, kind)
      for (const name of [kind.plural, kind.kind.toLowerCase(), ...shortNames]) {
        for (const full of [name, `${name}.${kind.group}`]) {
          if (!this.#byName.has(full)) this.#byName.set(full, kind) // The first group wins, as in discovery order.
        }
      }
    }
  }

  /** Throws for a name that no resource has. */
  kindNamed(name: string): Kind {
    const kind = this.#byName.get(name.toLowerCase())
    if (!kind) throw new Error(`the server has no resource "${name}"`)
    return kind
  }

  /** Throws for an object of a kind that is not served. */
  kindOf({ apiVersion, kind }: JsonObject): Kind {
    const known = this.#byKind.get(`${String(apiVersion)}/${String(kind)}`)
    if (!known) throw new Error(`the server has no kind "${String(kind)}" in "${String(apiVersion)}"`)
    return known
  }

  /** Reads `statefulset/web` or, with another namespace than `default`, `statefulset/web` and the namespace beside it. */
  reference(text: string, namespace = 'default'): { readonly kind: Kind<KubernetesObject>; readonly key: ObjectKey } {
    const [resource, name, ...rest] = text.split('/')
    if (!resource || !name || rest.length > 0) throw new Error(`"${text}" is not of the form RESOURCE/NAME`)
    const kind = this.kindNamed(resource)
    return { kind, key: kind.namespaced ? { namespace, name } : { name } }
  }
}
