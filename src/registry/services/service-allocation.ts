import type { Service } from '../../api/core-v1/types.ts'
import { type AddressRange, addressNumberOf, addressTextOf } from '../../machinery/address-range.ts'
import { invalid } from '../../machinery/field-error.ts'
import { integerBelow, type Random } from '../../machinery/random.ts'
import { internalError, invalidObject } from '../../machinery/status.ts'
import type { Draft } from '../draft.ts'
import type { Reservation } from '../kind-definition.ts'
import { isDryRun, type WriteScope } from '../write/write-environment.ts'
import { addressPool, type Holder, nodePortPool, type ReservationPool } from './reservations.ts'

export interface PortRange {
  readonly first: number
  readonly last: number
}

/** Free ones that are tried at random before the range is walked from its start. */
const RANDOM_TRIES_MAX = 64

/** What a Service holds: its cluster IPs and node ports. */
interface Holdings {
  readonly addresses: readonly string[]
  readonly ports: readonly number[]
}

function holdingsOf(service: Service | undefined): Holdings {
  const { type, clusterIPs, clusterIP, ports, healthCheckNodePort } = service?.spec ?? {}
  if (!service || type === 'ExternalName') return { addresses: [], ports: [] }
  const addresses = (clusterIPs ?? (clusterIP ? [clusterIP] : [])).filter(
    address => address !== '' && address !== 'None',
  )
  const nodePorts = (ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []))
  return { addresses, ports: [...new Set([...nodePorts, ...(healthCheckNodePort ? [healthCheckNodePort] : [])])] }
}

const needsAddress = ({ spec }: Draft<Service>): boolean => spec.type !== 'ExternalName' && spec.clusterIP !== 'None'
const needsNodePorts = ({ spec }: Draft<Service>): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)

/** Takes the addresses and ports that a Service needs and has not yet, and writes them into it. */
export async function reserveForService(
  service: Draft<Service>,
  old: Service | undefined,
  { scope, range, portRange }: { scope: WriteScope; range: AddressRange; portRange: PortRange },
): Promise<Reservation> {
  const holder: Holder = { namespace: service.metadata.namespace, name: service.metadata.name }
  const held = holdingsOf(old)
  const taken = new Taken(scope, holder)
  try {
    await reserveAddress(service, { held, taken, range })
    await reservePorts(service, { held, taken, range: portRange })
  } catch (error) {
    await taken.settle(false)
    throw error
  }
  const kept = holdingsOf(service as unknown as Service)
  return {
    async settle(committed) {
      await taken.settle(committed)
      if (committed) await taken.giveBack(without(held, kept))
    },
  }
}

const without = (held: Holdings, kept: Holdings): Holdings => ({
  addresses: held.addresses.filter(address => !kept.addresses.includes(address)),
  ports: held.ports.filter(port => !kept.ports.includes(port)),
})

/** Gives back all that a removed Service had. */
export async function releaseService(service: Service, scope: WriteScope): Promise<void> {
  const { namespace, name } = service.metadata
  await new Taken(scope, { namespace, name }).giveBack(holdingsOf(service))
}

/** What one write has taken so far. */
class Taken {
  readonly random: Random
  readonly #addresses: ReservationPool
  readonly #ports: ReservationPool
  readonly #holder: Holder
  readonly #dryRun: boolean
  readonly #name: string
  #taken: Holdings = { addresses: [], ports: [] }

  constructor(scope: WriteScope, holder: Holder) {
    this.random = scope.environment.random
    this.#addresses = addressPool(scope)
    this.#ports = nodePortPool(scope)
    this.#holder = holder
    this.#dryRun = isDryRun(scope)
    this.#name = holder.name
  }

  get name(): string {
    return this.#name
  }

