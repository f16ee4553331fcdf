/** A data directory on a disk with no room left: `up` says so and leaves nothing half-made. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../free-port.ts'
import { describeAsRoot } from '../needs-root.ts'
import { CommandHome } from './command-home.ts'

let home: CommandHome
let disk: string
beforeEach(() => {
  home = new CommandHome()
  disk = join(home.path, 'disk')
  mkdirSync(disk)
})
afterEach(async () => {
  await home.run(['down', '--purge', '--data-dir', join(disk, 'data')])
  execFileSync('umount', ['--lazy', disk])
  await home[Symbol.asyncDispose]()
})

const up = async () => home.run(['up', '--port', String(await freePort()), '--data-dir', join(disk, 'data')])

describeAsRoot('on a disk that is full', () => {
  test('"up" starts nothing, and says how much room it needs', async () => {
    const image = join(home.path, 'image')
    execFileSync('truncate', ['--size=64M', image])
    execFileSync('mkfs.ext4', ['-q', image])
    execFileSync('mount', ['-o', 'loop', image, disk])
    const { code, error } = await up()
    expect(code).toBe(1)
    expect(error).toMatch(
      /^error: \S+\/disk\S* has \d+ MiB free; a cluster needs at least 256 MiB to start\nMake room, or choose another place with --data-dir\.\n$/,
    )
    expect(readdirSync(disk)).toEqual(['lost+found'])
    expect(home.traces.filter(trace => !trace.startsWith('mount /dev/loop'))).toEqual([])
  })

  /** Room for bytes, but not for as many files: so it fills up at a moment that the test chooses. */
  test.each([4, 8, 12, 20, 30])(
    '"up" that fills it with its file number %d takes back what it began',
    { timeout: 60_000 },
    async files => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=400M,nr_inodes=${files}`, 'tmpfs', disk])
      const { code, error } = await up()
      expect(code).toBe(1)
      expect(error).toMatch(/the disk is full/)
      expect(error).not.toMatch(/^ +at .*\.ts:\d+/m)
      expect(home.traces.filter(trace => !trace.startsWith('mount tmpfs'))).toEqual([])
    },
  )

  test('there is a way on: once there is room "up" works in the same place', { timeout: 60_000 }, async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400M,nr_inodes=20', 'tmpfs', disk])
    expect((await up()).code).toBe(1)
    execFileSync('mount', ['-o', 'remount,nr_inodes=100000', disk])
    const { out } = await up()
    expect(out).toMatch(/The cluster is up after/)
  })
})
