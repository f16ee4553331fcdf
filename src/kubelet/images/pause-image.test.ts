import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { PAUSE_IMAGE, pauseArchiveFor, pauseProgramFor } from './pause-image.ts'

test.each(['amd64', 'arm64'])('the program of %s is a whole ELF file', architecture => {
  const program = pauseProgramFor(architecture)
  expect(program.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  expect(Number(program.readBigUInt64LE(96))).toBe(program.length)
  const entry = Number(program.readBigUInt64LE(24) - program.readBigUInt64LE(80))
  expect(entry).toBeLessThan(program.length)
})

test('an architecture without a program is named', () => {
  expect(() => pauseProgramFor('mips')).toThrow('"mips"')
})

test('the archive is one that tar reads, with the image by its name', () => {
  const archive = pauseArchiveFor('amd64')
  const list = execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' })
  expect(list).toContain('oci-layout')
  const index = execFileSync('tar', ['-xOf', '-', 'index.json'], { input: archive, encoding: 'utf8' })
  expect(index).toContain(PAUSE_IMAGE)
})
