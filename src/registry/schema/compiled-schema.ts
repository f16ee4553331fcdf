import type { JsonValue } from '../../machinery/json.ts'
import type { Schema, SchemaType } from '../../machinery/schema.ts'

/** The part of OpenAPI v3 that Kubernetes' own documents and structural schemas use. */
export interface OpenApiSchema {
  readonly $ref?: string
  readonly allOf?: readonly OpenApiSchema[]
  readonly oneOf?: readonly OpenApiSchema[]
  readonly type?: string
  readonly format?: string
  readonly properties?: { readonly [name: string]: OpenApiSchema }
  readonly additionalProperties?: OpenApiSchema | boolean
  readonly items?: OpenApiSchema
  readonly required?: readonly string[]
  readonly enum?: readonly JsonValue[]
  readonly default?: JsonValue
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-patch-merge-key'?: string
  readonly 'x-kubernetes-patch-strategy'?: string
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
}

interface Origin {
  /** Full name of the type this is, if it has one. */
  readonly name?: string
  resolve(name: string): CompiledSchema
}

const NO_PROPERTIES: ReadonlyMap<string, Schema> = new Map()
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity'
const MICRO_TIME = 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime'
const REFERENCE_PREFIX = '#/components/schemas/'

/** A schema read from an OpenAPI document. Its parts compile on first use, for types may contain themselves. */
export class CompiledSchema implements Schema {
  readonly document: OpenApiSchema
  readonly type: SchemaType
  readonly format?: string
  readonly typeName?: string
  readonly required: readonly string[]
  readonly enum?: readonly JsonValue[]
  readonly default?: JsonValue
  readonly listType: 'atomic' | 'set' | 'map'
  readonly listMapKeys: readonly string[]
  readonly atomicMap: boolean
  readonly mergeKey?: string
  readonly mergeList: boolean
  readonly replaces: boolean
  readonly retainsKeys: boolean
  readonly preservesUnknown: boolean
  readonly #origin: Origin
  #properties?: ReadonlyMap<string, Schema>
  #items?: CompiledSchema
  #values?: CompiledSchema

  constructor(document: OpenApiSchema, origin: Origin) {
    this.document = document
    this.#origin = origin
    this.type = typeOf(document, origin.name)
    const format = origin.name === MICRO_TIME ? 'micro-time' : document.format
    if (format) this.format = format
    if (origin.name) this.typeName = origin.name.split('.').at(-1)!
    this.required = document.required ?? []
    if (document.enum) this.enum = document.enum
    if (document.default !== undefined) this.default = document.default
    const listType = document['x-kubernetes-list-type']
    this.listType = listType === 'set' || listType === 'map' ? listType : 'atomic'
    this.listMapKeys = document['x-kubernetes-list-map-keys'] ?? []
    this.atomicMap = document['x-kubernetes-map-type'] === 'atomic'
    const mergeKey = document['x-kubernetes-patch-merge-key']
    if (mergeKey !== undefined) this.mergeKey = mergeKey
    const strategies = document['x-kubernetes-patch-strategy']?.split(',') ?? []
    this.mergeList = strategies.includes('merge')
    this.replaces = strategies.includes('replace')
    this.retainsKeys = strategies.includes('retainKeys')
    this.preservesUnknown = document['x-kubernetes-preserve-unknown-fields'] === true
  }

  get properties(): ReadonlyMap<string, Schema> {
    this.#properties ??= this.document.properties
      ? new Map(Object.entries(this.document.properties).map(([name, part]) => [name, this.#part(part)]))
      : NO_PROPERTIES
    return this.#properties
  }

  get items(): Schema | undefined {
    if (!this.document.items) return undefined
    this.#items ??= this.#part(this.document.items)
    return this.#items
  }

  get values(): Schema | undefined {
    if (this.type !== 'map') return undefined
    const values = this.document.additionalProperties
    this.#values ??= this.#part(typeof values === 'object' ? values : {})
    return this.#values
  }

  /** A part is written in place, or refers to a named type and adds to it what holds only here. */
  #part(document: OpenApiSchema): CompiledSchema {
    const reference = document.$ref ?? document.allOf?.find(part => part.$ref)?.$ref
    const { resolve } = this.#origin
    if (!reference) return new CompiledSchema(document, { resolve })
    const name = reference.slice(REFERENCE_PREFIX.length)
    const named = resolve(name)
    const { $ref: _, allOf: __, ...additions } = document
    if (Object.keys(additions).length === 0) return named
    return new CompiledSchema({ ...named.document, ...additions }, { name, resolve })
  }
}

function typeOf(document: OpenApiSchema, name: string | undefined): SchemaType {
  if (name === QUANTITY) return 'quantity'
  if (document.format === 'int-or-string' || document['x-kubernetes-int-or-string']) return 'int-or-string'
  switch (document.type) {
    case 'object':
      if (document.properties || document['x-kubernetes-preserve-unknown-fields'] !== undefined) return 'object'
      return 'map'
    case 'array':
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return document.type
    default:
      return document.properties ? 'object' : 'any'
  }
}
