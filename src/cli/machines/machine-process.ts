import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandContext } from '../commands/command-context.ts'
import { withoutSettings } from '../config/cluster-config.ts'
import type { ClusterConfig } from '../config/settings.ts'
import type { DataLayout } from '../host/data-layout.ts'
import { MACHINE_PROCESS_PREFIX } from '../host/local-cluster.ts'
import type { PlannedMachine } from '../host/machine-plan.ts'
import { type ProcessRecord, startDetached } from '../host/processes.ts'
import { ensureMachineLink, HOST_ADDRESS, type MachineLink } from './machine-network.ts'

const CONTROL_PLANE_TAINT = 'node-role.kubernetes.io/control-plane:NoSchedule'

/** An agent makes little garbage: a small nursery for it saves 20 MiB of each. */
export const AGENT_NODE_OPTIONS = ['--max-semi-space-size=2']

/** Starts the agent of one machine made on this host, inside the machine's own network. Safe for a machine that was stopped. */
export async function startMachine(
  machine: PlannedMachine,
  link: MachineLink,
  { config, layout, context }: { config: ClusterConfig; layout: DataLayout; context: CommandContext },
): Promise<ProcessRecord> {
  await ensureMachineLink(link)
  const data = layout.machine(machine.name)
  mkdirSync(data, { recursive: true })
  const flags = [
    ['--server', `https://${HOST_ADDRESS}:${config.port}`],
    ['--token-file', join(layout.root, 'join-token')],
    ['--node-name', machine.name],
    ['--node-ip', link.address],
    ['--data-dir', data],
    ['--cluster-dns', config.clusterDns],
    ['--cluster-domain', config.clusterDomain],
    ['--pod-cidr', config.podCidr],
    ['--service-cidr', config.serviceCidr],
    ['--shutdown-grace', String(config.shutdownGrace)],
    ['--log-level', config.logLevel],
    ...(machine.isControlPlane ? [['--taint', CONTROL_PLANE_TAINT]] : []),
    ...config.registryMirror.map(mirror => ['--registry-mirror', mirror]),
  ]
  const [node = '', ...program] = context.self
  const agent = [node, ...AGENT_NODE_OPTIONS, ...program, 'agent']
  return startDetached({
    name: `${MACHINE_PROCESS_PREFIX}${machine.name}`,
    command: ['nsenter', `--net=${link.namespacePath}`, ...agent, ...flags.flat()],
    folder: layout.processes,
    log: join(layout.logs, `${machine.name}.log`),
    environment: withoutSettings(context.environment),
  })
}
