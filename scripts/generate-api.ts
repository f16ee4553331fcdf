/**
 * Writes `src/api/<group>-<version>/types.ts` from `data/kubernetes-schemas.json` and `data/kubernetes-resources.json`.
 * `node scripts/generate-api.ts` writes; with `--check` it only compares and fails when a file is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Schema {
  $ref?: string
  allOf?: { $ref: string }[]
  oneOf?: Schema[]
  type?: string
  enum?: string[]
  items?: Schema
  additionalProperties?: Schema | boolean
  properties?: Record<string, Schema>
  required?: string[]
  default?: unknown
}

interface Resource {
  group: string
  version: string
  kind: string
  plural: string
  namespaced: boolean
  schema: string
}

const root = join(import.meta.dirname, '..')
const schemas = JSON.parse(readFileSync(join(root, 'data/kubernetes-schemas.json'), 'utf8')) as Record<string, Schema>
const resources = (JSON.parse(readFileSync(join(root, 'data/kubernetes-resources.json'), 'utf8')) as Resource[]).filter(
  resource => schemas[resource.schema],
)
const resourceOf = new Map(resources.map(resource => [resource.schema, resource]))

/** `io.k8s.api.apps.v1.StatefulSet` lives in folder `apps-v1`; everything of apimachinery lives in `meta-v1`. */
function folderOf(schemaName: string): string {
  const parts = schemaName.split('.')
  if (schemaName.startsWith('io.k8s.apimachinery.')) return 'meta-v1'
  return `${parts.at(-3)}-${parts.at(-2)}`
}

const typeNameOf = (schemaName: string): string => {
  const name = schemaName.split('.').at(-1)!
  return /^[A-Z]/.test(name) ? name : name[0]!.toUpperCase() + name.slice(1)
}

class FileWriter {
  readonly imports = new Map<string, Set<string>>()
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  import(from: string, name: string): string {
    this.imports.set(from, (this.imports.get(from) ?? new Set()).add(name))
    return name
  }

  referTo(schemaName: string, inList: boolean): string {
    const folder = folderOf(schemaName)
    const name = typeNameOf(schemaName)
    if (folder !== this.folder) this.import(`../${folder}/types.ts`, name)
    if (!resourceOf.has(schemaName) || inList) return name
    return `${this.import('../kind.ts', 'Unsaved')}<${name}>` // A template of an object inside another object.
  }

  typeOf(schema: Schema, inList = false): string {
    const ref = schema.$ref ?? schema.allOf?.[0]?.$ref
    if (ref) return this.referTo(ref.split('/').at(-1)!, inList)
    if (schema.oneOf) return schema.oneOf.map(option => this.typeOf(option)).join(' | ')
    if (schema.enum) return schema.enum.map(value => `'${value}'`).join(' | ')
    switch (schema.type) {
      case 'string':
        return 'string'
      case 'integer':
      case 'number':
        return 'number'
      case 'boolean':
        return 'boolean'
      case 'array': {
        const item = this.typeOf(schema.items!, inList)
        return item.includes('|') ? `readonly (${item})[]` : `readonly ${item}[]`
      }
      case 'object': {
        const values =
          typeof schema.additionalProperties === 'object' ? this.typeOf(schema.additionalProperties) : 'unknown'
        return `{ readonly [key: string]: ${values} }`
      }
      default:
        return 'unknown'
    }
  }
}

function propertyLine(writer: FileWriter, owner: string, name: string, schema: Schema, required: boolean): string {
  const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`
  return `  readonly ${key}${required ? '' : '?'}: ${writer.typeOf(schema, owner.endsWith('List') && name === 'items')}`
}

function interfaceOf(writer: FileWriter, schemaName: string, schema: Schema): string {
  const name = typeNameOf(schemaName)
  if (!schema.properties) return `export type ${name} = ${writer.typeOf(schema)}`
  const resource = resourceOf.get(schemaName)
  const lines = Object.entries(schema.properties).map(([key, property]) => {
    if (resource && key === 'apiVersion') return `  readonly apiVersion: '${apiVersionOf(resource)}'`
    if (resource && key === 'kind') return `  readonly kind: '${resource.kind}'`
    if (resource && key === 'metadata') {
      return `  readonly metadata: ${writer.import('../kind.ts', resource.namespaced ? 'NamespacedMeta' : 'StoredMeta')}`
    }
    const always = resource !== undefined && (key === 'spec' || key === 'status') && property.default !== undefined
    return propertyLine(writer, name, key, property, always || (schema.required ?? []).includes(key))
  })
  return `export interface ${name} {\n${lines.join('\n')}\n}`
}

const apiVersionOf = ({ group, version }: Resource): string => (group ? `${group}/${version}` : version)

function kindConstantOf(writer: FileWriter, resource: Resource): string {
  const { group, version, kind, plural, namespaced } = resource
  const type = writer.import('../kind.ts', 'Kind')
  const fields = { group, version, apiVersion: apiVersionOf(resource), kind, plural }
  const text = Object.entries(fields).map(([key, value]) => `${key}: '${value}'`)
  return `export const ${kind}: ${type}<${kind}> = { ${text.join(', ')}, namespaced: ${namespaced} }`
}

function fileOf(folder: string): string {
  const writer = new FileWriter(folder)
  const parts: string[] = []
  for (const [schemaName, schema] of Object.entries(schemas)) {
    if (folderOf(schemaName) !== folder) continue
    parts.push(interfaceOf(writer, schemaName, schema))
    const resource = resourceOf.get(schemaName)
    if (resource) parts.push(kindConstantOf(writer, resource))
  }
  const imports = [...writer.imports]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([from, names]) => `import type { ${[...names].sort().join(', ')} } from '${from}'`)
  const head = '// Written by scripts/generate-api.ts from data/kubernetes-schemas.json. Do not edit.'
  return `${[head, ...imports].join('\n')}\n\n${parts.join('\n\n')}\n`
}

const checkOnly = process.argv.includes('--check')
const stale: string[] = []
for (const folder of new Set(Object.keys(schemas).map(folderOf))) {
  const file = join(root, 'src/api', folder, 'types.ts')
  const text = fileOf(folder)
  let before = ''
  try {
    before = readFileSync(file, 'utf8')
  } catch {
    // Not written yet.
  }
  if (before === text) continue
  stale.push(file)
  if (checkOnly) continue
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
if (checkOnly && stale.length > 0) {
  console.error(`Stale generated types: ${stale.join(', ')}. Run: node scripts/generate-api.ts`)
  process.exitCode = 1
} else {
  console.log(`${stale.length} generated files ${checkOnly ? 'stale' : 'written'}`)
}
