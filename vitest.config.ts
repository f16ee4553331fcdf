import { defineConfig } from 'vitest/config'

/** Real containers, networks and disks of this machine: one at a time, after everything else. */
const MACHINE = ['test/**/*.machine.test.ts']

const common = { testTimeout: 30_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    projects: [
      { test: { ...common, name: 'process', include: ['src/**/*.test.ts', 'test/**/*.test.ts'], exclude: MACHINE } },
      { test: { ...common, name: 'machine', include: MACHINE, fileParallelism: false, sequence: { groupOrder: 1 } } },
    ],
  },
})
