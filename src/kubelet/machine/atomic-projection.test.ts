import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectFiles } from './atomic-projection.ts'

const file = (path: string, content: string) => ({ path, content: Buffer.from(content), mode: 0o644 })

test('files appear through one link, change all at once, and nothing is left beside the directory', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'projection-'))
  try {
    const directory = join(parent, 'volume')
    expect(await projectFiles(directory, [file('a', '1'), file('deep/b', '2')], {})).toBe(true)
    expect(await readFile(join(directory, 'deep/b'), 'utf8')).toBe('2')
    expect(await projectFiles(directory, [file('a', '1'), file('deep/b', '2')], {})).toBe(false)
    expect(await projectFiles(directory, [file('a', '3')], {})).toBe(true)
    expect(await readFile(join(directory, 'a'), 'utf8')).toBe('3')
    const names = await readdir(directory)
    expect(names.filter(name => !name.startsWith('..'))).toEqual(['a'])
    expect(names).toHaveLength(3)
    expect(await readdir(parent)).toEqual(['volume'])
  } finally {
    await rm(parent, { recursive: true, force: true })
  }
})
