import type { Clock } from '../../machinery/clock.ts'
import type { Commands } from '../../machinery/commands.ts'
import type { Logger } from '../../machinery/logger.ts'
import { END_STAMP, STAMP_SET, TABLE } from './table.ts'

/** How often the table is looked at in case that an event was lost, and how soon a lost watch is begun again. */
const LOOK_INTERVAL_MS = 10_000
const STAMPED = `delete element ${TABLE} ${STAMP_SET} `

export interface TableGuardOptions {
  readonly commands: Commands
  readonly clock: Clock
  readonly logger: Logger
  /** The stamp of our last change. */
  readonly stamp: () => string
  /** Called when somebody else changed or removed our table. */
  readonly onDamage: () => void
}

/** Watches over the table until `signal` is aborted. */
export async function guardTable(options: TableGuardOptions, signal: AbortSignal): Promise<void> {
  await Promise.all([watchChanges(options, signal), lookNowAndThen(options, signal)])
}

/**
 * The kernel tells of all that is deleted, transaction by transaction; ours begin and end with a stamp. After a damage
 * nothing more is news until we write again.
 */
async function watchChanges(
  { commands, clock, logger, onDamage }: TableGuardOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      let whose: 'ours' | 'others' | 'damaged' = 'others'
      // It yields to everything else: reading the news of a change must not delay the next one.
      for await (const line of commands.lines('nice', ['-n', '19', 'nft', 'monitor', 'destroy'], signal)) {
        if (line.startsWith(STAMPED)) {
          whose = line.includes(END_STAMP) ? 'others' : 'ours'
        } else if (whose === 'others' && line.startsWith('delete ') && isOfTable(line)) {
          whose = 'damaged'
          onDamage()
        }
      }
    } catch (error) {
      logger.warn({ err: error }, 'cannot watch the rules; looking at them now and then')
    }
    await clock.sleep(LOOK_INTERVAL_MS, signal).catch(() => {})
  }
}

/** `delete rule ip holdfast …`, `delete table ip holdfast`. Clients of sticky Services come and go by themselves. */
const isOfTable = (line: string): boolean =>
  new RegExp(`^delete \\w+ ${TABLE}( |$)`).test(line) && !line.startsWith(`delete element ${TABLE} clients-`)

async function lookNowAndThen(
  { commands, clock, stamp, onDamage }: TableGuardOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(LOOK_INTERVAL_MS, signal).catch(() => {})
    if (signal.aborted) return
    const before = stamp()
    const listing = await commands.run('nft', ['list', 'set', ...TABLE.split(' '), STAMP_SET]).catch(() => '')
    if (before === stamp() && !listing.includes(before)) onDamage()
  }
}
