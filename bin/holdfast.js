#!/usr/bin/env node
// Starts the command line on the Node.js that the package pins, whatever `node` on the PATH is.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAJOR_MIN = 24
const here = dirname(fileURLToPath(import.meta.url))

if (Number(process.versions.node.split('.')[0]) < MAJOR_MIN) {
  const pinned = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
  if (!existsSync(pinned)) {
    console.error(
      `holdfast needs Node.js ${MAJOR_MIN} or newer; this is ${process.version}, and ${pinned} is missing. Run: npm install`,
    )
    process.exit(1)
  }
  process.on('SIGINT', () => {}) // Ctrl-C reaches the child as well, which has something to say about it.
  const { status, signal } = spawnSync(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  process.exit(signal ? 128 : (status ?? 1))
}

module.enableCompileCache?.() // Not there before Node.js 22, which must come as far as to the lines above.
const source = join(here, '../src/bin/holdfast.ts') // In a clone; the published package has only the bundle.
await import(existsSync(source) ? source : join(here, '../dist/holdfast.js'))
