import type { Node, Taint } from '../api/core-v1/types.ts'
import { parseQuantity } from '../machinery/quantity.ts'
import type { HostPort, PodInfo, Resources } from './pod-info.ts'
import { resourcesOf } from './pod-info.ts'

const NOTHING: Resources = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map() }
const ANY_ADDRESS = '0.0.0.0'

/** One machine and the Pods that are or will be on it, summed up as they come and go. */
export class NodeInfo {
  readonly name: string
  readonly pods = new Map<string, PodInfo>()
  readonly requested = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map<string, number>() }
  readonly likelyUse = { milliCpu: 0, memory: 0 }
  /** Claims in use here, as `namespace/name`, with the number of Pods that use each. */
  readonly claims = new Map<string, number>()
  readonly #ports = new Map<string, string[]>()
  #node: Node | undefined
  allocatable: Resources = NOTHING
  podsMax = 0
  taints: readonly Taint[] = []
  isCordoned = false
  labels: { readonly [key: string]: string } = {}

  constructor(name: string) {
    this.name = name
  }

  /** Undefined while Pods name a machine that has no Node object. */
  get node(): Node | undefined {
    return this.#node
  }

  set node(node: Node | undefined) {
    this.#node = node
    const amounts = new Map(
      Object.entries(node?.status?.allocatable ?? {}).map(([name, text]) => [name, parseQuantity(text).nano]),
    )
    this.allocatable = resourcesOf(amounts)
    this.podsMax = Number((amounts.get('pods') ?? 0n) / 1_000_000_000n)
    this.taints = node?.spec?.taints ?? []
    this.isCordoned = node?.spec?.unschedulable ?? false
    this.labels = node?.metadata.labels ?? {}
  }

  add(pod: PodInfo): void {
    this.pods.set(pod.uid, pod)
    this.#account(pod, 1)
    for (const { protocol, port, ip } of pod.hostPorts) {
      const key = `${protocol}/${port}`
      this.#ports.set(key, [...(this.#ports.get(key) ?? []), ip])
    }
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid)
    if (!pod) return
    this.pods.delete(uid)
    this.#account(pod, -1)
    for (const { protocol, port, ip } of pod.hostPorts) {
      const key = `${protocol}/${port}`
      const left = [...(this.#ports.get(key) ?? [])]
      left.splice(left.indexOf(ip), 1)
      if (left.length > 0) this.#ports.set(key, left)
      else this.#ports.delete(key)
    }
  }

  /** Whether a Pod here holds the port, on the same address or one of both on all addresses. */
  isPortTaken({ protocol, port, ip }: HostPort): boolean {
    const taken = this.#ports.get(`${protocol}/${port}`)
    return taken?.some(other => ip === ANY_ADDRESS || other === ANY_ADDRESS || other === ip) ?? false
  }

  /** Whether the Pods here, this one among them, need more than there is of something that this one asks for. */
  isTooSmallFor({ requests }: PodInfo): boolean {
    const { requested, allocatable } = this
    const lacks = (need: number, sum: number, there: number): boolean => need > 0 && sum > there
    return (
      this.pods.size > this.podsMax ||
      lacks(requests.milliCpu, requested.milliCpu, allocatable.milliCpu) ||
      lacks(requests.memory, requested.memory, allocatable.memory) ||
      lacks(requests.ephemeralStorage, requested.ephemeralStorage, allocatable.ephemeralStorage) ||
      [...requests.scalars].some(([name, need]) =>
        lacks(need, requested.scalars.get(name) ?? 0, allocatable.scalars.get(name) ?? 0),
      )
    )
  }

  #account({ requests, likelyUse, claimNames, namespace }: PodInfo, sign: 1 | -1): void {
    this.requested.milliCpu += sign * requests.milliCpu
    this.requested.memory += sign * requests.memory
    this.requested.ephemeralStorage += sign * requests.ephemeralStorage
    for (const [name, amount] of requests.scalars) addTo(this.requested.scalars, name, sign * amount)
    this.likelyUse.milliCpu += sign * likelyUse.milliCpu
    this.likelyUse.memory += sign * likelyUse.memory
    for (const name of claimNames) addTo(this.claims, `${namespace}/${name}`, sign)
  }
}

/** Adds to a sum that is forgotten at zero. */
function addTo(sums: Map<string, number>, key: string, amount: number): void {
  const sum = (sums.get(key) ?? 0) + amount
  if (sum === 0) sums.delete(key)
  else sums.set(key, sum)
}
