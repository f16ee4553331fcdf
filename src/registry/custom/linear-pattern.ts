import { RE2JS } from 're2js'

/** A regular expression in the syntax of RE2, as Kubernetes has it, which takes time in proportion to the text. */
export interface LinearPattern {
  /** What is wrong with it. It then matches nothing, and says so by `undefined`. */
  readonly problem?: string
  /** Whether some part of the text matches. */
  test(text: string): boolean | undefined
  find(text: string): string | undefined
  /** At most `countMax` matches, from the left. */
  findAll(text: string, countMax: number): string[]
}

const known = new Map<string, LinearPattern>()
const KNOWN_MAX = 1000

/**
 * Compiled once for each source. JavaScript's own expressions would let whoever writes a schema hold up the server with
 * one short text.
 */
export function linearPattern(source: string): LinearPattern {
  let pattern = known.get(source)
  if (!pattern) {
    if (known.size >= KNOWN_MAX) known.clear()
    pattern = compiled(source)
    known.set(source, pattern)
  }
  return pattern
}

function compiled(source: string): LinearPattern {
  try {
    const expression = RE2JS.compile(source)
    const findAll = (text: string, countMax: number): string[] => {
      const matcher = expression.matcher(text)
      const found: string[] = []
      while (found.length < countMax && matcher.find()) found.push(matcher.group() ?? '')
      return found
    }
    return {
      test: text => expression.matcher(text).find(),
      find: text => findAll(text, 1)[0],
      findAll,
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    return { problem, test: () => undefined, find: () => undefined, findAll: () => [] }
  }
}
