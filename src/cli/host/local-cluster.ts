import { readFileSync } from 'node:fs'
import { apiClient } from '../../client/api-client.ts'
import type { Client } from '../../client/client.ts'
import { HttpsTransport } from '../../client/https-transport.ts'
import { connectionOf, parseKubeconfig } from '../../client/kubeconfig.ts'
import { CommandError, reasonOf } from '../terminal.ts'
import type { DataLayout } from './data-layout.ts'
import { isRunning, type ProcessRecord, processRecords } from './processes.ts'

export const SERVER_PROCESS = 'server'
/** Processes of machines are called `machine-NAME`. */
export const MACHINE_PROCESS_PREFIX = 'machine-'

/** The cluster of one data directory, as the commands on its machine see it. */
export function runningProcesses({ processes }: DataLayout): ProcessRecord[] {
  return processRecords(processes).filter(isRunning)
}

export const serverProcess = (layout: DataLayout): ProcessRecord | undefined =>
  runningProcesses(layout).find(({ name }) => name === SERVER_PROCESS)

/** Throws a `CommandError` where no cluster was ever up, or when only root may read it. */
export function adminKubeconfigText({ adminKubeconfig, root }: DataLayout): string {
  try {
    return readFileSync(adminKubeconfig, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw noCluster(root)
    throw new CommandError(`cannot read ${adminKubeconfig}: ${reasonOf(cause)}`, { advice: 'Run it with sudo.', cause })
  }
}

export const noCluster = (dataDir: string): CommandError =>
  new CommandError(`no cluster is up in ${dataDir}`, { advice: 'Start one with: holdfast up' })

/** A client with all rights, by the kubeconfig that the server leaves in its data directory. Dispose it after use. */
export function adminClient(layout: DataLayout): { readonly client: Client } & AsyncDisposable {
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  const transport = new HttpsTransport(connectionOf(parseKubeconfig(adminKubeconfigText(layout)), { readFile }))
  return {
    client: apiClient(transport, { fieldManager: 'holdfast' }),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}
