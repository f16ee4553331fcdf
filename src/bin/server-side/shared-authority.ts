import { CommandError } from '../../cli/terminal.ts'
import type { KeyPair } from '../../server/pki/certificate.ts'
import { type Store, StoreError } from '../../store/store.ts'
import type { CertificateFiles } from './certificate-files.ts'

/** In the form of the registry's own keys (group, plural, name), in a group that no kind has. */
const KEY = '/holdfast/pki/authority'

interface Shared {
  readonly authority: KeyPair
  readonly tokenKey: string
}

/**
 * Servers on one etcd are one cluster, so they need one authority and one key for tokens: the first server leaves its own
 * in the store, the others take them from there. Whoever reads the store reads every Secret already. Throws a
 * `CommandError` for the data directory of a server of another cluster.
 */
export async function shareAuthority(store: Store, certificates: CertificateFiles): Promise<void> {
  const isNew = !certificates.hasAuthority
  const known = await sharedIn(store)
  if (known) {
    if (!isNew && (await certificates.authority()).key !== known.authority.key) throw ofAnotherCluster()
    return certificates.adopt(known.authority, known.tokenKey)
  }
  const mine: Shared = { authority: await certificates.authority(), tokenKey: certificates.tokenKey() }
  try {
    await store.commit({ type: 'create', key: KEY, value: Buffer.from(JSON.stringify(mine)) })
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'exists') throw error
    const theirs = (await sharedIn(store))! // Another server was faster by a moment.
    if (!isNew) throw ofAnotherCluster()
    certificates.adopt(theirs.authority, theirs.tokenKey)
  }
}

const ofAnotherCluster = (): CommandError =>
  new CommandError('the data directory is of another cluster than the one in etcd', {
    advice: 'Choose another --data-dir for this cluster, or another --store for this directory. Nothing was changed.',
  })

async function sharedIn(store: Store): Promise<Shared | undefined> {
  const entry = await store.get(KEY)
  return entry && (JSON.parse(Buffer.from(entry.value).toString('utf8')) as Shared)
}
