import { deepEqual } from 'fast-equals'
import type { Node } from '../api/core-v1/types.ts'
import type { NamespaceLabels } from './affinity-term.ts'
import { NodeInfo } from './node-info.ts'
import { PodCounts } from './pod-counts.ts'
import type { PodInfo } from './pod-info.ts'

export const ZONE_LABEL = 'topology.kubernetes.io/zone'
export const REGION_LABEL = 'topology.kubernetes.io/region'
export const HOSTNAME_LABEL = 'kubernetes.io/hostname'

export interface PlacedPod {
  readonly info: PodInfo
  readonly node: NodeInfo
  /** Chosen by us, and not yet seen to be bound. */
  readonly isAssumed: boolean
}

/**
 * The machines and who is on them: what the API says, and on top of that the Pods that we have promised a machine but
 * whose binding is still on its way. A cycle reads it without interruption, so no copy is ever made.
 */
export class ClusterState {
  readonly counts: PodCounts
  readonly #nodes = new Map<string, NodeInfo>()
  readonly #placed = new Map<string, PlacedPod>()
  readonly #claimUsers = new Map<string, number>()
  readonly #domains = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>()
  #ordered: readonly NodeInfo[] | undefined
  #zones: readonly string[] = []

  constructor(labelsOfNamespace: NamespaceLabels) {
    this.counts = new PodCounts({ labelsOfNamespace, placed: () => this.#placed.values() })
  }

  /** All machines, zone by zone in turn, so that a part of the list is a fair sample of the cluster. */
  get nodes(): readonly NodeInfo[] {
    this.#order()
    return this.#ordered!
  }

  /** Zones that have machines, sorted. */
  get zones(): readonly string[] {
    this.#order()
    return this.#zones
  }

  /** The domains of each topology key, over the machines that have all of these keys. Kept until labels change. */
  domainsOf(topologyKeys: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
    const signature = topologyKeys.join(',')
    let known = this.#domains.get(signature)
    if (!known) {
      const nodes = this.nodes.filter(({ labels }) => topologyKeys.every(key => labels[key] !== undefined))
      known = new Map(topologyKeys.map(key => [key, new Set(nodes.map(({ labels }) => labels[key]!))]))
      this.#domains.set(signature, known)
    }
    return known
  }

  /** The machine, if it has a Node object. */
  findNode(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name)
    return info?.node && info
  }

  findPod(uid: string): PlacedPod | undefined {
    return this.#placed.get(uid)
  }

  get placedPods(): Iterable<PlacedPod> {
    return this.#placed.values()
  }

  /** Whether a placed Pod uses the claim, given as `namespace/name`. */
  isClaimInUse(key: string): boolean {
    return this.#claimUsers.has(key)
  }

  setNode(node: Node): NodeInfo {
    const info = this.#infoOf(node.metadata.name)
    const previous = info.node
    info.node = node
    if (!deepEqual(previous?.metadata.labels, node.metadata.labels)) this.#domains.clear()
    if (!previous || previous.metadata.labels?.[ZONE_LABEL] !== node.metadata.labels?.[ZONE_LABEL]) {
      this.#ordered = undefined
    }
    return info
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name)
    if (!info) return
    info.node = undefined
    this.#ordered = undefined
    this.#domains.clear()
    this.#forgetIfEmpty(info)
  }

  /** Puts the Pod on the machine, in place of what was known of it before. */
  place(info: PodInfo, nodeName: string, options: { readonly isAssumed: boolean }): NodeInfo {
    this.remove(info.uid)
    const node = this.#infoOf(nodeName)
    node.add(info)
    this.#placed.set(info.uid, { info, node, ...options })
    this.counts.add(info, node)
    this.#countClaims(info, 1)
    return node
  }

  /** The API shows where we put it, and nothing else of it has changed. */
  confirm(uid: string): void {
    const placed = this.#placed.get(uid)
    if (placed?.isAssumed) this.#placed.set(uid, { ...placed, isAssumed: false })
  }

  /** Takes the Pod off its machine; answers where it was. */
  remove(uid: string): PlacedPod | undefined {
    const placed = this.#placed.get(uid)
    if (!placed) return undefined
    const { info, node } = placed
    this.#placed.delete(uid)
    node.remove(uid)
    this.counts.remove(info, node)
    this.#countClaims(info, -1)
    this.#forgetIfEmpty(node)
    return placed
  }

  #countClaims({ claimNames, namespace }: PodInfo, sign: 1 | -1): void {
    for (const name of claimNames) {
      const key = `${namespace}/${name}`
      const users = (this.#claimUsers.get(key) ?? 0) + sign
      if (users === 0) this.#claimUsers.delete(key)
      else this.#claimUsers.set(key, users)
    }
  }

  #infoOf(name: string): NodeInfo {
    let info = this.#nodes.get(name)
    if (!info) {
      info = new NodeInfo(name)
      this.#nodes.set(name, info)
    }
    return info
  }

  #forgetIfEmpty(info: NodeInfo): void {
    if (!info.node && info.pods.size === 0) this.#nodes.delete(info.name)
  }

  #order(): void {
    if (this.#ordered) return
    const byZone = new Map<string, NodeInfo[]>()
    for (const info of this.#nodes.values()) {
      if (!info.node) continue
      const zone = info.labels[ZONE_LABEL] ?? ''
      const members = byZone.get(zone)
      if (members) members.push(info)
      else byZone.set(zone, [info])
    }
    const rows = [...byZone.values()]
    const depth = Math.max(0, ...rows.map(row => row.length))
    const ordered: NodeInfo[] = []
    for (let i = 0; i < depth; i++) for (const row of rows) if (row[i]) ordered.push(row[i]!)
    this.#ordered = ordered
    this.#zones = [...byZone.keys()].filter(zone => zone !== '').sort()
  }
}
