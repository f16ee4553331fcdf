import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../fakes/seeded-random.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import type { CallOptions } from '../../machinery/api-call.ts'
import { isStatusError } from '../../machinery/status.ts'
import { namesOf, RegistryFixture } from '../registry-fixture.ts'

/**
 * The tables of "Kubernetes API Concepts", "Resource versions". OLD is a revision at which there were `a` and `b`; since
 * then `c` has come and `a` has gone.
 */
const OLD = 'old'
const FUTURE = '999999'
const LIMIT = { limit: 10 }

let server: RegistryFixture
let old: string

beforeEach(async () => {
  server = new RegistryFixture({ clock: new VirtualClock(), random: seededRandom(1) })
  for (const name of ['a', 'b'])
    old = (await server.create('configmaps', { metadata: { name } })).metadata.resourceVersion
  await server.create('configmaps', { metadata: { name: 'c' } })
  await server.delete('configmaps', 'a')
})

afterEach(() => server[Symbol.asyncDispose]())

const withOld = (options: CallOptions): CallOptions =>
  options.resourceVersion === OLD ? { ...options, resourceVersion: old } : options

/** What comes of it: names, or the code and reason of a refusal. */
async function outcome(attempt: () => Promise<readonly string[]>): Promise<string> {
  try {
    return (await attempt()).join(' ')
  } catch (error) {
    if (!isStatusError(error)) throw error
    return `${error.code} ${error.reason}`
  }
}

const EXACT = 'Exact'
const NOT_OLDER = 'NotOlderThan'
const NOW = 'b c'
const THEN = 'a b'
const INVALID = '422 Invalid'

describe('a list', () => {
  test.each<[CallOptions, string]>([
    [{}, NOW],
    [{ resourceVersion: '0' }, NOW],
    [{ resourceVersion: OLD }, NOW],
    [{ ...LIMIT }, NOW],
    [{ ...LIMIT, resourceVersion: '0' }, NOW],
    [{ ...LIMIT, resourceVersion: OLD }, THEN],
    [{ resourceVersionMatch: EXACT }, INVALID],
    [{ resourceVersionMatch: EXACT, resourceVersion: '0' }, INVALID],
    [{ resourceVersionMatch: EXACT, resourceVersion: OLD }, THEN],
    [{ ...LIMIT, resourceVersionMatch: EXACT }, INVALID],
    [{ ...LIMIT, resourceVersionMatch: EXACT, resourceVersion: '0' }, INVALID],
    [{ ...LIMIT, resourceVersionMatch: EXACT, resourceVersion: OLD }, THEN],
    [{ resourceVersionMatch: NOT_OLDER }, INVALID],
    [{ resourceVersionMatch: NOT_OLDER, resourceVersion: '0' }, NOW],
    [{ resourceVersionMatch: NOT_OLDER, resourceVersion: OLD }, NOW],
    [{ ...LIMIT, resourceVersionMatch: NOT_OLDER }, INVALID],
    [{ ...LIMIT, resourceVersionMatch: NOT_OLDER, resourceVersion: '0' }, NOW],
    [{ ...LIMIT, resourceVersionMatch: NOT_OLDER, resourceVersion: OLD }, NOW],
    [{ resourceVersion: '-1' }, '400 BadRequest'],
    [{ resourceVersion: 'new' }, '400 BadRequest'],
    [{ continue: 'x' }, '400 BadRequest'],
    [{ limit: -1 }, '400 BadRequest'],
    [{ sendInitialEvents: true }, INVALID],
    [{ resourceVersionMatch: 'Newest' as 'Exact', resourceVersion: '1' }, INVALID],
  ])('with %j gives %s', async (options, expected) => {
    expect(await outcome(async () => namesOf(await server.list('configmaps', withOld(options))))).toBe(expected)
  })

  test('goes on by its token, with nothing or 0 beside it, and with no other revision or match', async () => {
    const { continue: token } = await server.list('configmaps', { limit: 1 })
    const page = (more: CallOptions) =>
      outcome(async () => namesOf(await server.list('configmaps', withOld({ ...LIMIT, continue: token!, ...more }))))
    expect(await page({})).toBe('c')
    expect(await page({ resourceVersion: '0' })).toBe('c')
    expect(await page({ resourceVersion: OLD })).toBe('400 BadRequest')
    expect(await page({ resourceVersionMatch: EXACT, resourceVersion: OLD })).toBe(INVALID)
    expect(await page({ resourceVersionMatch: NOT_OLDER, resourceVersion: OLD })).toBe(INVALID)
  })

  test.each<CallOptions>([
    { resourceVersion: FUTURE },
    { resourceVersion: FUTURE, resourceVersionMatch: NOT_OLDER },
    { resourceVersion: FUTURE, resourceVersionMatch: EXACT },
  ])('with %j, of the future, is told to come again', async options => {
    const late = outcome(async () => namesOf(await server.list('configmaps', options)))
    await (server.clock as VirtualClock).advance(5_000)
    expect(await late).toBe('504 Timeout')
  })
})

describe('a watch', () => {
  /** What comes at once, and what comes of a change: `+name`, `-name` and `|` where the initial events end. */
  async function seen(options: CallOptions): Promise<readonly string[]> {
    const ending = new AbortController()
    const events = server.watch('configmaps', withOld(options), ending.signal)
    const words: string[] = []
    const opened = events.next()
    opened.catch(() => {}) // Looked at below.
    await (server.clock as VirtualClock).rest()
    await server.create('configmaps', { metadata: { name: 'z' } })
    await server.delete('configmaps', 'z')
    for (let next = await opened; !next.done; next = await events.next()) {
      const { type, encoded } = next.value
      const { name } = encoded.object.metadata as { name?: string }
      words.push(type === 'BOOKMARK' ? '|' : `${type === 'DELETED' ? '-' : '+'}${name}`)
      if (words.at(-1) === '-z') break
    }
    ending.abort()
    return words
  }

  const STATE = '+b +c'
  const SINCE = '+c -a'
  const CHANGE = '+z -z'
  const BOTH = { sendInitialEvents: true, resourceVersionMatch: NOT_OLDER, allowWatchBookmarks: true } as const
  const NEITHER = { sendInitialEvents: false, resourceVersionMatch: NOT_OLDER } as const

  test.each<[CallOptions, string]>([
    [{}, `${STATE} ${CHANGE}`],
    [{ resourceVersion: '0' }, `${STATE} ${CHANGE}`],
    [{ resourceVersion: OLD }, `${SINCE} ${CHANGE}`],
    [BOTH, `${STATE} | ${CHANGE}`],
    [{ ...BOTH, resourceVersion: '0' }, `${STATE} | ${CHANGE}`],
    [{ ...BOTH, resourceVersion: OLD }, `${STATE} | ${CHANGE}`],
    [NEITHER, CHANGE],
    [{ ...NEITHER, resourceVersion: '0' }, CHANGE],
    [{ resourceVersionMatch: NOT_OLDER, resourceVersion: OLD }, INVALID],
    [{ resourceVersionMatch: EXACT, resourceVersion: OLD }, INVALID],
    [{ sendInitialEvents: true }, INVALID],
    [{ sendInitialEvents: true, resourceVersionMatch: EXACT, resourceVersion: OLD }, INVALID],
    [{ resourceVersion: 'x' }, '400 BadRequest'],
  ])('with %j sees %s', async (options, expected) => {
    expect(await outcome(() => seen(options))).toBe(expected)
  })
})
