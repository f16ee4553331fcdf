import { controllerComponent } from '../client/run-controller.ts'
import type { SharedInformers } from '../client/shared-informers.ts'
import { controllerDefinitions } from '../controllers/controllers.ts'
import type { ApiTransport } from '../machinery/api-call.ts'
import type { FeatureGates } from '../machinery/feature-gates.ts'
import { createScheduler } from '../scheduler/scheduler.ts'
import type { ControlPlane } from './control-plane.ts'
import { SIMULATED_AUTHORITY } from './first-objects.ts'

/** What stands between a component of this name and the server. */
export type Between = (component: string, transport: ApiTransport) => ApiTransport

interface Running {
  readonly stopping: AbortController
  readonly informers: SharedInformers
}

/** The controllers and the scheduler of a cluster: what leads it, and can be lost in the middle of whatever it does. */
export class ControlComponents {
  readonly #plane: ControlPlane
  readonly #between: Between
  readonly #featureGates: FeatureGates
  #running: Running | undefined

  constructor(
    plane: ControlPlane,
    {
      between = (_, transport) => transport,
      featureGates = {},
    }: { readonly between?: Between; readonly featureGates?: FeatureGates } = {},
  ) {
    this.#plane = plane
    this.#between = between
    this.#featureGates = featureGates
  }

  /** Starts them with nothing remembered. Does nothing while they run. */
  start(): void {
    if (this.#running) return
    const stopping = new AbortController()
    const transportOf = (component: string): ApiTransport =>
      this.#between(component, this.#plane.transport(`system:${component}`))
    const informers = this.#plane.newInformers('controllers', transportOf('informers'))
    const dependencies = (component: string) =>
      this.#plane.dependencies({ component }, informers, transportOf(component))
    const featureGates = this.#featureGates
    this.#running = { stopping, informers }
    const stop = (): void => stopping.abort(new Error('the cluster is closed'))
    this.#plane.closing.addEventListener('abort', stop, { once: true })
    for (const definition of controllerDefinitions({ rootCertificate: SIMULATED_AUTHORITY, featureGates })) {
      const component = controllerComponent(definition, dependencies(definition.component))
      void this.#plane.run(component, stopping.signal)
    }
    void this.#plane.run(createScheduler(dependencies('default-scheduler')), stopping.signal)
  }

  /** They end in mid-step: what they have sent is sent, and nothing more follows. */
  crash(): void {
    const running = this.#running
    this.#running = undefined
    running?.stopping.abort(new Error('the leader is lost'))
    void running?.informers.stop()
  }
}
