import { type ClusterCatalog, clusterCatalog } from '../dns/cluster/catalog.ts'
import { type ClusterZone, clusterZone } from '../dns/cluster/cluster-zone.ts'
import { Rcode, RecordType } from '../dns/message/message.ts'
import { dataText } from '../dns/message/resource-record.ts'
import type { ControlPlane } from './control-plane.ts'

const DNS_ADDRESS = '10.96.0.10'

interface Names {
  readonly catalog: ClusterCatalog
  readonly zone: ClusterZone
}

/** The cluster's DNS, asked in process. It begins to look at the cluster with the first question. */
export class ClusterNames {
  readonly #plane: ControlPlane
  #names: Names | undefined

  constructor(plane: ControlPlane) {
    this.#plane = plane
  }

  /** What the records of a name say, sorted; empty when there is no such name. A name may end before `.svc.cluster.local`. */
  async resolve(name: string, type: 'A' | 'SRV' | 'CNAME' | 'PTR' = 'A'): Promise<readonly string[]> {
    this.#names ??= this.#start()
    const { catalog, zone } = this.#names
    await catalog.whenSynced()
    const answer = zone.answer({ name: fullName(name), type: RecordType[type] })
    if (!answer || answer.rcode !== Rcode.NoError) return []
    return answer.answers.map(dataText).sort()
  }

  #start(): Names {
    const catalog = clusterCatalog(this.#plane.newInformers('dns'))
    return { catalog, zone: clusterZone({ catalog, serverAddress: DNS_ADDRESS, ownRanges: [] }) }
  }
}

const fullName = (name: string): string =>
  name.endsWith('.')
    ? name.slice(0, -1)
    : /\.(svc|arpa|local)$/.test(name)
      ? withDomain(name)
      : `${name}.svc.cluster.local`

const withDomain = (name: string): string => (name.endsWith('.svc') ? `${name}.cluster.local` : name)
