import { kubernetesResources, kubernetesSchemas, type ResourceRow } from '../../machinery/interface-data.ts'
import type { Schema } from '../../machinery/schema.ts'
import { CompiledSchema, type OpenApiSchema } from './compiled-schema.ts'

export type { ResourceRow }

/** Every built-in kind, in the order of the interface data. */
export const builtInResources = (): readonly ResourceRow[] => kubernetesResources

/** The schemas of all built-in types. Types compile when first used, so start-up pays only for the parsing. */
export class BuiltInSchemas {
  readonly documents: { readonly [name: string]: OpenApiSchema }
  readonly #compiled = new Map<string, CompiledSchema>()

  constructor() {
    this.documents = { ...(kubernetesSchemas as { [name: string]: OpenApiSchema }), ...API_SERVICE_SCHEMAS }
  }

  /** The schema of this name. A name that nobody defined accepts anything. */
  find(name: string): Schema {
    return this.compiled(name)
  }

  compiled(name: string): CompiledSchema {
    let schema = this.#compiled.get(name)
    if (!schema) {
      schema = new CompiledSchema(this.documents[name] ?? {}, { name, resolve: reference => this.compiled(reference) })
      this.#compiled.set(name, schema)
    }
    return schema
  }
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const REGISTRATION = 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1'
const reference = (name: string): OpenApiSchema => ({ allOf: [{ $ref: `#/components/schemas/${name}` }], default: {} })

/** The aggregation API, which the interface data leaves out. */
const API_SERVICE_SCHEMAS: { readonly [name: string]: OpenApiSchema } = {
  [`${REGISTRATION}.APIService`]: {
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: reference(`${META}.ObjectMeta`),
      spec: reference(`${REGISTRATION}.APIServiceSpec`),
      status: reference(`${REGISTRATION}.APIServiceStatus`),
    },
  },
  [`${REGISTRATION}.APIServiceSpec`]: {
    type: 'object',
    required: ['groupPriorityMinimum', 'versionPriority'],
    properties: {
      caBundle: { type: 'string', format: 'byte' },
      group: { type: 'string' },
      groupPriorityMinimum: { type: 'integer', format: 'int32', default: 0 },
      insecureSkipTLSVerify: { type: 'boolean' },
      service: { $ref: `#/components/schemas/${REGISTRATION}.ServiceReference` },
      version: { type: 'string' },
      versionPriority: { type: 'integer', format: 'int32', default: 0 },
    },
  },
  [`${REGISTRATION}.ServiceReference`]: {
    type: 'object',
    properties: {
      name: { type: 'string' },
      namespace: { type: 'string' },
      port: { type: 'integer', format: 'int32' },
    },
  },
  [`${REGISTRATION}.APIServiceStatus`]: {
    type: 'object',
    properties: {
      conditions: {
        type: 'array',
        items: { $ref: `#/components/schemas/${REGISTRATION}.APIServiceCondition` },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        'x-kubernetes-patch-merge-key': 'type',
        'x-kubernetes-patch-strategy': 'merge',
      },
    },
  },
  [`${REGISTRATION}.APIServiceCondition`]: {
    type: 'object',
    required: ['type', 'status'],
    properties: {
      lastTransitionTime: { $ref: `#/components/schemas/${META}.Time` },
      message: { type: 'string' },
      reason: { type: 'string' },
      status: { type: 'string', default: '' },
      type: { type: 'string', default: '' },
    },
  },
}
