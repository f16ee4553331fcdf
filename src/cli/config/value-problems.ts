/** What is wrong with the value of a setting, in words that follow the value; undefined when it is fine. */
import { addressNumberOf, addressRangeOf } from '../../machinery/address-range.ts'
import { featureGateNames, isFeatureGate } from '../../machinery/feature-gates.ts'
import { dnsSubdomainProblems } from '../../machinery/names.ts'
import { nearestTo } from '../nearest.ts'

type Problem = string | undefined

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

const unless = (isFine: boolean, problem: string): Problem => (isFine ? undefined : problem)
const isWholeNumber = (value: string, { min, max }: { min: number; max: number }): boolean =>
  /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max

export const portProblem = (value: string): Problem =>
  unless(isWholeNumber(value, { min: 1, max: 65_535 }), 'must be a port from 1 to 65535')

export const nodeCountProblem = (value: string): Problem =>
  unless(isWholeNumber(value, { min: 1, max: 50 }), 'must be a number of machines from 1 to 50')

export const minutesProblem = (value: string): Problem =>
  unless(isWholeNumber(value, { min: 1, max: 1440 }), 'must be a number of minutes from 1 to 1440')

export const secondsProblem = (value: string): Problem =>
  unless(isWholeNumber(value, { min: 0, max: 3600 }), 'must be a number of seconds from 0 to 3600')

export const addressProblem = (value: string): Problem =>
  unless(addressNumberOf(value) !== undefined, 'must be an IPv4 address such as 10.0.0.1')

export function rangeProblem(value: string): Problem {
  try {
    addressRangeOf(value)
    return undefined
  } catch {
    return 'must be an IPv4 range such as 10.244.0.0/16'
  }
}

export const domainProblem = (value: string): Problem =>
  unless(dnsSubdomainProblems(value).length === 0, 'must be a domain such as cluster.local')

export const storeProblem = (value: string): Problem =>
  unless(
    /^(lmdb:\/\/\/|etcds?:\/\/|memory:$)/.test(value),
    'must be lmdb:///PATH, etcd://HOST:PORT[,HOST:PORT…][/PREFIX], the same with etcds://, or memory:',
  )

export const mirrorProblem = (value: string): Problem =>
  unless(
    /^[a-z0-9.-]+(:\d+)?=https?:\/\/[^\s"]+$/i.test(value),
    'must be HOST=URL, such as docker.io=http://127.0.0.1:5000',
  )

export const serverProblem = (value: string): Problem =>
  unless(URL.canParse(value) && value.startsWith('https://'), 'must be a URL such as https://10.0.0.1:6443')

export const labelProblem = (value: string): Problem => unless(/^[^=\s]+=[^=\s]*$/.test(value), 'must be KEY=VALUE')

export const taintProblem = (value: string): Problem =>
  unless(
    new RegExp(`^[^=:\\s]+(=[^:\\s]*)?:(${EFFECTS.join('|')})$`).test(value),
    `must be KEY[=VALUE]:EFFECT, where the effect is ${EFFECTS.slice(0, -1).join(', ')} or ${EFFECTS.at(-1)}`,
  )

export function logLevelProblem(value: string): Problem {
  if ((LOG_LEVELS as readonly string[]).includes(value)) return undefined
  const near = nearestTo(value, LOG_LEVELS)
  return `must be ${LOG_LEVELS.slice(0, -1).join(', ')} or ${LOG_LEVELS.at(-1)}${near ? `, did you mean ${near}?` : ''}`
}

export const gateList = featureGateNames.join(', ')

export function gateProblem(setting: string): Problem {
  const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(setting) ?? []
  if (!isFeatureGate(name)) {
    const near = nearestTo(name, featureGateNames)
    return `names no feature gate${near ? `, did you mean ${near}?` : ''} (there are ${gateList})`
  }
  return unless(value === 'true' || value === 'false', `must be ${name}=true or ${name}=false`)
}
