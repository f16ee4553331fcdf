import { parseArgs } from 'node:util'
import { durationMsOf } from '../src/machinery/duration.ts'
import { scenarioText } from '../src/testing/simulator/describe.ts'
import { runScenario } from '../src/testing/simulator/run-scenario.ts'
import { scenarioFrom, wildScenarioFrom } from '../src/testing/simulator/scenario.ts'
import { shrink } from '../src/testing/simulator/shrink.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    for: { type: 'string' },
    keep: { type: 'boolean' },
    wild: { type: 'boolean' },
  },
})

/** Plays one seed; on failure says all that is needed to look into it. */
async function simulate(seed: number): Promise<boolean> {
  const scenario = values.wild ? wildScenarioFrom(seed) : scenarioFrom(seed)
  const { violation, digest, virtualMs } = await runScenario(scenario)
  if (violation === undefined) {
    if (values.seed) console.log(`seed ${seed}: holds, ${Math.round(virtualMs / 1000)} virtual s, history ${digest}`)
    return true
  }
  console.log(`seed ${seed} breaks a promise: ${violation}`)
  console.log('looking for the shortest history that still does')
  const { scenario: shortest, outcome, runs } = await shrink(scenario)
  console.log(`\nthe shortest found in ${runs} runs: ${outcome.violation ?? violation}\n`)
  console.log(scenarioText(shortest))
  console.log(`\n${outcome.evidence ?? ''}\n`)
  console.log(`for a regression test: ${JSON.stringify(shortest)}`)
  console.log(`replay: npm run simulate -- --seed ${seed}${values.wild ? ' --wild' : ''}\n`)
  return false
}

const startedMs = performance.now()
const deadlineMs = values.for ? startedMs + durationMsOf(values.for) : Number.POSITIVE_INFINITY
const first = Number(values.seed ?? values.from)
const last = values.seed ? first : first + Number(values.seeds ?? (values.for ? Number.POSITIVE_INFINITY : 100)) - 1
let failures = 0
let played = 0
for (let seed = first; seed <= last && performance.now() < deadlineMs; seed++) {
  played++
  if (!(await simulate(seed))) failures++
  if (failures > 0 && !values.keep) break
}
console.log(
  `${played} seeds from ${first}, ${failures} failed, ${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
)
process.exitCode = failures > 0 ? 1 : 0
