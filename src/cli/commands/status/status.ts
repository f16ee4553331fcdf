import { existsSync } from 'node:fs'
import { StatefulSet } from '../../../api/apps-v1/types.ts'
import { Node, PersistentVolumeClaim, Pod } from '../../../api/core-v1/types.ts'
import type { Client } from '../../../client/client.ts'
import { dataLayoutOf } from '../../host/data-layout.ts'
import { adminClient, runningProcesses, serverProcess } from '../../host/local-cluster.ts'
import { processRecords } from '../../host/processes.ts'
import { CommandError, type Terminal, tableText } from '../../terminal.ts'
import { podTrouble } from './pod-trouble.ts'
import { unownedClaims } from './unowned-claims.ts'

/** Prints every part, machine and trouble on one screen. */
export async function status({ dataDir }: { readonly dataDir: string }, terminal: Terminal): Promise<void> {
  const layout = dataLayoutOf(dataDir)
  if (!existsSync(layout.adminKubeconfig)) throw nothingUp(dataDir)
  await using admin = adminClient(layout)
  const server = serverProcess(layout)
  if (!server && !(await answers(admin.client))) {
    const died = processRecords(layout.processes).find(({ name }) => name === 'server')
    if (!died) throw nothingUp(dataDir)
    throw new CommandError(`the server (process ${died.pid}) is no longer running`, {
      advice: `Its log: ${died.log}. Start it again with: holdfast up`,
    })
  }
  const parts = runningProcesses(layout).map(({ name, pid, startedAt, log }) => [name, String(pid), startedAt, log])
  terminal.out(`${tableText(['PART', 'PROCESS', 'SINCE', 'LOG'], parts)}\n`)
  terminal.out(await clusterText(admin.client))
}

const nothingUp = (dataDir: string): CommandError =>
  new CommandError(`no cluster is up in ${dataDir}`, { advice: 'Start one with: holdfast up' })

/** A server that a service manager runs has no record of ours, but it answers. */
const answers = (client: Client): Promise<boolean> =>
  client.list(Node, { limit: 1 }).then(
    () => true,
    () => false,
  )

async function clusterText(client: Client): Promise<string> {
  const [nodes, pods, sets, claims] = await Promise.all([
    client.list(Node),
    client.list(Pod),
    client.list(StatefulSet),
    client.list(PersistentVolumeClaim),
  ])
  const machines = nodes.items.map(node => [
    node.metadata.name,
    wordOf(node),
    node.status.nodeInfo?.kubeletVersion ?? '',
    String(pods.items.filter(({ spec }) => spec.nodeName === node.metadata.name).length),
  ])
  const troubles = [
    ...nodes.items.flatMap(nodeTrouble),
    ...sets.items.flatMap(setTrouble),
    ...pods.items.flatMap(podTrouble),
  ]
  const unowned = unownedClaims(claims.items, sets.items, pods.items).map(
    ({ metadata }) => `  ${metadata.namespace}/${metadata.name}`,
  )
  return [
    tableText(['MACHINE', 'STATUS', 'VERSION', 'PODS'], machines),
    troubles.length === 0 ? 'Nothing is wrong.' : `Unhealthy:\n${troubles.map(trouble => `  ${trouble}`).join('\n')}`,
    ...(unowned.length > 0 ? [`\nClaims that no set or Pod uses (their data is kept):\n${unowned.join('\n')}`] : []),
    '',
  ].join('\n')
}

const readyConditionOf = (node: Node) => node.status.conditions?.find(({ type }) => type === 'Ready')

const wordOf = (node: Node): string => {
  const ready = readyConditionOf(node)?.status === 'True' ? 'Ready' : 'NotReady'
  return node.spec.unschedulable ? `${ready},SchedulingDisabled` : ready
}

function nodeTrouble(node: Node): string[] {
  const ready = readyConditionOf(node)
  if (ready?.status === 'True') return []
  return [
    `machine ${node.metadata.name}: ${ready?.message ?? 'has not reported yet'} (since ${ready?.lastTransitionTime ?? '?'})`,
  ]
}

/** A set that waits says why in its Progressing condition; that sentence is all a person needs. */
function setTrouble(set: StatefulSet): string[] {
  const waiting = set.status.conditions?.find(({ type }) => type === 'Progressing')
  const isBehind = (set.status.readyReplicas ?? 0) < (set.spec.replicas ?? 1)
  const name = `statefulset ${set.metadata.namespace}/${set.metadata.name}`
  if (waiting?.status === 'False') return [`${name}: ${waiting.message}`]
  return isBehind
    ? [
        `${name}: ${set.status.readyReplicas ?? 0} of ${set.spec.replicas ?? 1} Pods ready. ${waiting?.message ?? ''}`.trimEnd(),
      ]
    : []
}
