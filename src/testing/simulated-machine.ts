import { apiClient } from '../client/api-client.ts'
import { ApiEventRecorder } from '../client/api-event-recorder.ts'
import { controllerComponent } from '../client/run-controller.ts'
import { SharedInformers } from '../client/shared-informers.ts'
import { localVolumeProvisioner } from '../controllers/local-volume-provisioner/local-volume-provisioner.ts'
import { CuttableTransport } from '../fakes/cuttable-transport.ts'
import type { FakeImages } from '../fakes/machine/fake-image.ts'
import { FakeMachine } from '../fakes/machine/fake-machine.ts'
import { createKubelet, type Kubelet } from '../kubelet/kubelet.ts'
import type { ApiTransport } from '../machinery/api-call.ts'
import type { Logger } from '../machinery/logger.ts'
import type { Random } from '../machinery/random.ts'
import { httpPort } from './http-port.ts'
import type { SkewedClock } from './skewed-clock.ts'

export interface SimulatedMachineOptions {
  readonly name: string
  readonly index: number
  readonly labels?: Readonly<Record<string, string>>
  readonly images?: FakeImages
  /** As the machine's kubelet. */
  readonly transport: ApiTransport
  /** As the provisioner of local volumes, which runs beside it. */
  readonly provisionerTransport: ApiTransport
  readonly diskBytes?: number
  readonly clock: SkewedClock
  readonly random: Random
  readonly logger: Logger
}

interface Running {
  readonly kubelet: Kubelet
  readonly stopping: AbortController
  readonly informers: readonly SharedInformers[]
  readonly ended: Promise<unknown>
}

/** Where the volumes of the standard class lie on a machine. */
const VOLUMES_ROOT = '/var/lib/holdfast/volumes'

/** One machine of the simulation: the real kubelet on fake doors, and everything that can befall it. */
export class SimulatedMachine {
  readonly name: string
  /** Its containers, disk and logs, for tests that look inside. */
  readonly machine: FakeMachine
  readonly #options: SimulatedMachineOptions
  readonly #transport: CuttableTransport
  readonly #provisionerTransport: CuttableTransport
  #running: Running | undefined
  #isCut = false

  constructor(options: SimulatedMachineOptions) {
    const { name, index, images, clock, random, diskBytes } = options
    this.name = name
    this.#options = options
    this.machine = new FakeMachine({
      name,
      index,
      clock,
      random,
      httpPort,
      ...(images && { images }),
      ...(diskBytes !== undefined && { diskBytes }),
    })
    this.#transport = new CuttableTransport(options.transport)
    this.#provisionerTransport = new CuttableTransport(options.provisionerTransport)
  }

  /** The one that runs now. */
  get kubelet(): Kubelet | undefined {
    return this.#running?.kubelet
  }

  /** Starts the kubelet, as at boot or after its crash. Does nothing when it runs. */
  startKubelet(): void {
    if (this.#running) return
    const { name, clock, random, labels, index } = this.#options
    const logger = this.#options.logger.child({ node: name })
    const client = apiClient(this.#transport, { fieldManager: 'kubelet' })
    const informers = new SharedInformers({ client, clock, random, logger })
    const events = new ApiEventRecorder({ component: 'kubelet', host: name }, { client, clock, random, logger })
    const { doors } = this.machine
    const config = { labels: labels ?? {}, addresses: [this.machine.address] }
    const stopping = new AbortController()
    const kubelet = createKubelet({ nodeName: name, client, informers, doors, clock, random, logger, events, config })
    const definition = localVolumeProvisioner({ nodeName: name, root: VOLUMES_ROOT, disk: doors.disk })
    const provisionerClient = apiClient(this.#provisionerTransport, { fieldManager: definition.component })
    const provisionerInformers = new SharedInformers({ client: provisionerClient, clock, random, logger })
    const provisioner = controllerComponent(definition, {
      client: provisionerClient,
      informers: provisionerInformers,
      events: new ApiEventRecorder(
        { component: definition.component, host: name },
        { client: provisionerClient, clock, random, logger },
      ),
      clock,
      random,
      logger,
    })
    const running = [kubelet, provisioner].map(component =>
      component.run(stopping.signal).catch(error => logger.error({ err: error, index }, `${component.name} ended`)),
    )
    this.#running = { kubelet, stopping, informers: [informers, provisionerInformers], ended: Promise.all(running) }
  }

  /** Ends the kubelet; containers run on. */
  async stopKubelet(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    running?.stopping.abort(new Error('the kubelet is stopped'))
    await Promise.all([running?.ended, ...(running?.informers.map(informers => informers.stop()) ?? [])])
  }

  /** Takes the power away: kubelet and containers end at once, disks stay. `start` brings the machine back. */
  async crash(): Promise<void> {
    await this.stopKubelet()
    this.machine.reboot()
  }

  /** Switches the machine on again. */
  start(): void {
    this.startKubelet()
  }

  /** Cuts the way to the server: Pods run on, and nobody hears of them. */
  cut(): void {
    this.#isCut = true
    this.#transport.cut()
    this.#provisionerTransport.cut()
  }

  heal(): void {
    this.#isCut = false
    this.#transport.heal()
    this.#provisionerTransport.heal()
  }

  /** Whether the way to the server is cut. */
  get isCut(): boolean {
    return this.#isCut
  }

  /** Sets its wall clock forward, or back with a negative number. */
  shiftClock(ms: number): void {
    this.#options.clock.offsetMs += ms
  }

  /** Leaves no room on the disk for anything new, until `emptyDisk`. */
  fillDisk(): void {
    this.machine.disk.usedByOthersBytes = Number.MAX_SAFE_INTEGER
  }

  emptyDisk(): void {
    this.machine.disk.usedByOthersBytes = 0
  }
}
