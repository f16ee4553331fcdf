import { mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { localDisk } from './local-disk.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kubelet-disk-'))
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

const file = (path: string, text: string): { path: string; content: Uint8Array; mode: number } => ({
  path,
  content: Buffer.from(text),
  mode: 0o640,
})

test('projected files are switched at once, and files that are gone disappear', async () => {
  expect(await localDisk.project(root, [file('a', '1'), file('dir/b', '2')])).toBe(true)
  expect(await localDisk.project(root, [file('a', '1'), file('dir/b', '2')])).toBe(false)
  const before = await readlink(join(root, '..data'))
  expect(await localDisk.project(root, [file('a', '3')])).toBe(true)
  expect(await readlink(join(root, '..data'))).not.toBe(before)
  expect(await readFile(join(root, 'a'), 'utf8')).toBe('3')
  expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o640)
  expect((await readdir(root)).filter(name => !name.startsWith('..'))).toEqual(['a'])
  expect((await readdir(root)).filter(name => name.startsWith('..'))).toHaveLength(2)
})

test('a subPath is made where it is missing, and may not lead out of its volume', async () => {
  expect(await localDisk.resolveBelow(root, 'x/y')).toBe(join(root, 'x/y'))
  await symlink('/etc', join(root, 'out'))
  await symlink('x', join(root, 'in'))
  await expect(localDisk.resolveBelow(root, 'out/passwd')).rejects.toThrow('leads out of its volume')
  expect(await localDisk.resolveBelow(root, 'in/y')).toBe(join(root, 'x/y'))
})

test('what is missing reads as missing and removes well', async () => {
  expect(await localDisk.pathKind(join(root, 'no'))).toBe('missing')
  expect(await localDisk.readFile(join(root, 'no'), 10)).toBeUndefined()
  expect(await localDisk.listDirectory(join(root, 'no'))).toEqual([])
  await localDisk.remove(join(root, 'no'))
  await localDisk.unmount(join(root, 'no'))
})

test('only the start of a long file is read', async () => {
  await writeFile(join(root, 'long'), 'x'.repeat(100))
  expect((await localDisk.readFile(join(root, 'long'), 10))?.length).toBe(10)
})

test('directories get the mode that is asked, whatever the umask, and keep it', async () => {
  await localDisk.makeDirectory(join(root, 'shared/deep'), 0o777)
  await localDisk.makeDirectory(join(root, 'shared/deep'), 0o700)
  expect((await stat(join(root, 'shared/deep'))).mode & 0o777).toBe(0o777)
})
