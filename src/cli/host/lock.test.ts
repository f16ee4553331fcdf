import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockFor } from './lock.ts'

function lockPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'data', 'lock')
}

test('a second command is told who is at work', () => {
  const path = lockPath()
  const lock = lockFor(path, 'up')
  expect(() => lockFor(path, 'down')).toThrow(
    `"holdfast up" is at work on ${join(path, '..')} (process ${process.pid})`,
  )
  lock[Symbol.dispose]()
  expect(readdirSync(join(path, '../..'))).toEqual([]) // The folder was made for the lock, so it went with it.
})

test('the lock of a command that died is taken over', () => {
  const path = lockPath()
  lockFor(path, 'up')
  const noProcess = 2 ** 22 + 1 // Above the highest that Linux gives.
  writeFileSync(path, JSON.stringify({ pid: noProcess, command: 'up' }))
  lockFor(path, 'up')[Symbol.dispose]()
  expect(existsSync(path)).toBe(false)
})
