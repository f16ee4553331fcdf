import { testCommits } from './contract/commits.ts'
import { testExpiry } from './contract/expiry.ts'
import { testLifetime } from './contract/lifetime.ts'
import { testBounds } from './contract/limits.ts'
import { testOldRevisions } from './contract/old-revisions.ts'
import { testReads } from './contract/reads.ts'
import type { OpenForTest } from './contract/store-under-test.ts'
import { testWatches } from './contract/watches.ts'

/** What every driver promises, as tests. A promise that is not here is not one. */
export function testStoreContract(open: OpenForTest): void {
  testReads(open)
  testCommits(open)
  testOldRevisions(open)
  testWatches(open)
  testExpiry(open)
  testBounds(open)
  testLifetime(open)
}
