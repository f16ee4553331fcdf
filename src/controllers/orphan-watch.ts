import type { Kind, KubernetesObject } from '../api/kind.ts'
import type { Watched } from '../client/controller.ts'
import { controllerOf, keyOf } from '../machinery/object.ts'
import { matchesLabels, type Requirements } from '../machinery/selectors.ts'

/** Enqueues, for a child that has no controller, every owner of its namespace whose selector it fits: one may adopt it. */
export function ownersOfOrphan<O extends KubernetesObject, C extends KubernetesObject>(
  ownerKind: Kind<O>,
  selectorOf: (owner: O) => Requirements | undefined,
): Watched<C>['keysOf'] {
  return ({ type, object }, { informers }) => {
    if (type === 'deleted' || controllerOf(object)) return []
    const { namespace, labels } = object.metadata
    const owners = informers.informer(ownerKind).list(namespace ? { namespace } : {})
    const fits = (selector: Requirements | undefined): boolean =>
      selector !== undefined && matchesLabels(selector, labels)
    return owners.filter(owner => fits(selectorOf(owner))).map(keyOf)
  }
}
