import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { replaceFile } from './replace-file.ts'

test('who reads a file while it is replaced sees the old one whole, and who comes after the new one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-replace-'))
  const path = join(folder, 'file')
  writeFileSync(path, 'old', { mode: 0o644 })
  const reader = openSync(path, 'r')
  replaceFile(path, 'new')
  expect(readFileSync(reader, 'utf8')).toBe('old')
  expect(readFileSync(path, 'utf8')).toBe('new')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['file'])
  closeSync(reader)
  rmSync(folder, { recursive: true })
})
