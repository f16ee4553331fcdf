import { setTimeout as delay } from 'node:timers/promises'
import { Lease } from '../../../api/coordination-v1/types.ts'
import { Node } from '../../../api/core-v1/types.ts'
import type { Client } from '../../../client/client.ts'
import type { DataLayout } from '../../host/data-layout.ts'
import { adminClient } from '../../host/local-cluster.ts'
import { isRunning, lastLines, lastProblemIn, logSince, type ProcessRecord } from '../../host/processes.ts'
import { CommandError } from '../../terminal.ts'

const SERVER_WAIT_MS = 60_000
const NODE_WAIT_MS = 120_000
const LOOK_AGAIN_MS = 25
/** So that a process that dies, and a lease that is renewed, are seen. */
const GLANCE_MS = 250
const NODE_LEASES = 'kube-node-lease'

/** Resolves when the server answers. Throws with the end of its log when its process died or never answered. */
export async function serverAnswers(layout: DataLayout, process: ProcessRecord, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + SERVER_WAIT_MS
  for (;;) {
    signal.throwIfAborted()
    if (!isRunning(process)) throw diedEarly(process)
    const problem = await problemOfServer(layout)
    if (!problem) return
    if (performance.now() > deadlineMs)
      throw new CommandError(`the server does not answer: ${problem}`, { advice: `Its log: ${process.log}` })
    await delay(LOOK_AGAIN_MS)
  }
}

/** By its own last words, if it had any; else by the end of its log. */
function diedEarly(process: ProcessRecord): CommandError {
  const { name, log } = process
  return (
    lastWordsOf(process) ??
    new CommandError(`the ${name} process ended while starting. The end of its log:\n${lastLines(log, 15)}`, {
      advice: `The whole log: ${log}`,
    })
  )
}

/** What a process said before it ended by itself since it was started; undefined when it said nothing. */
export function lastWordsOf({ name, log, startedAt }: ProcessRecord): CommandError | undefined {
  const [, words] = /^error: (.*)$/ms.exec(logSince(log, startedAt)) ?? []
  return words === undefined
    ? undefined
    : new CommandError(`the ${name} process ended while starting: ${words}`, { advice: `The whole log: ${log}` })
}

async function problemOfServer(layout: DataLayout): Promise<string | undefined> {
  try {
    await using admin = adminClient(layout)
    await admin.client.list(Node, { limit: 1 })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** What a machine said of itself before it was started again counts for nothing: it became ready since, or has renewed its lease. */
function isReady({ status: { conditions = [] } }: Node, startedAt: string | undefined, renewedAt = ''): boolean {
  const ready = conditions.find(({ type, status }) => type === 'Ready' && status === 'True')
  if (!ready || !startedAt) return ready !== undefined
  return (ready.lastTransitionTime ?? '') > startedAt || renewedAt > startedAt // Both as 2026-11-21T10:51:39…Z.
}

interface NodesToBe {
  readonly names: readonly string[]
  /** What must stay alive for that. */
  readonly processes: readonly ProcessRecord[]
  readonly signal?: AbortSignal
  /** Since when those machines run that were just started, by name. */
  readonly startedAt?: ReadonlyMap<string, string>
}

/** Machines that run and may yet become ready. */
export class NotReadyInTime extends CommandError {}

/** Resolves when every named machine is Ready. Throws with what each missing one says of itself. */
export async function nodesReady(
  client: Client,
  { names, processes, signal = new AbortController().signal, startedAt = new Map() }: NodesToBe,
): Promise<void> {
  const waiting = new Map<string, string>(names.map(name => [name, 'has not registered yet']))
  const renewedAt = new Map<string, string | undefined>()
  const timeout = AbortSignal.timeout(NODE_WAIT_MS)
  const look = (node: Node): void => {
    const { name } = node.metadata
    if (!waiting.has(name)) return
    if (isReady(node, startedAt.get(name), renewedAt.get(name))) waiting.delete(name)
    else waiting.set(name, node.status.conditions?.find(({ type }) => type === 'Ready')?.message ?? 'is not ready yet')
  }
  while (waiting.size > 0 && !timeout.aborted) {
    signal.throwIfAborted()
    const dead = processes.find(process => !isRunning(process))
    if (dead) throw diedEarly(dead)
    const leases = await client.list(Lease, { namespace: NODE_LEASES })
    for (const { metadata, spec } of leases.items) renewedAt.set(metadata.name, spec.renewTime)
    const { items, resourceVersion } = await client.list(Node)
    for (const node of items) look(node)
    if (waiting.size === 0) return
    const glance = AbortSignal.any([timeout, signal, AbortSignal.timeout(GLANCE_MS)])
    for await (const { object } of client.watch(Node, { resourceVersion, signal: glance })) {
      look(object)
      if (waiting.size === 0) return
    }
  }
  if (waiting.size === 0) return
  const problems = processes.flatMap(({ log }) => lastProblemIn(log) ?? [])
  const lines = [...waiting].map(([name, why]) => `  ${name}: ${why}`).concat(problems.map(text => `  log: ${text}`))
  throw new NotReadyInTime(`these machines did not become ready:\n${lines.join('\n')}`, {
    advice: 'They go on trying. Look at them with "holdfast status", or end them with "holdfast down".',
  })
}
