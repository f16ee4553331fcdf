import type { Registry } from 'prom-client'
import { ControllerMetrics } from '../client/controller-metrics.ts'
import { controllerComponent } from '../client/run-controller.ts'
import { type ControllerOptions, controllerDefinitions } from '../controllers/controllers.ts'
import type { Component } from '../machinery/component.ts'
import { systemClock as clock } from '../machinery/system-clock.ts'
import { createScheduler } from '../scheduler/scheduler.ts'
import { SchedulerMetrics } from '../scheduler/scheduler-metrics.ts'
import type { ComponentClients } from './component-clients.ts'

/** Counted on while the lead is lost and won again. */
export interface LeadMetrics {
  readonly controllerMetrics: ControllerMetrics
  readonly schedulerMetrics: SchedulerMetrics
}

export function leadMetrics(registry: Registry): LeadMetrics {
  const monotonicMs = (): number => clock.monotonicMs()
  return {
    controllerMetrics: new ControllerMetrics(registry, monotonicMs),
    schedulerMetrics: new SchedulerMetrics(registry, monotonicMs),
  }
}

/** The controllers and, unless another does its work, the scheduler: what leads a cluster, one at a time. */
export function controlComponents(
  clients: ComponentClients,
  { hasScheduler = true, ...options }: ControllerOptions & { readonly hasScheduler?: boolean },
  { controllerMetrics, schedulerMetrics }: LeadMetrics,
): readonly Component[] {
  const controllers = controllerDefinitions(options).map(definition =>
    controllerComponent(definition, clients.dependencies({ component: definition.component }), controllerMetrics),
  )
  if (!hasScheduler) return controllers
  const scheduler = createScheduler(clients.dependencies({ component: 'default-scheduler' }), {
    metrics: schedulerMetrics,
  })
  return [...controllers, scheduler]
}
