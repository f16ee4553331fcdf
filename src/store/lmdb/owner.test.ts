import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { own } from './owner.ts'

const stateOf = (pid: number): string[] => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')

test.runIf(process.platform === 'linux')(
  'an owner that was killed owns nothing, also while nobody has read its exit code',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-owner-'))
    // The shell becomes a program that never asks after its child.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const pid = Number(String((await once(parent.stdout, 'data'))[0]))
    const startedAt = stateOf(pid)[19]
    writeFileSync(join(directory, 'owner.json'), JSON.stringify({ pid, startedAt }))
    await expect(own(directory)).rejects.toMatchObject({ code: 'owned' })
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => stateOf(pid)[0]).toBe('Z')
    await using _owner = await own(directory)
    parent.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  },
)
