import { StatefulSet, type StatefulSetCondition, type StatefulSetStatus } from '../../api/apps-v1/types.ts'
import type { Client } from '../../client/client.ts'
import { keyOf } from '../../machinery/object.ts'
import { isStatusError } from '../../machinery/status.ts'
import type { Expectations } from '../expectations.ts'
import { isStatusNews, withProgressing } from './status.ts'

const TRIES_MAX = 5

export interface StatusNews {
  readonly counted: StatefulSetStatus
  readonly progressing: Omit<StatefulSetCondition, 'type' | 'lastTransitionTime'>
  readonly now: string
}

/** Writes the status if it says something new. Somebody else's write in between is kept, and ours put on top (T10). */
export async function writeStatus(
  { client, expectations }: { readonly client: Client; readonly expectations: Expectations },
  set: StatefulSet,
  news: StatusNews,
): Promise<void> {
  let base: StatefulSet | undefined = set
  for (let attempt = 1; base; attempt++) {
    const conditions = withProgressing(base.status ?? {}, news.progressing, news.now)
    const status = { ...news.counted, conditions }
    if (!isStatusNews(base.status ?? {}, status)) return
    try {
      expectations.wrote(keyOf(set), StatefulSet, await client.updateStatus(StatefulSet, { ...base, status }))
      return
    } catch (error) {
      if (!isStatusError(error, 'Conflict') || attempt === TRIES_MAX) throw error
      base = await sameSet(client, set)
    }
  }
}

/** The live object; undefined when it is gone, also when another one has its name. */
async function sameSet(client: Client, set: StatefulSet): Promise<StatefulSet | undefined> {
  const live = await client.find(StatefulSet, keyOf(set))
  return live?.metadata.uid === set.metadata.uid ? live : undefined
}
