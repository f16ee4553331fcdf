import type { JsonObject, JsonValue } from '../../machinery/json.ts'

/** Text that is not the JSON it should be. The message is for the client. */
export class BodyError extends Error {
  override name = 'BodyError'
}

export interface DecodedBody {
  readonly value: JsonValue
  /** Paths of members named twice in one object, as strict field validation reports them: `spec.replicas`. */
  readonly duplicateFields: readonly string[]
}

/** Deeper than any real object, and shallow enough that code which recurses over bodies cannot overflow its stack. */
export const BODY_DEPTH_MAX = 256

/**
 * Parses JSON with the engine's own parser, which keeps the last of duplicate members and says nothing. One cheap pass
 * over the text before it bounds the depth and counts members; only when the counts differ are the duplicates looked up.
 */
export function decodeJson(text: string): DecodedBody {
  const memberCount = scan(text)
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (error) {
    throw new BodyError(`the body is not valid JSON: ${(error as Error).message}`)
  }
  const duplicateFields = countMembers(value) === memberCount ? [] : duplicateFieldsOf(text)
  return { value, duplicateFields }
}

const QUOTE = 34
const COLON = 58
const BACKSLASH = 92

/** Members in the text, duplicates included. Throws when nesting is too deep. */
function scan(text: string): number {
  let depth = 0
  let members = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = endOfString(text, i)
    else if (code === COLON) members++
    else if (code === 123 || code === 91) {
      if (++depth > BODY_DEPTH_MAX) throw new BodyError(`the body is nested deeper than ${BODY_DEPTH_MAX} levels`)
    } else if (code === 125 || code === 93) depth--
  }
  return members
}

/** Where the string that opens at `start` closes. */
function endOfString(text: string, start: number): number {
  let end = start
  for (;;) {
    end = text.indexOf('"', end + 1)
    if (end < 0) return text.length // Unterminated: the parser will say so.
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++
    if (escapes % 2 === 0) return end
  }
}

/** Members in the value. Refuses the one key that changes an object's prototype when copied carelessly. */
function countMembers(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item)
    return count
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new BodyError('the key "__proto__" is not accepted in any object')
    count += 1 + countMembers((value as JsonObject)[key]!)
  }
  return count
}

/** The slow pass, over text that is known to be valid. */
function duplicateFieldsOf(text: string): string[] {
  const duplicates = new Set<string>()
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g
  interface Level {
    readonly path: string
    readonly keys?: Set<string>
    index: number
    key: string
  }
  const levels: Level[] = []
  const pathHere = (): string => {
    const level = levels.at(-1)
    if (!level) return ''
    if (!level.keys) return `${level.path}[${level.index}]`
    return level.path ? `${level.path}.${level.key}` : level.key
  }
  let expectKey = false
  for (const [word] of text.matchAll(token)) {
    const level = levels.at(-1)
    if (word === '{' || word === '[') {
      levels.push({ path: pathHere(), index: 0, key: '', ...(word === '{' && { keys: new Set<string>() }) })
      expectKey = word === '{'
    } else if (word === '}' || word === ']') {
      levels.pop()
      expectKey = false
    } else if (word === ',' && level) {
      if (!level.keys) level.index++
      expectKey = level.keys !== undefined
    } else if (expectKey && level?.keys) {
      level.key = JSON.parse(word) as string
      if (level.keys.has(level.key)) duplicates.add(pathHere())
      level.keys.add(level.key)
      expectKey = false
    }
  }
  return [...duplicates]
}

/** Checks depth and keys of a value that came from another parser. */
export function checkShape(value: JsonValue): void {
  const visit = (part: JsonValue, depth: number): void => {
    if (typeof part !== 'object' || part === null) return
    if (depth > BODY_DEPTH_MAX) throw new BodyError(`the body is nested deeper than ${BODY_DEPTH_MAX} levels`)
    for (const child of Object.values(part)) visit(child as JsonValue, depth + 1)
  }
  visit(value, 1)
  countMembers(value)
}
