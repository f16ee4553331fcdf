/**
 * How soon an API server is ready and what it holds, on an empty store and on one with many Pods of 2 KiB:
 *
 *     node benchmarks/start.ts [--pods 100000]
 *
 * Of what is resident, the part that belongs to files (the store, mapped, and Node.js) can be had back by the system.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MeasuredProcess } from './measured-process.ts'

const scriptIn = (name: string): string => join(import.meta.dirname, name)
const mibOf = (bytes: number): number => Math.round(bytes / 2 ** 20)
/** Until the memory of the start has been given back. */
const SETTLED_MS = 2000

async function start(pods: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-benchmark-'))
  try {
    if (pods > 0) spawnSync(process.execPath, [scriptIn('seed-pods.ts'), folder, String(pods)], { stdio: 'inherit' })
    process.stdout.write(`${pods} Pods: `)
    await using server = await MeasuredProcess.start(scriptIn('server-process.ts'), folder)
    const processorMs = server.processorMs()
    await new Promise(resolve => setTimeout(resolve, SETTLED_MS))
    const { resident, anonymous } = server.memory()
    process.stdout.write(
      `  ${processorMs} ms of processor time until then; later ${mibOf(resident)} MiB resident, ${mibOf(anonymous)} MiB of no file\n`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const { values } = parseArgs({ options: { pods: { type: 'string', default: '100000' } } })
await start(0)
await start(Number(values.pods))