  async takeAddress(address: string): Promise<boolean> {
    if (!(await this.#take(this.#addresses, address))) return false
    this.#taken = { ...this.#taken, addresses: [...this.#taken.addresses, address] }
    return true
  }

  async takePort(port: number): Promise<boolean> {
    if (this.#taken.ports.includes(port)) return true
    if (!(await this.#take(this.#ports, String(port)))) return false
    this.#taken = { ...this.#taken, ports: [...this.#taken.ports, port] }
    return true
  }

  async #take(pool: ReservationPool, item: string): Promise<boolean> {
    if (pool.isTaken(item)) return false
    return this.#dryRun || pool.take(item, this.#holder)
  }

  async settle(committed: boolean): Promise<void> {
    if (!committed && !this.#dryRun) await this.giveBack(this.#taken)
  }

  async giveBack({ addresses, ports }: Holdings): Promise<void> {
    for (const address of addresses) await this.#addresses.release(address, this.#holder)
    for (const port of ports) await this.#ports.release(String(port), this.#holder)
  }
}

interface AddressWish {
  readonly held: Holdings
  readonly taken: Taken
  readonly range: AddressRange
}

async function reserveAddress(service: Draft<Service>, { held, taken, range }: AddressWish): Promise<void> {
  if (!needsAddress(service)) return
  const { spec } = service
  const asked = spec.clusterIP || spec.clusterIPs?.[0]
  if (asked && held.addresses.includes(asked)) return
  if (!asked) {
    const address = await anyAddress(taken, range)
    spec.clusterIP = address
    spec.clusterIPs = [address]
    return
  }
  const fail = (why: string): Error =>
    invalidObject({ group: '', kind: 'Service' }, taken.name, [
      invalid('spec.clusterIPs', [asked], `failed to allocate IP ${asked}: ${why}`),
    ])
  const number = addressNumberOf(asked)
  if (number === undefined) return // The validation says it better.
  if (number <= range.first || number >= range.first + range.size - 1) {
    throw fail(`the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${range.text}`)
  }
  if (!(await taken.takeAddress(asked))) throw fail('provided IP is already allocated')
}

/** The start of the range is left to those who ask for an address by number (KEP-3070). */
const staticBandOf = (size: number): number => Math.min(Math.max(16, Math.floor(size / 16)), 256)

async function anyAddress(taken: Taken, range: AddressRange): Promise<string> {
  const size = range.size - 2
  const band = Math.min(staticBandOf(size), size - 1)
  for (let attempt = 0; attempt < RANDOM_TRIES_MAX; attempt++) {
    const address = addressTextOf(range.first + 1 + band + integerBelow(taken.random, size - band))
    if (await taken.takeAddress(address)) return address
  }
  for (let offset = 0; offset < size; offset++) {
    // The upper part first; the static band only when nothing else is left.
    const address = addressTextOf(range.first + 1 + ((offset + band) % size))
    if (await taken.takeAddress(address)) return address
  }
  throw internalError(new Error('range is full'))
}

interface PortWish {
  readonly held: Holdings
  readonly taken: Taken
  readonly range: PortRange
}

async function reservePorts(service: Draft<Service>, { held, taken, range }: PortWish): Promise<void> {
  if (!needsNodePorts(service)) return
  const ports = service.spec.ports ?? []
  // Two protocols may share one node port.
  const shared = new Map<string, number>()
  for (const [index, port] of ports.entries()) {
    const asked = port.nodePort
    if (asked) {
      if (!held.ports.includes(asked) && !shared.has(`${asked}`)) await askPort(asked, { index, taken, range })
      shared.set(`${asked}`, asked)
      continue
    }
    const sibling = ports.find(
      other => other !== port && other.port === port.port && other.protocol !== port.protocol && other.nodePort,
    )
    port.nodePort = sibling?.nodePort ?? (await anyPort(taken, range))
  }
  const { spec } = service
  if (spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && !spec.healthCheckNodePort) {
    spec.healthCheckNodePort = await anyPort(taken, range)
  }
}

async function askPort(
  asked: number,
  { index, taken, range }: { index: number; taken: Taken; range: PortRange },
): Promise<void> {
  const fail = (why: string): Error =>
    invalidObject({ group: '', kind: 'Service' }, taken.name, [invalid(`spec.ports[${index}].nodePort`, asked, why)])
  if (asked < range.first || asked > range.last) {
    throw fail(`provided port is not in the valid range. The range of valid ports is ${range.first}-${range.last}`)
  }
  if (!(await taken.takePort(asked))) throw fail('provided port is already allocated')
}

async function anyPort(taken: Taken, { first, last }: PortRange): Promise<number> {
  const size = last - first + 1
  for (let attempt = 0; attempt < RANDOM_TRIES_MAX; attempt++) {
    const port = first + integerBelow(taken.random, size)
    if (await taken.takePort(port)) return port
  }
  for (let port = first; port <= last; port++) if (await taken.takePort(port)) return port
  throw internalError(new Error('range is full'))
}
