import { expect, test } from 'vitest'
import { Pod } from '../../src/api/core-v1/types.ts'
import { seededRandom } from '../../src/fakes/seeded-random.ts'
import { integerBelow, type Random } from '../../src/machinery/random.ts'
import { OrderCheck } from './order-check.ts'
import { claimTemplate, Stage } from './stage.ts'
import { faultyWrites, lateWatches, type Tampering } from './tampering.ts'

/** `SEEDS=2000 vitest run test/stateful-set/faults.test.ts` tries more; `FIRST_SEED` says from where. */
const SEEDS = Number(process.env.SEEDS ?? 20)
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1)
const seeds = Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index)

const LATE_MS_MAX = 400

interface Trial {
  readonly stage: Stage
  readonly random: Random
  readonly check: OrderCheck
  readonly endFaults: () => void
}

/** A stage on which writes fail and caches lag until the faults end. */
async function trialOf(seed: number): Promise<Trial> {
  const random = seededRandom(seed)
  let isFaulty = true
  const faults = faultyWrites(random, () => isFaulty)
  const held: { stage?: Stage } = {}
  const late = lateWatches(async () => {
    if (isFaulty && held.stage) await held.stage.clock.sleep(integerBelow(random, LATE_MS_MAX))
  })
  const tampering: Tampering = transport => late(faults(transport))
  const stage = await Stage.start({ tampering, seed })
  held.stage = stage
  const check = new OrderCheck()
  void stage.follow(Pod, ({ type, object }) => check.note(type, object))
  const endFaults = (): void => {
    isFaulty = false
  }
  return { stage, random, check, endFaults }
}

/** Scales and updates at random moments, as often as told. */
async function disturb({ stage, random }: Trial, times: number): Promise<{ replicas: number; image: string }> {
  let wanted = { replicas: 3, image: 'old' }
  for (let change = 0; change < times; change++) {
    await stage.clock.advance(integerBelow(random, 20_000))
    if (random.float() < 0.5) {
      wanted = { ...wanted, replicas: integerBelow(random, 5) }
      await stage.change({ replicas: wanted.replicas })
    } else {
      wanted = { ...wanted, image: `v${integerBelow(random, 3)}` }
      await stage.setImage(wanted.image)
    }
  }
  return wanted
}

const expectedImages = ({ replicas, image }: { replicas: number; image: string }): readonly string[] =>
  Array.from({ length: replicas }, (_, ordinal) => `web-${ordinal}=${image}`)

/** A spec of one kind or another. Only ordered ones with one Pod at a time promise what `OrderCheck` looks at. */
function specBy(random: Random): { readonly spec: object; readonly isChecked: boolean; readonly keepsClaims: boolean } {
  const isParallel = random.float() < 0.3
  const maxUnavailable = random.float() < 0.3 ? 2 : 1
  const keepsClaims = random.float() < 0.5
  const whenScaled = keepsClaims ? 'Retain' : 'Delete'
  return {
    spec: {
      podManagementPolicy: isParallel ? 'Parallel' : 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } },
      persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted: 'Retain' },
      volumeClaimTemplates: [claimTemplate()],
    },
    isChecked: !isParallel && maxUnavailable === 1,
    keepsClaims,
  }
}

test.each(seeds)('seed %i: writes fail, answers get lost, caches lag; order holds, and the set arrives', async seed => {
  const trial = await trialOf(seed)
  await using stage = trial.stage
  const { spec, isChecked, keepsClaims } = specBy(trial.random)
  await stage.create(spec)
  const wanted = await disturb(trial, 4)
  trial.endFaults()
  await stage.clock.advance(1_500_000)
  if (isChecked) expect(trial.check.broken).toEqual([])
  expect(await stage.images()).toEqual(expectedImages(wanted))
  const { status } = await stage.set()
  expect(status).toMatchObject({ replicas: wanted.replicas, currentRevision: status.updateRevision })
  const needed = (await stage.podNames()).map(name => `data-${name}`)
  const claims = await stage.claimNames()
  expect(claims).toEqual(expect.arrayContaining(needed))
  for (const left of keepsClaims ? [] : claims.filter(name => !needed.includes(name))) {
    // Its Pod was refused until it was no longer wanted: what never had a Pod has no owner to go with (B26).
    expect((await stage.claim(left)).metadata.ownerReferences ?? []).toEqual([])
  }
})

test.each(seeds)('seed %i: a leader that ends in the middle is followed by one that does nothing twice', async seed => {
  const random = seededRandom(seed)
  await using stage = await Stage.start({ seed, leader: false })
  const check = new OrderCheck()
  void stage.follow(Pod, ({ type, object }) => check.note(type, object))
  await stage.create({ replicas: 4 })
  await stage.setImage('new')
  for (let leader = 0; leader < 8; leader++) {
    const term = new AbortController()
    const ended = stage.runStatefulSets({ signal: term.signal })
    for (let turn = integerBelow(random, 40); turn > 0; turn--) await stage.clock.rest()
    term.abort(new Error('lost the lead'))
    await ended
  }
  void stage.runStatefulSets({})
  await stage.clock.advance(60_000)
  expect(check.broken).toEqual([])
  expect(await stage.images()).toEqual(expectedImages({ replicas: 4, image: 'new' }))
})

test('a set that cannot be handled does not hold up another', async () => {
  const refuseOne: Tampering = transport => ({
    request: (call, signal) =>
      call.resource === 'controllerrevisions' && JSON.stringify(call.body ?? '').includes('"bad-')
        ? Promise.reject(new Error('never'))
        : transport.request(call, signal),
    watch: (call, signal) => transport.watch(call, signal),
  })
  await using stage = await Stage.start({ tampering: refuseOne })
  await stage.create({ replicas: 1 }, { name: 'bad' })
  await stage.create({ replicas: 1 })
  expect(await stage.podNames()).toEqual(['web-0'])
})
