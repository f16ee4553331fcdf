import { isMap, isPair, isScalar, isSeq, type Node, parseAllDocuments } from 'yaml'
import type { JsonValue } from '../../machinery/json.ts'
import { BodyError, checkShape, type DecodedBody } from './json-text.ts'

/** Aliases that one document may use: enough for people, too few for a billion laughs. */
const ALIASES_MAX = 100
/** The parser recurses; indicators nested deeper than this cannot be real. */
const FLOW_DEPTH_MAX = 256

/** Parses one YAML document into the JSON values that it stands for. */
export function decodeYaml(text: string): DecodedBody {
  refuseDeepFlow(text)
  try {
    return decoded(text)
  } catch (error) {
    if (error instanceof BodyError) throw error
    throw new BodyError(`the body is not valid YAML: ${(error as Error).message}`) // Too many aliases, unknown anchors.
  }
}

function decoded(text: string): DecodedBody {
  const documents = parseAllDocuments(text, { uniqueKeys: false, version: '1.1', schema: 'yaml-1.1', merge: true })
  const [document] = documents
  if (!document) return { value: null, duplicateFields: [] }
  if (documents.length > 1) throw new BodyError('the body holds more than one YAML document')
  if (document.errors.length > 0) throw new BodyError(`the body is not valid YAML: ${document.errors[0]!.message}`)
  const value = plain(document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown)
  checkShape(value)
  return { value, duplicateFields: duplicatesIn(document.contents as Node | null, '') }
}

function refuseDeepFlow(text: string): void {
  let depth = 0
  for (const [indicator] of text.matchAll(/[[{\]}]|^ {512,}\S|(?:- ){128,}/gm)) {
    if (indicator.length > 1) throw new BodyError('the body is nested too deep')
    depth += indicator === '[' || indicator === '{' ? 1 : -1
    if (depth > FLOW_DEPTH_MAX) throw new BodyError(`the body is nested deeper than ${FLOW_DEPTH_MAX} levels`)
  }
}

/** YAML knows dates and sets; the API knows JSON. */
function plain(value: unknown): JsonValue {
  if (value === undefined) return null
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part))
  return JSON.parse(text ?? 'null') as JsonValue
}

function duplicatesIn(node: unknown, path: string): string[] {
  if (isSeq(node)) return node.items.flatMap((item, index) => duplicatesIn(item, `${path}[${index}]`))
  if (!isMap(node)) return []
  const seen = new Set<string>()
  return node.items.flatMap(item => {
    if (!isPair(item)) return []
    const key = String(isScalar(item.key) ? item.key.value : item.key)
    const keyPath = path ? `${path}.${key}` : key
    const isAgain = seen.has(key)
    seen.add(key)
    return [...(isAgain ? [keyPath] : []), ...duplicatesIn(item.value, keyPath)]
  })
}
