import { spawn } from 'node:child_process'
import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { dataLayoutOf } from '../../host/data-layout.ts'
import { nearestTo } from '../../nearest.ts'
import { CommandError, type Terminal } from '../../terminal.ts'

/** Prints the log of one part, and follows it if asked to. */
export async function logs(
  { dataDir, part, follow }: { readonly dataDir: string; readonly part: string; readonly follow: boolean },
  { out }: Terminal,
): Promise<void> {
  const folder = dataLayoutOf(dataDir).logs
  const parts = existsSync(folder) ? readdirSync(folder).map(file => basename(file, '.log')) : []
  if (!parts.includes(part)) {
    const near = nearestTo(part, parts)
    throw new CommandError(
      `there is no part "${part}"; there are: ${parts.join(', ') || 'none, as no cluster was started here'}`,
      {
        ...(near && { advice: `Did you mean "${near}"?` }),
      },
    )
  }
  const path = join(folder, `${part}.log`)
  if (follow) {
    const tail = spawn('tail', ['-n', '+1', '-F', path], { stdio: ['ignore', 'inherit', 'inherit'] })
    await new Promise(resolve => tail.once('exit', resolve))
    return
  }
  for await (const chunk of createReadStream(path, { encoding: 'utf8' })) out(chunk as string)
}
