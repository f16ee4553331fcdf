import { readFileSync } from 'node:fs'
import { apiClient } from '../../client/api-client.ts'
import type { Client } from '../../client/client.ts'
import { HttpsTransport } from '../../client/https-transport.ts'
import { connectionOf, parseKubeconfig } from '../../client/kubeconfig.ts'
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

/** A client with all rights, by the kubeconfig that the server leaves in its data directory. Dispose it after use. */
export function adminClient({ adminKubeconfig }: DataLayout): { readonly client: Client } & AsyncDisposable {
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  const transport = new HttpsTransport(connectionOf(parseKubeconfig(readFile(adminKubeconfig)), { readFile }))
  return {
    client: apiClient(transport, { fieldManager: 'holdfast' }),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}
