import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MachineLayout } from './machine-layout.ts'

/** What must be known of a machine to clean up after it, when its own process is gone. */
export interface MachineNote {
  readonly clusterDns?: string
}

const pathOf = ({ network }: MachineLayout): string => join(network, 'machine.json')

export async function noteMachine(layout: MachineLayout, note: MachineNote): Promise<void> {
  await mkdir(layout.network, { recursive: true })
  await writeFile(pathOf(layout), JSON.stringify(note))
}

/** Empty for a machine that never ran. */
export async function notedMachine(layout: MachineLayout): Promise<MachineNote> {
  try {
    return JSON.parse(await readFile(pathOf(layout), 'utf8')) as MachineNote
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}
