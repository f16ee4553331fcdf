import { ConfigMap, Namespace } from '../../api/core-v1/types.ts'
import {
  type ControllerDefinition,
  controllerFor,
  type Dependencies,
  type Reconciler,
} from '../../client/controller.ts'
import { isTerminating } from '../../machinery/object.ts'
import { createInNamespace } from '../create-in-namespace.ts'

const NAME = 'kube-root-ca.crt'
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the ' +
  'internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

/** `certificate` is the bundle, in PEM, that Pods verify the API server with. */
export const rootCaController = (certificate: string): ControllerDefinition =>
  controllerFor(Namespace, { name: 'root-ca-certificate-publisher' })
    .watches(ConfigMap, ({ object: { metadata } }) => (metadata.name === NAME ? [{ name: metadata.namespace }] : []))
    .reconciledBy(dependencies => rootCaReconciler(dependencies, certificate))

/** Keeps the cluster's root certificate in every namespace, where Pods mount it beside their token. */
function rootCaReconciler({ client, informers }: Dependencies, certificate: string): Reconciler {
  const data = { 'ca.crt': certificate }
  return async function reconcile({ name: namespace }) {
    const owner = informers.informer(Namespace).get({ name: namespace })
    if (!owner || isTerminating(owner)) return {}
    const existing = informers.informer(ConfigMap).get({ namespace, name: NAME })
    const annotations = { 'kubernetes.io/description': DESCRIPTION }
    if (!existing)
      await createInNamespace(client, ConfigMap, { metadata: { namespace, name: NAME, annotations }, data })
    else if (existing.data?.['ca.crt'] !== certificate || Object.keys(existing.data).length !== 1) {
      await client.update(ConfigMap, { ...existing, data })
    }
    return {}
  }
}
