import type { ControllerMetrics } from '../client/controller-metrics.ts'
import { controllerComponent } from '../client/run-controller.ts'
import { type ControllerOptions, controllerDefinitions } from '../controllers/controllers.ts'
import type { Component } from '../machinery/component.ts'
import { createScheduler } from '../scheduler/scheduler.ts'
import type { ComponentClients } from './component-clients.ts'

/** The controllers and the scheduler: what leads a cluster, one at a time. */
export function controlComponents(
  clients: ComponentClients,
  options: ControllerOptions,
  metrics?: ControllerMetrics,
): readonly Component[] {
  const controllers = controllerDefinitions(options).map(definition =>
    controllerComponent(definition, clients.dependencies({ component: definition.component }), metrics),
  )
  return [...controllers, createScheduler(clients.dependencies({ component: 'default-scheduler' }))]
}
