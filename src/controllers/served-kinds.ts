import * as admissionregistrationV1 from '../api/admissionregistration-v1/types.ts'
import * as apiextensionsV1 from '../api/apiextensions-v1/types.ts'
import { CustomResourceDefinition } from '../api/apiextensions-v1/types.ts'
import * as appsV1 from '../api/apps-v1/types.ts'
import * as autoscalingV2 from '../api/autoscaling-v2/types.ts'
import * as batchV1 from '../api/batch-v1/types.ts'
import * as certificatesV1 from '../api/certificates-v1/types.ts'
import * as coordinationV1 from '../api/coordination-v1/types.ts'
import * as coreV1 from '../api/core-v1/types.ts'
import * as discoveryV1 from '../api/discovery-v1/types.ts'
import * as eventsV1 from '../api/events-v1/types.ts'
import * as flowcontrolV1 from '../api/flowcontrol-v1/types.ts'
import type { Kind } from '../api/kind.ts'
import * as networkingV1 from '../api/networking-v1/types.ts'
import * as nodeV1 from '../api/node-v1/types.ts'
import * as policyV1 from '../api/policy-v1/types.ts'
import * as rbacV1 from '../api/rbac-v1/types.ts'
import * as resourceV1 from '../api/resource-v1/types.ts'
import * as schedulingV1 from '../api/scheduling-v1/types.ts'
import * as storageV1 from '../api/storage-v1/types.ts'
import type { InformerFactory } from '../client/informer.ts'

const MODULES: readonly object[] = [
  admissionregistrationV1,
  apiextensionsV1,
  appsV1,
  autoscalingV2,
  batchV1,
  certificatesV1,
  coordinationV1,
  coreV1,
  discoveryV1,
  eventsV1,
  flowcontrolV1,
  networkingV1,
  nodeV1,
  policyV1,
  rbacV1,
  resourceV1,
  schedulingV1,
  storageV1,
]

/** Answers to a question, never stored. */
const NOT_STORED = new Set(['Binding', 'Eviction', 'Scale'])

const isKind = (value: unknown): value is Kind => typeof value === 'object' && value !== null && 'plural' in value

/** Every kind of Kubernetes itself that a server stores, each in one version. */
export const BUILT_IN_KINDS: readonly Kind[] = MODULES.flatMap(module => Object.values(module))
  .filter(isKind)
  .filter(({ kind }) => !NOT_STORED.has(kind))

/** The kinds that a definition adds, once the server says that it serves them; every served version, storage first. */
export function customKindsOf({ spec, status }: CustomResourceDefinition): readonly Kind[] {
  const isServed = status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')
  if (!isServed) return []
  const { kind, plural } = spec.names
  const versions = spec.versions.filter(({ served }) => served).sort((a, b) => Number(b.storage) - Number(a.storage))
  return versions.map(({ name: version }) => ({
    group: spec.group,
    version,
    apiVersion: `${spec.group}/${version}`,
    kind,
    plural,
    namespaced: spec.scope === 'Namespaced',
  }))
}

/** Events are left to expire: nobody owns them, and two groups serve the same ones. */
const isEvent = ({ kind }: Kind): boolean => kind === 'Event'

/** All that is stored, custom resources included, as the informers see it now. */
export class ServedKinds {
  readonly #informers: InformerFactory

  constructor(informers: InformerFactory) {
    this.#informers = informers
  }

  /** Each resource in one version. */
  all(): readonly Kind[] {
    return [...BUILT_IN_KINDS, ...this.#definitions().flatMap(definition => customKindsOf(definition).slice(0, 1))]
  }

  /** Without Events. */
  lasting(): readonly Kind[] {
    return this.all().filter(kind => !isEvent(kind))
  }

  /** The resource behind the words of an owner reference, in whatever version it names. */
  named({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): Kind | undefined {
    const slash = apiVersion.lastIndexOf('/')
    const group = slash < 0 ? '' : apiVersion.slice(0, slash)
    return this.all().find(candidate => candidate.group === group && candidate.kind === kind)
  }

  #definitions(): readonly CustomResourceDefinition[] {
    return this.#informers.informer(CustomResourceDefinition).list()
  }
}
