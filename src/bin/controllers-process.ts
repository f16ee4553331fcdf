import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { ControllersOptions } from '../cli/command-line.ts'
import { HttpsTransport } from '../client/https-transport.ts'
import { connectionOf, parseKubeconfig } from '../client/kubeconfig.ts'
import { runWhileLeading } from '../client/leader-election.ts'
import { featureGatesFrom } from '../machinery/feature-gates.ts'
import { uuidFrom } from '../machinery/random.ts'
import { systemClock as clock } from '../machinery/system-clock.ts'
import { systemRandom as random } from '../machinery/system-random.ts'
import { ComponentClients } from './component-clients.ts'
import { controlComponents, leadMetrics } from './control-components.ts'
import { keepAllRunning } from './keep-running.ts'
import { processLogger } from './process-logger.ts'
import { endSignal } from './run-until-signal.ts'

/** `holdfast controllers`: the controllers and the scheduler against any conformant API server. */
export async function runControllersProcess({ kubeconfig, context, featureGates }: ControllersOptions): Promise<void> {
  const logger = processLogger('info')
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  const config = parseKubeconfig(readFile(kubeconfig))
  await using transport = new HttpsTransport(connectionOf(config, { readFile, ...(context && { context }) }))
  await using clients = new ComponentClients(() => transport, logger)
  const election = {
    client: clients.client('holdfast-controllers'),
    clock,
    logger,
    lease: { namespace: 'kube-system', name: 'holdfast-controllers' },
    identity: `${hostname()}_${uuidFrom(random)}`,
  }
  const options = { featureGates: featureGatesFrom(featureGates) }
  const metrics = leadMetrics(clients.metrics)
  const lead = (signal: AbortSignal): Promise<void> =>
    keepAllRunning(controlComponents(clients, options, metrics), signal, logger)
  await runWhileLeading(election, lead, endSignal())
}
