/**
 * `node scripts/build.ts`: the package for distribution. One file holds the command line and the server side, one the
 * testing library; native and large optional modules stay outside and are loaded when needed.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
rmSync(join(root, 'dist'), { recursive: true, force: true })

const { warnings } = await build({
  absWorkingDir: root,
  entryPoints: { holdfast: 'src/bin/holdfast.ts', testing: 'src/testing/testing.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true, // What both share, and what is loaded late, goes into files of its own.
  chunkNames: 'parts/[name]-[hash]',
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: 'linked',
  legalComments: 'linked',
  external: ['lmdb', 'node', 'listr2'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'info',
})
const types = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
process.exitCode = warnings.length === 0 && types.status === 0 ? 0 : 1
