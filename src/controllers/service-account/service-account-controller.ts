import { Namespace, ServiceAccount } from '../../api/core-v1/types.ts'
import { controllerFor, type Dependencies, type Reconciler } from '../../client/controller.ts'
import { isTerminating } from '../../machinery/object.ts'
import { createInNamespace } from '../create-in-namespace.ts'

const NAME = 'default'

export const serviceAccountController = controllerFor(Namespace, { name: 'serviceaccount' })
  .watches(ServiceAccount, ({ type, object: { metadata } }) =>
    type === 'deleted' && metadata.name === NAME ? [{ name: metadata.namespace }] : [],
  )
  .reconciledBy(serviceAccountReconciler)

/** Gives every namespace the ServiceAccount that its Pods run under when they name none. */
function serviceAccountReconciler({ client, informers }: Dependencies): Reconciler {
  return async function reconcile({ name: namespace }) {
    const owner = informers.informer(Namespace).get({ name: namespace })
    if (!owner || isTerminating(owner)) return {}
    if (informers.informer(ServiceAccount).get({ namespace, name: NAME })) return {}
    await createInNamespace(client, ServiceAccount, { metadata: { namespace, name: NAME } })
    return {}
  }
}
