import type { MachineDoors, MachineFacts, MachineInfo, PodCgroups, ProbeDoor } from '../../kubelet/doors.ts'
import type { Clock } from '../../machinery/clock.ts'
import { type Random, uuidFrom } from '../../machinery/random.ts'
import { FakeDisk } from './fake-disk.ts'
import { anyImage, type FakeImages } from './fake-image.ts'
import { FakeLogs } from './fake-logs.ts'
import { FakeRuntime, type HttpPort } from './fake-runtime.ts'

export interface FakeMachineOptions {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  /** Which images exist and what their containers do. Default: any image, running for ever. */
  readonly images?: FakeImages
  /** Third number of the addresses of its Pods: `10.244.<index>.2` and so on. */
  readonly index?: number
  readonly cpuCount?: number
  readonly memoryBytes?: number
  readonly diskBytes?: number
  /** How long the runtime takes for what it does. */
  readonly latency?: { readonly sandboxMs: number; readonly createMs: number; readonly startMs: number }
  readonly httpPort?: HttpPort
}

const GIBIBYTE = 1024 ** 3
const LATENCY_DEFAULT = { sandboxMs: 140, createMs: 40, startMs: 40 }
const FIRST_HOST = 2
const LAST_HOST = 254

/** A machine of the simulation. It outlives the kubelets that are started on it. */
export class FakeMachine {
  readonly doors: MachineDoors
  readonly runtime: FakeRuntime
  readonly disk: FakeDisk
  readonly logs: FakeLogs
  readonly address: string
  /** Bytes that Pods and others leave free; lower it to make the machine short of memory. */
  memoryAvailableBytes: number
  readonly #options: FakeMachineOptions
  readonly #addressesInUse = new Set<string>()
  readonly #cgroups = new Set<string>()
  #nextHost = FIRST_HOST
  #bootId: string

  constructor(options: FakeMachineOptions) {
    const { clock, index = 0, images = anyImage, diskBytes, latency = LATENCY_DEFAULT, httpPort } = options
    this.#options = options
    this.#bootId = uuidFrom(options.random)
    this.address = `192.168.${Math.floor(index / 250)}.${(index % 250) + 1}`
    this.memoryAvailableBytes = options.memoryBytes ?? 8 * GIBIBYTE
    this.disk = new FakeDisk(diskBytes === undefined ? {} : { capacityBytes: diskBytes })
    this.logs = new FakeLogs(clock)
    this.runtime = new FakeRuntime({
      clock,
      disk: this.disk,
      logs: this.logs,
      images,
      takeAddress: () => this.#takeAddress(),
      giveAddressBack: address => this.#addressesInUse.delete(address),
      hostAddress: this.address,
      latency,
      ...(httpPort && { httpPort }),
    })
    const { runtime, disk, logs } = this
    this.doors = { runtime, disk, logs, probes: this.#probes(), machine: this.#info(), cgroups: this.#podCgroups() }
  }

  /** The machine loses power and comes back: disks keep what was written, everything else is gone. */
  reboot(): void {
    this.runtime.reboot()
    this.disk.reboot()
    this.#cgroups.clear()
    this.#bootId = uuidFrom(this.#options.random)
  }

  #takeAddress(): string {
    const { index = 0 } = this.#options
    for (let tried = 0; tried <= LAST_HOST - FIRST_HOST; tried++) {
      const address = `10.244.${index}.${this.#nextHost}`
      this.#nextHost = this.#nextHost === LAST_HOST ? FIRST_HOST : this.#nextHost + 1
      if (this.#addressesInUse.has(address)) continue
      this.#addressesInUse.add(address)
      return address
    }
    throw new Error('no IP addresses available in range set')
  }

  #info(): MachineInfo {
    const { name, cpuCount = 4, memoryBytes = 8 * GIBIBYTE } = this.#options
    return {
      facts: async (): Promise<MachineFacts> => ({
        hostname: name,
        addresses: [this.address],
        cpuCount,
        memoryBytes,
        architecture: 'amd64',
        operatingSystem: 'linux',
        osImage: 'Simulated machine',
        kernelVersion: '0.0.0',
        bootId: this.#bootId,
        machineId: name,
        systemUuid: name,
      }),
      load: async () => ({ memoryAvailableBytes: this.memoryAvailableBytes, pidsMax: 32_768, pidsUsed: 100 }),
      resolver: async () => ({ servers: ['192.168.0.1'], searches: [], options: [] }),
    }
  }

  #podCgroups(): PodCgroups {
    return {
      ensure: async podUid => {
        this.#cgroups.add(podUid)
        return `/kubepods/pod${podUid}`
      },
      list: async () => [...this.#cgroups],
      remove: async podUid => {
        this.#cgroups.delete(podUid)
      },
    }
  }

  #probes(): ProbeDoor {
    const { clock } = this.#options
    const refused = (host: string, port: number): Error =>
      new Error(`dial tcp ${host}:${port}: connect: connection refused`)
    return {
      http: async ({ host, port, path }) => {
        await clock.sleep(1)
        const container = this.runtime.serving(host, port)
        if (!container) throw refused(host, port)
        const answer = container.parts.image.answer?.({ port, path }, container.process)
        return { status: answer?.status ?? 200, body: answer?.body ?? '' }
      },
      tcp: async ({ host, port }) => {
        await clock.sleep(1)
        if (!this.runtime.serving(host, port)) throw refused(host, port)
      },
      grpc: async ({ host, port }) => {
        await clock.sleep(1)
        if (!this.runtime.serving(host, port)) throw refused(host, port)
        return 'SERVING'
      },
    }
  }
}
