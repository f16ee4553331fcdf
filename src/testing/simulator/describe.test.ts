import { expect, test } from 'vitest'
import { scenarioText } from './describe.ts'

test('a scenario reads as what there was and what happened when', () => {
  const set = { name: 'web', replicas: 2, isParallel: true, hasClaim: true, keepsClaims: true }
  const more = { minReadySeconds: 0, partition: 0, maxUnavailable: 1, start: 0, hasProbe: false }
  const text = scenarioText({
    seed: 1,
    nodes: 2,
    clockOffsetsMs: [-500, 20],
    sets: [{ ...set, ...more }],
    actions: [
      { atMs: 10_000, kind: 'fillDisk', node: 'node-1', forMs: 4000 },
      { atMs: 120_500, kind: 'deletePod', set: 'web', place: 0 },
    ],
  })
  expect(text.split('\n')).toEqual([
    '2 machines, their clocks off by -500, 20 ms',
    'set web: replicas=2 isParallel=true hasClaim=true keepsClaims=true minReadySeconds=0 partition=0 maxUnavailable=1 start=0 hasProbe=false',
    '  10.000 s  fillDisk node=node-1 forMs=4000',
    ' 120.500 s  deletePod set=web place=0',
  ])
})
