import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { StatefulSet } from '../../../api/apps-v1/types.ts'
import { Node, PersistentVolumeClaim, Pod } from '../../../api/core-v1/types.ts'
import type { Client } from '../../../client/client.ts'
import { versionIn } from '../../host/cluster-stamp.ts'
import { type DataLayout, dataLayoutOf } from '../../host/data-layout.ts'
import {
  adminClient,
  MACHINE_PROCESS_PREFIX,
  noCluster,
  runningProcesses,
  SERVER_PROCESS,
  serverProcess,
} from '../../host/local-cluster.ts'
import { processRecords } from '../../host/processes.ts'
import { CommandError, type Terminal, tableText } from '../../terminal.ts'
import { savedConfig } from '../up/saved-config.ts'
import { podTrouble } from './pod-trouble.ts'
import { unownedClaims } from './unowned-claims.ts'

/** Prints every part, machine and trouble on one screen. */
export async function status({ dataDir }: { readonly dataDir: string }, terminal: Terminal): Promise<void> {
  const layout = dataLayoutOf(dataDir)
  if (!existsSync(layout.adminKubeconfig)) throw noCluster(dataDir)
  await using admin = adminClient(layout)
  const server = serverProcess(layout)
  if (!server && !(await answers(admin.client))) {
    const died = processRecords(layout.processes).find(({ name }) => name === 'server')
    if (!died) throw noCluster(dataDir)
    throw new CommandError(`the server (process ${died.pid}) is no longer running`, {
      advice: `Its log: ${died.log}. Start it again with: holdfast up`,
    })
  }
  terminal.out(`${partsText(layout)}\n`)
  terminal.out(await clusterText(admin.client, layout))
}

/** The server first. A service manager's has no record here. */
function partsText(layout: DataLayout): string {
  const versionOf = (name: string): string => {
    const machine = layout.machine(name.slice(MACHINE_PROCESS_PREFIX.length))
    return versionIn(name === SERVER_PROCESS ? layout.stamp : dataLayoutOf(machine).stamp) ?? ''
  }
  const parts = runningProcesses(layout)
    .sort((a, b) => Number(b.name === SERVER_PROCESS) - Number(a.name === SERVER_PROCESS))
    .map(({ name, pid, startedAt, log }) => [
      name,
      versionOf(name),
      String(pid),
      startedAt.replace(/\.\d+Z$/, 'Z'),
      log,
    ])
  if (parts.length === 0)
    return `A server that "holdfast up" did not start, version ${versionIn(layout.stamp) ?? '?'}.\n`
  return tableText(['PART', 'VERSION', 'PROCESS', 'SINCE', 'LOG'], parts)
}

/** A server that a service manager runs has no record of ours, but it answers. */
const answers = (client: Client): Promise<boolean> =>
  client.list(Node, { limit: 1 }).then(
    () => true,
    () => false,
  )

async function clusterText(client: Client, layout: DataLayout): Promise<string> {
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
    tableText(['STORE', 'REVISION', 'SIZE'], [storeRow(layout, nodes.resourceVersion)]),
    troubles.length === 0 ? 'Nothing is wrong.' : `Unhealthy:\n${troubles.map(trouble => `  ${trouble}`).join('\n')}`,
    ...(unowned.length > 0 ? [`\nClaims that no set or Pod uses (their data is kept):\n${unowned.join('\n')}`] : []),
    '',
  ].join('\n')
}

/** etcd counts for all who use it, so its size is not ours to tell. */
function storeRow(layout: DataLayout, revision: string): readonly string[] {
  const store = savedConfig(layout)?.store
  if (store) return [store.replace(/\/\/[^/@]*@/, '//'), revision, '']
  return [layout.store, revision, `${(sizeOf(layout.store) / 2 ** 20).toFixed(1)} MiB`]
}

const sizeOf = (folder: string): number =>
  existsSync(folder) ? readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).blocks * 512, 0) : 0

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
