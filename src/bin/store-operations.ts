import { existsSync } from 'node:fs'
import { CommandError } from '../cli/terminal.ts'
import { systemClock as clock } from '../machinery/system-clock.ts'
import type { StoreDriver } from '../store/driver.ts'
import { backUpStore, compactStore, restoreStore, verifyStore } from '../store/maintenance.ts'

/** What can be done with a store, running or not. */
export type StoreOperation =
  | { readonly name: 'verify' | 'compact' }
  | { readonly name: 'backup' | 'restore'; readonly file: string }

/** Carries an operation out and answers what to print. Throws a `CommandError` with what is wrong. */
export async function carryOut(operation: StoreOperation, store: StoreDriver): Promise<string> {
  switch (operation.name) {
    case 'verify':
      return verified(store)
    case 'compact':
      return `History before revision ${await compactStore(store)} is forgotten.`
    case 'backup': {
      const { revision, entries } = await backUpStore(store, operation.file)
      return `Wrote ${entries} objects as of revision ${revision} to ${operation.file}.`
    }
    case 'restore': {
      if (!existsSync(operation.file)) throw new CommandError(`there is no file ${operation.file}`)
      const { written, deleted, revision } = await restoreStore(store, operation.file, { clock })
      return `Restored: ${written} objects written, ${deleted} deleted. The store is at revision ${revision}.`
    }
  }
}

async function verified(store: StoreDriver): Promise<string> {
  const problems: string[] = []
  for await (const problem of verifyStore(store)) problems.push(`  ${problem}`)
  if (problems.length === 0) return `The store is sound at revision ${store.head()}.`
  throw new CommandError(`the store is not sound:\n${problems.join('\n')}`, {
    advice: 'Restore the last backup with: holdfast store restore FILE',
  })
}
